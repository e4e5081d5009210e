//! `comanda verify` between the contexts: what one promises and the other does not keep is found, what is on its way is counted.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{Server, Stopped, complaint, run};

/// Data of an order `o` with 2 TEA and 1 MUG reserved, of `p` that was rejected, and of `q` that waits for stock.
fn sold() -> Stopped {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 1);
    server.place("o", &[("TEA", 2), ("MUG", 1)]).is(202);
    server.becomes("o", "RESERVED");
    server.place_by("p", "SHIP_COMPLETE", &[("TEA", 99)]).is(202);
    server.becomes("p", "REJECTED");
    server.place_by("q", "BACKORDER", &[("MUG", 1)]).is(202);
    server.becomes("q", "BACKORDERED");
    server.stop()
}

fn log(stopped: &Stopped, context: &str) -> Connection {
    Connection::open(stopped.data.join(context).join("log.db")).unwrap()
}

/// What `verify` says as JSON, and whether it was content.
fn report(stopped: &Stopped) -> (Value, bool) {
    let verified = run(&["verify", "--json", "--data", stopped.data.to_str().unwrap()]);
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    let report =
        serde_json::from_str(&printed).unwrap_or_else(|why| panic!("{why}: {printed} {}", complaint(&verified)));
    (report, verified.status.success())
}

/// The findings of data that is not as it must be.
#[track_caller]
fn findings(stopped: &Stopped) -> Vec<String> {
    let (report, ok) = report(stopped);
    assert_eq!((&report["ok"], ok), (&json!(false), false), "{report}");
    report["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn one_says(findings: &[String], words: &[&str]) {
    let said = findings.iter().any(|finding| words.iter().all(|word| finding.contains(word)));
    assert!(said, "none says {words:?}: {findings:#?}");
}

/// Replaces `was` by `is` in the events of `stream`, in the log of `context`; the counters in `heads` stay right.
fn rewrite(stopped: &Stopped, context: &str, stream: &str, was: &str, is: &str) {
    let log = log(stopped, context);
    let select = "SELECT place, payload FROM events WHERE stream = ?1 AND instr(CAST(payload AS TEXT), ?2)";
    let found: Vec<(i64, Vec<u8>)> = log
        .prepare(select)
        .unwrap()
        .query_map((stream, was), |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(!found.is_empty(), "no event of {stream} has {was}");
    for (place, payload) in found {
        let payload = String::from_utf8(payload).unwrap().replace(was, is);
        log.execute("UPDATE events SET payload = ?1 WHERE place = ?2", (payload.into_bytes(), place)).unwrap();
    }
}

/// Lets all that happened to one stream have happened to another: the log keeps its length and its order.
fn rename(stopped: &Stopped, context: &str, was: &str, is: &str) {
    let renamed = log(stopped, context).execute("UPDATE events SET stream = ?2 WHERE stream = ?1", [was, is]).unwrap();
    assert!(renamed > 0, "nothing happened to {was}");
}

#[test]
fn both_contexts_and_what_lies_between_them_are_compared() {
    let stopped = sold();
    let (report, ok) = report(&stopped);
    assert!(ok, "{report}");
    assert_eq!((&report["orders"], &report["ordersInFlight"], &report["skus"]), (&json!(3), &json!(0), &json!(2)));
    let printed = String::from_utf8(stopped.verify().stdout).unwrap();
    assert!(printed.contains("3 orders"), "{printed}");
}

#[test]
fn a_hold_without_an_order_is_found() {
    let stopped = sold();
    // Another one was placed, says one log; the other log holds stock for it.
    rename(&stopped, "fulfillment", "order/o", "order/x");
    one_says(&findings(&stopped), &["o~1", "order that does not exist"]);
}

#[test]
fn an_order_without_its_hold_is_found() {
    let stopped = sold();
    rename(&stopped, "inventory", "reservation/o~1", "reservation/cart");
    one_says(&findings(&stopped), &["o~1", "Inventory holds {}"]);
}

#[test]
fn an_order_that_counts_on_other_units_than_are_held_is_found() {
    let stopped = sold();
    rewrite(&stopped, "fulfillment", "order/o", r#""quantity":2"#, r#""quantity":3"#);
    one_says(&findings(&stopped), &["o~1", "the order counts on", "3", "Inventory holds"]);
}

#[test]
fn the_views_of_fulfillment_are_compared_with_its_log() {
    let stopped = sold();
    let views = Connection::open(stopped.data.join("fulfillment/views.db")).unwrap();
    assert_eq!(views.execute("DELETE FROM m_orders_v1 WHERE key = 'p'", []).unwrap(), 1);
    drop(views);
    one_says(&findings(&stopped), &["fulfillment", "orders", "p"]);
}

#[test]
fn orders_whose_messages_are_on_their_way_are_counted_and_not_called_wrong() {
    let server = Server::start();
    server.stocked("TEA", 1_000);
    let mut stopped = server.stop();
    for round in 0..20 {
        let server = stopped.start();
        for n in 0..10 {
            server.place(&format!("o{round}-{n}"), &[("TEA", 1)]).is(202);
        }
        stopped = server.kill();
        let (report, ok) = report(&stopped);
        assert!(ok, "{report}");
        let count = |member: &str| report[member].as_u64().unwrap();
        assert!(count("orders") + count("ordersInFlight") <= 10 * (round + 1), "{report}");
        if count("ordersInFlight") > 0 {
            let printed = String::from_utf8(stopped.verify().stdout).unwrap();
            assert!(printed.contains("on their way"), "{printed}");
            let server = stopped.start();
            for n in 0..10 {
                assert_eq!(server.answered(&format!("o{round}-{n}")), "RESERVED");
            }
            let stopped = server.stop();
            assert_eq!(self::report(&stopped).0["ordersInFlight"], json!(0));
            return;
        }
    }
    panic!("of 20 kills none came between a request and its answer");
}
