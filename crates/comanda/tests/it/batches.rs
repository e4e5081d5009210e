//! Batches: many reservations in one request, each with its own outcome.

use comanda_contracts::{BatchAnswer, ReservationState};
use serde_json::{Value, json};

use crate::server::Server;

fn item(id: &str, sku: &str, quantity: i64) -> Value {
    json!({"reservationId": id, "lines": [{"sku": sku, "quantity": quantity}]})
}

#[test]
fn each_item_has_the_outcome_it_would_have_alone() {
    let server = Server::start();
    server.stocked("TEA", 5);
    let batch = json!({"reservations": [
        item("a", "TEA", 3), item("b", "TEA", 3), item("c", "TEA", 2), item("d", "GONE", 1), item("e", "TEA", 0),
        item("a", "TEA", 3), {"lines": [{"sku": "TEA", "quantity": 1}]},
    ]});
    let answer = server.post("/v1/reservations:batch", &batch).is(200);
    let token = answer.token();
    let answer: BatchAnswer = answer.read();
    let outcomes: Vec<_> = answer
        .outcomes
        .iter()
        .map(|outcome| {
            (
                outcome.status,
                outcome.reservation_id.as_deref(),
                outcome.problem.as_ref().map(|problem| problem.code.as_ref()),
            )
        })
        .collect();
    assert_eq!(
        outcomes[..6],
        [
            (201, Some("a"), None),
            (409, Some("b"), Some("INSUFFICIENT_STOCK")),
            (201, Some("c"), None),
            (404, Some("d"), Some("UNKNOWN_SKU")),
            (422, Some("e"), Some("INVALID_FIELDS")),
            (201, Some("a"), None),
        ]
    );
    assert_eq!((answer.accepted, answer.rejected, outcomes[6].0), (3, 4, 409));
    assert_eq!(answer.outcomes[4].problem.as_ref().unwrap().errors[0].pointer, "/reservations/4/lines/0/quantity");
    assert_eq!(answer.outcomes[1].problem.as_ref().unwrap().shortfalls[0].available, 2);
    assert!(answer.outcomes[5].replayed && !answer.outcomes[0].replayed);
    assert!(answer.outcomes.iter().enumerate().all(|(place, outcome)| outcome.index == place as u64));
    assert_eq!(answer.outcomes[2].state, Some(ReservationState::Held));
    let stock = server.get_after("/v1/stock/TEA", &token).is(200).json();
    assert_eq!((stock["reserved"].as_i64(), stock["available"].as_i64()), (Some(5), Some(0)));
}

#[test]
fn a_thousand_items_fit_and_can_be_sent_again() {
    let server = Server::start();
    server.stocked("TEA", 700);
    let items: Vec<_> = (0..1_000).map(|n| item(&format!("r{n}"), "TEA", 1)).collect();
    let batch = json!({"reservations": items});
    let send = || server.post("/v1/reservations:batch", &batch).is(200).read::<BatchAnswer>();
    let first = send();
    assert_eq!((first.accepted, first.rejected, first.outcomes.len()), (700, 300, 1_000));
    let again = send();
    assert_eq!((again.accepted, again.rejected), (700, 300));
    assert!(again.outcomes.iter().all(|outcome| outcome.replayed == outcome.state.is_some()));
    assert_eq!(server.counters("TEA"), (700, 700, 0, 0));
    server.stop().verifies();
}

#[test]
fn more_than_two_thousand_lines_are_refused_whole() {
    let server = Server::start();
    server.stocked("TEA", 5_000);
    let line = json!({"sku": "TEA", "quantity": 1});
    let big = |id: &str, lines: usize| json!({"reservationId": id, "lines": vec![line.clone(); lines]});
    let batch = |lines: usize| json!({"reservations": [big("a", 1_000), big("b", lines)]});
    server.post("/v1/reservations:batch", &batch(1_001)).problem(422, "INVALID_FIELDS");
    assert_eq!(server.counters("TEA").1, 0);
    let answer: BatchAnswer = server.post("/v1/reservations:batch", &batch(1_000)).is(200).read();
    assert_eq!(answer.accepted, 2);
    assert_eq!(server.counters("TEA").1, 2_000);
}

#[test]
fn a_batch_with_an_idempotency_key_is_answered_again() {
    let server = Server::start();
    server.stocked("TEA", 10);
    // Without ids of its own: only the key makes it safe to repeat.
    let one = json!({"lines": [{"sku": "TEA", "quantity": 1}]});
    let send = |items: Vec<Value>| {
        let batch = json!({"reservations": items});
        server
            .request("POST", "/v1/reservations:batch")
            .header("idempotency-key", "k")
            .json(&batch)
            .send()
            .is(200)
            .read::<BatchAnswer>()
    };
    let ids =
        |answer: &BatchAnswer| answer.outcomes.iter().map(|outcome| outcome.reservation_id.clone()).collect::<Vec<_>>();
    let first = send(vec![one.clone(), one.clone()]);
    let again = send(vec![one.clone(), one.clone()]);
    assert_eq!(ids(&again), ids(&first));
    assert!(again.outcomes.iter().all(|outcome| outcome.replayed));
    assert_eq!(server.counters("TEA"), (10, 2, 0, 8));
    let other = send(vec![one]);
    assert_eq!(other.outcomes[0].problem.as_ref().unwrap().code, "IDEMPOTENCY_KEY_REUSED");
}
