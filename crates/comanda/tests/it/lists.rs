//! Lists: bounded pages continued by cursors, filters, the view of what runs low.

use std::collections::BTreeSet;

use comanda_contracts::{LowStock, Page, Sku, Stock};
use serde_json::json;

use crate::server::Server;
use crate::wait;

/// A server with 120 SKUs `A-000` to `A-119` and 5 `B-…`; of every tenth there is nothing.
fn catalogue() -> Server {
    let server = Server::start();
    for n in 0..125 {
        let sku = if n < 120 { format!("A-{n:03}") } else { format!("B-{n:03}") };
        server.stocked(&sku, 1);
        if n % 10 == 0 {
            server.reserve(&sku, &sku, 1).is(201);
        }
    }
    server.settle();
    server
}

/// All pages of a list, and how many there were.
fn pages(server: &Server, path: &str) -> (Vec<Stock>, usize) {
    let (mut all, mut count, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page: Page<Stock> = server.get(&format!("{path}{cursor}")).is(200).read();
        all.extend(page.items);
        count += 1;
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (all, count),
        }
        assert!(count < 100, "the pages never end");
    }
}

#[test]
fn pages_show_everything_once_in_order() {
    let server = catalogue();
    let (all, count) = pages(&server, "/v1/stock?limit=50");
    let skus: BTreeSet<_> = all.iter().map(|stock| stock.sku.clone()).collect();
    assert_eq!((all.len(), skus.len(), count), (125, 125, 3));
    assert!(all.is_sorted_by_key(|stock| stock.sku.clone()));
    assert_eq!(server.get("/v1/stock").is(200).read::<Page<Stock>>().items.len(), 50, "50 unless asked otherwise");
    assert_eq!(pages(&server, "/v1/stock?limit=200").1, 1);
    assert_eq!(pages(&server, "/v1/stock?limit=25").0, all);

    assert_eq!(pages(&server, "/v1/stock?skuPrefix=B-").0.len(), 5);
    let (there, _) = pages(&server, "/v1/stock?limit=30&onlyAvailable=true");
    assert_eq!(there.len(), 112);
    assert!(there.iter().all(|stock| stock.available > 0));
    let (both, _) = pages(&server, "/v1/stock?limit=2&onlyAvailable=true&skuPrefix=B-");
    assert_eq!(both.len(), 4);

    let skus: Page<Sku> = server.get("/v1/skus?limit=200").is(200).read();
    assert_eq!((skus.items.len(), skus.items[0].sku.as_str(), skus.next_cursor), (125, "A-000", None));
    // A cursor belongs to its list.
    let cursor =
        server.get("/v1/stock/A-000/ledger?limit=1").is(200).read::<Page<serde_json::Value>>().next_cursor.unwrap();
    server.get(&format!("/v1/stock?cursor={cursor}")).problem(400, "INVALID_PARAMETER");
}

#[test]
fn what_runs_low_is_listed_until_it_comes_in() {
    let server = Server::start();
    server.stocked("PLENTY", 10);
    server.stocked("SOLD", 2);
    server.post("/v1/skus", &json!({"sku": "SAFE", "name": "Safe", "safetyStock": 4})).is(201);
    server.received("SAFE", "main", 4);
    server.reserve("r", "SOLD", 2).is(201);
    let low = || {
        server.settle();
        let page: Page<LowStock> = server.get("/v1/low-stock").is(200).read();
        let mut low: Vec<_> = page.items.into_iter().map(|low| (low.sku, low.available)).collect();
        low.sort();
        low
    };
    assert_eq!(low(), [("SAFE".to_owned(), 0), ("SOLD".to_owned(), 0)]);
    server.received("SAFE", "main", 1);
    assert_eq!(low(), [("SOLD".to_owned(), 0)]);
    server.poke("/v1/reservations/r/release").is(200);
    assert_eq!(low(), []);
}

#[test]
fn a_list_shows_within_a_second_that_a_hold_has_ended() {
    let server = Server::start();
    server.stocked("TEA", 2);
    let hold = json!({"lines": [{"sku": "TEA", "quantity": 2}], "ttlSeconds": 1});
    let end = server.post("/v1/reservations", &hold).is(201).json()["expiresAt"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    server.settle();
    let listed = || server.get("/v1/stock?onlyAvailable=true").is(200).read::<Page<Stock>>().items.len();
    assert_eq!(listed(), 0);
    wait::until("it is listed as available again", || {
        let asked = jiff::Timestamp::now();
        let shown = listed() == 1;
        // A second, and a moment for a machine that is busy with other tests.
        assert!(shown || asked.as_millisecond() < end.as_millisecond() + 2_000, "still not listed");
        shown.then_some(())
    });
}
