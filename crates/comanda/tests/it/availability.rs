//! Availability: many SKUs asked for in one call.

use comanda_contracts::AvailabilityAnswer;
use serde_json::{Value, json};

use crate::server::Server;

fn ask(server: &Server, lines: &Value) -> AvailabilityAnswer {
    server.settle();
    server.post("/v1/availability:query", &json!({"lines": lines})).is(200).read()
}

#[test]
fn each_line_is_answered_and_an_unknown_sku_named_inside() {
    let server = Server::start();
    server.stocked("TEA", 5);
    server.post("/v1/skus", &json!({"sku": "LATER", "backorderLimit": 2})).is(201);
    let answer = ask(
        &server,
        &json!([
            {"sku": "TEA", "quantity": 3}, {"sku": "GONE", "quantity": 1}, {"sku": "TEA", "quantity": 3}, {"sku": "LATER", "quantity": 2},
        ]),
    );
    let lines: Vec<_> =
        answer.lines.iter().map(|l| (l.sku.as_str(), l.requested, l.available, l.sufficient, l.known)).collect();
    assert_eq!(
        lines,
        [
            ("TEA", 3, 5, true, true),
            ("GONE", 1, 0, false, false),
            ("TEA", 3, 5, false, true),
            ("LATER", 2, 0, true, true),
        ]
    );
    assert!(!answer.sufficient);
    assert!(ask(&server, &json!([{"sku": "TEA", "quantity": 5}])).sufficient);
    assert_eq!(server.counters("TEA"), (5, 0, 0, 5), "asking holds nothing");
}

#[test]
fn up_to_two_thousand_lines_may_be_asked_for() {
    let server = Server::start();
    server.stocked("TEA", 2_000);
    let lines = |count: usize| json!(vec![json!({"sku": "TEA", "quantity": 1}); count]);
    let answer = ask(&server, &lines(2_000));
    assert!(answer.sufficient && answer.lines.len() == 2_000);
    for count in [0, 2_001] {
        let refused = server.post("/v1/availability:query", &json!({"lines": lines(count)}));
        assert_eq!(refused.problem(422, "INVALID_FIELDS").errors[0].pointer, "/lines");
    }
}
