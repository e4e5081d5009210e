//! Cycle counts by people who are known: who counts and who reviews is told from the credential, so four eyes are four eyes.

use serde_json::{Value, json};

use super::issuer::{Issuer, served};
use crate::http::{Answer, Request};
use crate::server::Server;

fn post(server: &Server, token: &str, path: &str, body: &Value) -> Answer {
    Request::new(server.addr, "POST", path).bearer(token).json(body).send()
}

#[test]
fn whoever_has_counted_cannot_review_it_under_another_name() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let token = server.stocked("TEA", 9);
    server.get_after("/v1/stock/TEA", &token).is(200);
    let [mia, tom] = ["mia", "auth0|tom"].map(|subject| issuer.token_for(subject, "default", "queries commands"));
    let at = |subject: &str| format!("jwt:{subject}@{}", issuer.addr);
    let asked = post(&server, &mia, "/v1/counts", &json!({"countId": "c", "skus": ["TEA"]})).is(201);
    assert_eq!(asked.json()["requestedBy"], at("mia"));
    let lines = json!([{"sku": "TEA", "quantity": 6}]);
    // Nobody does anything in another's name.
    for (verb, body) in [
        ("record", json!({"by": "mia", "lines": lines})),
        ("record", json!({"by": at("mia"), "lines": lines})),
        ("recount", json!({"by": "mia"})),
        ("review", json!({"by": "mia"})),
        ("apply", json!({"by": "mia"})),
        ("cancel", json!({"by": "mia"})),
    ] {
        let refused = post(&server, &tom, &format!("/v1/counts/c/{verb}"), &body).problem(422, "INVALID_FIELDS");
        assert_eq!(refused.errors[0].pointer, "/by", "{verb}");
        assert!(refused.detail.contains("leave it out"), "{verb}: {}", refused.detail);
    }
    let named = post(&server, &tom, "/v1/counts", &json!({"countId": "d", "skus": ["TEA"], "by": "mia"}));
    assert_eq!(named.problem(422, "INVALID_FIELDS").errors[0].pointer, "/by");
    // His own name may be said.
    let counted =
        post(&server, &tom, "/v1/counts/c/record", &json!({"by": at("auth0|tom"), "lines": lines})).is(200).json();
    assert_eq!(counted["lines"][0]["countedBy"], at("auth0|tom"));
    post(&server, &tom, "/v1/counts/c/review", &json!({})).problem(409, "NEEDS_ANOTHER_REVIEWER");
    let reviewed = post(&server, &mia, "/v1/counts/c/review", &json!({})).is(200).json();
    assert_eq!(reviewed["reviewedBy"], at("mia"));
    post(&server, &mia, "/v1/counts/c/apply", &json!({})).is(200);
    assert_eq!(server.counters("TEA"), (6, 0, 0, 6));
    let stopped = server.stop();
    stopped.verifies();
}
