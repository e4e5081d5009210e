//! Who did it: the name in every event is that of the credential, whatever a client writes about itself.

use serde_json::json;

use super::ring::{create, locked};
use crate::server::Server;
use crate::wait;

#[test]
fn ledger_and_timeline_name_the_key_and_believe_no_header() {
    let (mut server, _) = locked();
    let shop = create(server.data(), "shop", &[]);
    server.stocked("TEA", 10);
    wait::until("the key counts", || {
        let request = crate::http::Request::new(server.addr, "GET", "/v1/stock").bearer(&shop.text);
        (request.send().status == 200).then_some(())
    });
    server.come_with(&shop.text);
    let forged = |method: &str, path: &str| {
        ["actor", "x-actor", "x-forwarded-user", "comanda-actor", "x-tenant"]
            .iter()
            .fold(server.request(method, path), |request, name| request.header(name, "key:owner"))
    };
    let body = json!({"sku": "TEA", "delta": -1, "reasonCode": "damaged"});
    forged("POST", "/v1/stock/adjustments").json(&body).send().is(201);
    let ledger = server.get("/v1/stock/TEA/ledger").is(200).json();
    let actors: Vec<_> = ledger["items"].as_array().unwrap().iter().map(|entry| &entry["actor"]).collect();
    assert_eq!(actors, ["key:shop", "key:owner"], "{ledger}");

    let line = json!({"sku": "TEA", "quantity": 1});
    forged("POST", "/v1/orders").json(&json!({"orderId": "o", "lines": [line]})).send().is(202);
    let timeline = wait::until("it is reserved", || {
        let timeline = server.get("/v1/orders/o/timeline").is(200).json();
        (timeline["status"] == "RESERVED").then_some(timeline)
    });
    let actor = |code: &str| {
        let entries = timeline["items"].as_array().unwrap();
        entries.iter().find(|entry| entry["code"] == code).unwrap()["actor"].clone()
    };
    assert_eq!(actor("PLACED"), "key:shop");
    // What came of it by message was done by the other context.
    assert_eq!(actor("RESERVED"), "inventory");
    server.stop().verifies();
}

#[test]
fn webhooks_of_either_context_are_worked_on_under_the_name_of_the_key() {
    let (server, _) = locked();
    let hook = json!({"url": "https://example.org/hook"});
    for context in ["inventory", "fulfillment"] {
        let path = format!("/v1/webhooks?context={context}");
        let made = server.request("POST", &path).header("idempotency-key", "once").json(&hook).send();
        assert_eq!(made.status, 201, "{made:?}");
    }
    let stopped = server.stop();
    for context in ["inventory", "fulfillment"] {
        let log = rusqlite::Connection::open(stopped.data.join(context).join("log.db")).unwrap();
        let actors = "SELECT count(*) FROM events WHERE CAST(metadata AS TEXT) LIKE '%register-webhook%key:owner%' \
                      OR CAST(metadata AS TEXT) LIKE '%key:owner%register-webhook%'";
        let named: i64 = log.query_row(actors, [], |row| row.get(0)).unwrap();
        assert!(named > 0, "{context}");
    }
}

#[test]
fn where_everybody_may_come_in_nobody_is_named() {
    let server = Server::start();
    let request = server.request("POST", "/v1/skus").header("actor", "me").header("authorization", "Bearer me");
    request.json(&json!({"sku": "TEA"})).send().is(201);
    server.received("TEA", "main", 1);
    server.settle();
    let ledger = server.get("/v1/stock/TEA/ledger").is(200).json();
    assert!(ledger["items"][0].get("actor").is_none(), "{ledger}");
}
