//! Movements by reason on the real server and its store: filters, pages and sums, and a sum that was changed is named.

use comanda_contracts::{MovementSums, Page, StockMovement};
use rusqlite::Connection;
use serde_json::json;

use crate::server::{Server, complaint};

/// A server with a receipt and a theft of each of thirty SKUs.
fn moved() -> Server {
    let server = Server::start();
    for no in 0..30 {
        let sku = format!("SKU-{no}");
        server.stocked(&sku, 10);
        let theft = json!({"sku": sku, "delta": -1, "reasonCode": "stolen"});
        server.post("/v1/stock/adjustments", &theft).is(201);
    }
    server.settle();
    server
}

/// Every page of a list.
fn all(server: &Server, filters: &str) -> Vec<StockMovement> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/stock/movements?limit=7{filters}{cursor}");
        let page: Page<StockMovement> = server.get(&path).is(200).read();
        items.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[test]
fn pages_show_every_movement_once_in_the_order_of_time() {
    let server = moved();
    let found = all(&server, "");
    assert_eq!(found.len(), 60);
    assert!(found.is_sorted_by_key(|movement| &movement.at));
    let mut keys: Vec<_> = found.iter().map(|movement| (&movement.sku, movement.version)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 60);
    assert_eq!(all(&server, "&reason=stolen&locationId=main").len(), 30);
    assert_eq!(all(&server, "&sku=SKU-7").len(), 2);
    let (first, last) = (&found[10].at, &found[50].at);
    let between = found.iter().filter(|movement| movement.at >= *first && movement.at < *last).count();
    assert_eq!(all(&server, &format!("&from={first}&to={last}")).len(), between);
}

#[test]
fn sums_add_up_over_all_partitions_and_a_sum_that_was_changed_is_named() {
    let server = moved();
    // The day may have turned while it moved: both are asked for.
    let found = all(&server, "");
    let (from, to) = (&found[0].at[..10], &found[59].at[..10]);
    let path = format!("/v1/stock/movements/sums?from={from}&to={to}");
    let sums = server.get(&path).is(200).read::<MovementSums>().sums;
    let units = (sums.iter().map(|s| s.on_hand_in).sum::<i64>(), sums.iter().map(|s| s.on_hand_out).sum::<i64>());
    assert_eq!((units, sums.iter().map(|s| s.movements).sum::<i64>()), ((300, 30), 60));
    let one = server.get(&format!("{path}&sku=SKU-3&reason=stolen")).is(200).read::<MovementSums>().sums;
    assert_eq!((one.len(), one[0].on_hand_out), (1, 1));

    let stopped = server.stop();
    stopped.verifies();
    let views = Connection::open(stopped.data.join("inventory/views.db")).unwrap();
    let change =
        "UPDATE m_movement_sums_v2 SET document = CAST(replace(document, '\"onHandOut\":1', '\"onHandOut\":0') AS BLOB)
        WHERE key LIKE 'SKU-3/%/stolen/%'";
    assert_eq!(views.execute(change, []).unwrap(), 1);
    drop(views);
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    assert_eq!(verified.status.code(), Some(1), "{printed} {}", complaint(&verified));
    assert!(printed.contains("movement_sums") && printed.contains("SKU-3"), "{printed}");
}
