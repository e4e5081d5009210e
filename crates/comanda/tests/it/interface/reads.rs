//! Conditional requests: every single read has an `ETag`, and answers 304 to who has it already.

use serde_json::json;

use super::document::{Document, Operation};
use super::shop::{Shop, path_of};

/// Reads that answer neither one thing nor a list by parts, and why.
const NO_SINGLE_READ: [(&str, &str); 1] = [("readEvents", "a feed: its cursor says what is new")];

fn single_reads() -> Vec<Operation> {
    let reads = Document::printed().reads().into_iter();
    reads.filter(|read| !read.is_list_by_parts() && !NO_SINGLE_READ.iter().any(|(id, _)| *id == read.id())).collect()
}

#[test]
fn the_document_says_that_every_single_read_is_conditional() {
    let reads = single_reads();
    assert!(reads.len() >= 25, "only {} were found", reads.len());
    for read in reads {
        let said = read.takes("If-None-Match") && read.answers_with("200", "ETag");
        let said = said && read.described["responses"]["304"].is_object();
        assert!(said, "{} has no ETag, no If-None-Match or no 304", read.id());
    }
}

#[test]
fn every_single_read_answers_304_to_who_has_it() {
    let shop = Shop::open();
    shop.server.post("/v1/counts/count-7/record", &json!({"by": "mia", "lines": [{"sku": "TEA-01", "counted": 110}]}));
    shop.server.settle();
    let mut read_here = 0;
    // A sound shop has no dead letter: `orders::dead_letters` reads one.
    for read in single_reads().iter().filter(|read| read.id() != "getDeadLetter") {
        let path = path_of(read);
        let first = shop.server.get(&path);
        assert_eq!(first.status, 200, "{path}: {}", String::from_utf8_lossy(&first.body));
        let etag = first.header("etag").unwrap_or_else(|| panic!("{path} has no ETag")).to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{path}: {etag} is no strong ETag");
        let again = |tags: &str| shop.server.request("GET", &path).header("if-none-match", tags).send();
        for tags in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            let known = again(&tags);
            assert_eq!((known.status, known.body.len()), (304, 0), "{path} with {tags}");
            assert_eq!(known.header("etag"), Some(etag.as_str()), "{path}");
            assert_eq!(known.header("cache-control"), first.header("cache-control"), "{path}");
            assert!(known.header("date").is_some() && known.header("consistency-token").is_some(), "{path}");
        }
        assert_eq!(again("\"other\"").status, 200, "{path}");
        read_here += 1;
    }
    assert!(read_here >= 25, "only {read_here} were read");
}

#[test]
fn what_has_changed_has_another_etag_and_who_has_the_old_one_changes_nothing() {
    let shop = Shop::open();
    let old = |path: &str| shop.server.get(path).is(200).etag();
    for (read, method, act, body) in [
        ("/v1/skus/TEA-01", "PATCH", "/v1/skus/TEA-01", json!({"name": "Tea"})),
        ("/v1/skus/TEA-02/backorders", "PUT", "/v1/skus/TEA-02/backorders", json!({"limit": 5})),
        ("/v1/locations/berlin", "PATCH", "/v1/locations/berlin", json!({"name": "Berlin"})),
        ("/v1/reservations/cart-7", "POST", "/v1/reservations/cart-7/confirm", json!({})),
        ("/v1/receipts/po-17", "POST", "/v1/receipts/po-17/cancel", json!({})),
        ("/v1/transfers/move-7", "POST", "/v1/transfers/move-7/cancel", json!({})),
        ("/v1/counts/count-8", "POST", "/v1/counts/count-8/cancel", json!({"by": "mia"})),
        ("/v1/pick-lists/order-7~1~main", "POST", "/v1/pick-lists/order-7~1~main/tasks/1/pick", json!({})),
        ("/v1/orders/order-8", "POST", "/v1/orders/order-8/hold", json!({"reason": "asked"})),
        ("/v1/orders/waits-1/status", "POST", "/v1/orders/waits-1/cancel", json!({})),
        ("/v1/returns/return-7", "POST", "/v1/returns/return-7/cancel", json!({})),
        (
            "/v1/webhooks/erp?context=inventory",
            "PATCH",
            "/v1/webhooks/erp?context=inventory",
            json!({"enabled": false}),
        ),
    ] {
        let etag = old(read);
        let act = |tag: &str| shop.server.request(method, act).header("if-match", tag).json(&body).send();
        act("\"999999\"").problem(412, "VERSION_MISMATCH");
        assert_eq!(old(read), etag, "{read} was changed by who named another version");
        let done = act(&etag);
        assert!(done.status < 300, "{read}: {}", String::from_utf8_lossy(&done.body));
        let token = done.token();
        let new = shop.server.get_after(read, &token).is(200).etag();
        assert_ne!(new, etag, "{read}");
        let known = shop.server.request("GET", read).header("if-none-match", &etag).header("consistency-token", &token);
        assert_eq!(known.send().status, 200, "{read}");
    }
}
