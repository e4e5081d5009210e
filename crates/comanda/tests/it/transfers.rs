//! Transfers on the real server: nothing is lost between two locations but what is said to be, and `verify` proves it.

use comanda_contracts::{Transfer, TransferState};
use rusqlite::Connection;
use serde_json::json;

use crate::server::{Server, complaint};

/// A server with 4 of its 10 TEA on their way to Berlin.
fn in_transit() -> Server {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.post("/v1/locations", &json!({"locationId": "berlin"})).is(201);
    let lines = json!([{"sku": "TEA", "quantity": 4}]);
    let way = json!({"transferId": "t-1", "fromLocationId": "main", "toLocationId": "berlin", "lines": lines});
    server.post("/v1/transfers", &way).is(201);
    server.post("/v1/transfers/t-1/ship", &json!({"expectedAt": "2030-03-09T09:00:00Z"})).is(200);
    server
}

#[test]
fn goods_on_their_way_survive_a_kill_and_come_once() {
    let server = in_transit().kill().start();
    let stock = server.stock("TEA");
    assert_eq!((stock.on_hand, stock.in_transit, stock.available), (6, 4, 6));
    let came = json!({"deliveryId": "van-1", "lines": [{"lineId": "1", "quantity": 3, "lost": 1}]});
    server.post("/v1/transfers/t-1/receive", &came).is(200);
    let server = server.kill().start();
    let again = server.post("/v1/transfers/t-1/receive", &came).is(200);
    assert_eq!(again.read::<Transfer>().state, TransferState::Received);
    let stock = server.stock("TEA");
    assert_eq!((stock.on_hand, stock.in_transit, stock.incoming), (9, 0, 0));
    server.stop().verifies();
}

#[test]
fn a_unit_that_vanished_in_transit_is_missed() {
    let server = in_transit();
    server.post("/v1/transfers/t-1/receive", &json!({"deliveryId": "van-1"})).is(200);
    let stopped = server.stop();
    stopped.verifies();
    let log = Connection::open(stopped.data.join("inventory/log.db")).unwrap();
    let change = "UPDATE events SET payload = CAST(replace(payload, '\"quantity\":4', '\"quantity\":3') AS BLOB)
        WHERE stream = 'stock/TEA' AND instr(payload, 'delivered')";
    assert_eq!(log.execute(change, []).unwrap(), 1);
    drop(log);
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    assert_eq!(verified.status.code(), Some(1), "{printed} {}", complaint(&verified));
    assert!(printed.contains("4 units left with line 1 of transfer/t-1") && printed.contains("3 came"), "{printed}");
}
