//! Receipts on the real server: durable, safe to repeat over a kill, and verified; each checker is shown to bark.

use comanda_contracts::{Receipt, ReceiptState};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{Server, Stopped, complaint};

/// A server that expects 100 TEA, of which 60 have come, 2 of them damaged.
fn receiving() -> Server {
    let server = Server::start();
    server.stocked("TEA", 10);
    let announced = json!({
        "receiptId": "po-1", "state": "EXPECTED", "expectedAt": "2030-03-09T09:00:00Z",
        "lines": [{"sku": "TEA", "quantity": 100}],
    });
    server.post("/v1/receipts", &announced).is(201);
    server.post("/v1/receipts/po-1/receive", &first_truck()).is(200);
    server
}

fn first_truck() -> Value {
    json!({"deliveryId": "truck-1", "lines": [{"lineId": "1", "quantity": 60, "damaged": 2}]})
}

#[test]
fn a_delivery_that_is_sent_again_after_a_kill_is_booked_once() {
    let server = receiving();
    assert_eq!((server.counters("TEA"), server.stock("TEA").incoming), ((70, 0, 0, 68), 40));
    let server = server.kill().start();
    let again = server.post("/v1/receipts/po-1/receive", &first_truck()).is(200);
    assert_eq!(again.read::<Receipt>().state, ReceiptState::PartiallyReceived);
    assert_eq!((server.counters("TEA"), server.stock("TEA").incoming), ((70, 0, 0, 68), 40));
    let listed = server.get("/v1/incoming?sku=TEA").is(200).json();
    assert_eq!((&listed["items"][0]["quantity"], &listed["items"][0]["receiptId"]), (&json!(40), &json!("po-1")));
    server.stop().verifies();
}

fn data(stopped: &Stopped, file: &str) -> Connection {
    Connection::open(stopped.data.join("inventory").join(file)).unwrap()
}

/// Verifies and expects differences; returns what was printed.
#[track_caller]
fn differs(stopped: &Stopped) -> String {
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    assert_eq!(verified.status.code(), Some(1), "{printed} {}", complaint(&verified));
    printed
}

#[test]
fn a_row_of_what_is_to_come_that_was_tampered_with_is_named() {
    let stopped = receiving().stop();
    stopped.verifies();
    let change =
        "UPDATE m_incoming_v1 SET document = CAST(replace(document, '\"quantity\":40', '\"quantity\":41') AS BLOB)";
    assert_eq!(data(&stopped, "views.db").execute(change, []).unwrap(), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("incoming") && printed.contains("po-1"), "{printed}");
}

#[test]
fn a_receipt_that_says_other_units_came_than_the_stock_is_named() {
    let stopped = receiving().stop();
    let log = data(&stopped, "log.db");
    let changed = "UPDATE events SET payload = CAST(replace(payload, '\"quantity\":60', '\"quantity\":59') AS BLOB)
        WHERE stream = 'receipt/po-1' AND instr(payload, '\"quantity\":60')";
    assert_eq!(log.execute(changed, []).unwrap(), 1);
    drop(log);
    let printed = differs(&stopped);
    assert!(printed.contains("receipt po-1") && printed.contains("of TEA it says"), "{printed}");
}
