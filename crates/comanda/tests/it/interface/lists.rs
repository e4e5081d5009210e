//! Lists: every one in the document pages without gap or double while writes go on, and refuses what it does not know.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::document::{Document, Operation};
use super::shop::{Shop, path_of};

/// Lists that are whole in one answer, and what bounds them.
const WHOLE: [(&str, &str); 1] = [("shortGetReservation", "the lines of one reservation")];

/// Lists of which the shop has fewer than two: a sound one has no dead letters and nothing parked, and a delivery is
/// tried again later.
const SHORT: [(&str, usize); 3] = [("listDeadLetters", 0), ("listParkedKeys", 0), ("listWebhookDeliveries", 1)];

fn lists() -> Vec<Operation> {
    let lists: Vec<_> = Document::printed().reads().into_iter().filter(Operation::is_list_by_parts).collect();
    assert!(lists.len() >= 25, "only {} were found", lists.len());
    lists
}

#[test]
fn every_list_comes_by_parts_and_by_filters() {
    for read in Document::printed().reads().iter().filter(|read| read.answers("items")) {
        if !WHOLE.iter().any(|(id, _)| *id == read.id()) {
            assert!(read.answers("nextCursor") && read.takes("limit") && read.takes("cursor"), "{}", read.id());
            let bounds = read.parameters().find(|parameter| parameter["name"] == "limit").unwrap();
            assert!(bounds["schema"]["maximum"].is_number() && bounds["schema"]["minimum"] == 1, "{}", read.id());
        }
    }
}

/// The list's address with more parameters.
fn with(path: &str, more: &str) -> String {
    format!("{path}{}{more}", if path.contains('?') { '&' } else { '?' })
}

/// What a walk in parts of one has met, in order; `what` names it in a failure.
fn walk(shop: &Shop, path: &str) -> Vec<Value> {
    let (mut met, mut cursor) = (Vec::new(), String::new());
    for _ in 0..2_000 {
        let page = shop.server.get(&with(path, &format!("limit=1{cursor}"))).is(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{path}: more than was asked for");
        met.extend(items.iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return met,
        }
    }
    panic!("{path} never ends");
}

/// What stays the same of an item while the shop is at work: its ids, or its version in a history.
fn identity(item: &Value) -> String {
    const NAMES: [&str; 19] = [
        "orderId",
        "lineId",
        "sku",
        "locationId",
        "reservationId",
        "receiptId",
        "transferId",
        "countId",
        "pickListId",
        "waveId",
        "shipmentId",
        "returnId",
        "webhookId",
        "version",
        "at",
        "eventId",
        "attempt",
        "deliveryId",
        "name",
    ];
    let stays = NAMES.iter().filter(|name| !item["sku"].is_string() || **name != "version" || item["at"].is_string());
    let named: Vec<_> = stays.filter(|name| !item[**name].is_null()).map(|name| item[*name].to_string()).collect();
    named.join(" ")
}

#[test]
fn parts_of_one_show_everything_once_while_writes_go_on() {
    let shop = Shop::open();
    let before: Vec<(String, Vec<String>)> = lists()
        .iter()
        .map(|list| {
            let path = path_of(list);
            let whole = shop.server.get(&with(&path, &format!("limit={}", largest(list)))).is(200).json();
            let there: Vec<_> = whole["items"].as_array().unwrap().iter().map(identity).collect();
            let enough = SHORT.iter().find(|(id, _)| *id == list.id()).map_or(2, |(_, few)| *few);
            assert!(there.len() >= enough, "{path}: the shop has only {there:?}");
            (path, there)
        })
        .collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                written += 1;
                let sku = format!("NEW-{written}");
                shop.server.stocked(&sku, 2);
                shop.server.reserve(&sku, &sku, 1).is(201);
                shop.server.place(&sku, &[(&sku, 1)]).is(202);
                if written >= 200 {
                    break;
                }
            }
            written
        });
        for (path, there) in &before {
            let met: Vec<_> = walk(&shop, path).iter().map(identity).collect();
            let once: BTreeSet<_> = met.iter().collect();
            assert_eq!(once.len(), met.len(), "{path} shows one twice: {met:?}");
            let missing: Vec<_> = there.iter().filter(|one| !once.contains(one)).collect();
            assert!(missing.is_empty(), "{path} leaves out {missing:?}");
            // What was there keeps its order.
            let kept: Vec<_> = met.iter().filter(|one| there.contains(one)).collect();
            assert_eq!(kept, there.iter().collect::<Vec<_>>(), "{path} has another order");
        }
        done.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0, "nobody wrote");
    });
}

fn largest(list: &Operation) -> i64 {
    let limit = list.parameters().find(|parameter| parameter["name"] == "limit").unwrap();
    limit["schema"]["maximum"].as_i64().unwrap()
}

#[test]
fn what_a_list_does_not_know_is_refused_and_named() {
    let shop = Shop::open();
    let cursor_of = |path: &str| {
        shop.server.get(&with(path, "limit=1")).is(200).json()["nextCursor"].as_str().map(ToOwned::to_owned)
    };
    let lists = lists();
    let cursors: Vec<_> = lists.iter().filter_map(|list| Some((list.id(), cursor_of(&path_of(list))?))).collect();
    assert!(cursors.len() >= 20, "only {} lists had a second part", cursors.len());
    for list in &lists {
        let path = path_of(list);
        let refused = |more: &str, status: u16, code: &str, pointer: &str| {
            let problem = shop.server.get(&with(&path, more)).problem(status, code);
            let named = problem.detail.contains(pointer) || problem.errors.iter().any(|error| error.pointer == pointer);
            assert!(named, "{path} with {more} names something else: {problem:?}");
        };
        refused("colour=red", 400, "INVALID_PARAMETER", "colour");
        refused("cursor=nonsense", 400, "INVALID_PARAMETER", "?cursor");
        for limit in [0, -1, largest(list) + 1] {
            refused(&format!("limit={limit}"), 422, "INVALID_FIELDS", "?limit");
        }
        refused("limit=many", 400, "INVALID_PARAMETER", "limit");
        for (_, foreign) in cursors.iter().filter(|(of, _)| *of != list.id()) {
            refused(&format!("cursor={foreign}"), 400, "INVALID_PARAMETER", "?cursor");
        }
        for filter in list.parameters().filter(|at| at["in"] == "query" && at["required"] != true) {
            let name = filter["name"].as_str().unwrap();
            // A text may be anything: whoever asks for a customer nobody knows is told of none.
            if !["limit", "cursor", "customer", "consumer", "kind"].contains(&name) {
                let answer = shop.server.get(&with(&path, &format!("{name}=%20")));
                assert!([400, 422].contains(&answer.status), "{path} takes ?{name}=%20: {answer:?}");
                assert!(
                    String::from_utf8_lossy(&answer.body).contains(name),
                    "{path} does not name {name}: {answer:?}"
                );
            }
        }
    }
}

#[test]
fn filters_leave_only_what_they_say() {
    let shop = Shop::open();
    let count = |path: &str| shop.server.get(path).is(200).json()["items"].as_array().unwrap().len();
    for (path, all, left) in [
        ("/v1/skus?skuPrefix=", "TEA", 3),
        ("/v1/low-stock?skuPrefix=", "RARE-02", 1),
        ("/v1/demand?skuPrefix=", "RARE-03", 1),
        ("/v1/locations/berlin/stock?skuPrefix=", "TEA-02", 1),
        ("/v1/locations?locationIdPrefix=", "ber", 1),
        ("/v1/locations?locationIdPrefix=", "ma", 1),
        ("/v1/locations?locationIdPrefix=", "nowhere", 0),
        ("/v1/webhooks?context=inventory&enabled=", "false", 0),
        ("/v1/capacity?locationId=", "oslo", 1),
        ("/v1/capacity?locationId=", "nowhere", 0),
        ("/v1/orders?customer=", "customer-12", 3),
        ("/v1/orders?to=", "2026-01-01T00:00:00Z", 0),
        ("/v1/orders?from=", "2026-01-01T00:00:00Z", 9),
        ("/v1/late-orders?customer=", "customer-12", 3),
        ("/v1/late-orders?customer=", "nobody", 0),
        ("/v1/late-orders?status=", "BACKORDERED", 0),
        ("/v1/reservations?owner=", "customer-7", 3),
        ("/v1/returns?orderId=", "sent-7", 1),
    ] {
        assert_eq!(count(&format!("{path}{all}")), left, "{path}{all}");
    }
    // A cursor goes on with the filters it was given for.
    let path = "/v1/orders?customer=customer-12&limit=1";
    let cursor = shop.server.get(path).is(200).json()["nextCursor"].as_str().unwrap().to_owned();
    shop.server.get(&format!("{path}&cursor={cursor}")).is(200);
    shop.server.get(&format!("/v1/orders?limit=1&cursor={cursor}")).problem(400, "INVALID_PARAMETER");
    assert_eq!(json!(count("/v1/orders")), json!(9));
}
