//! `comanda demo`: the first thing a newcomer types.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::run;

#[test]
fn the_demo_sells_exactly_what_there_is_and_proves_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("shop");
    let data = data.to_str().unwrap();
    let started = Instant::now();
    let demo = run(&["demo", "--exit", "--json", "--documents", "300", "--data", data]);
    let took = started.elapsed();
    let printed = String::from_utf8(demo.stdout).unwrap();
    assert!(demo.status.success(), "{}: {printed} {}", demo.status, String::from_utf8_lossy(&demo.stderr));
    assert!(took < Duration::from_secs(60), "it took {took:?}");

    let summary: Value = serde_json::from_str(printed.lines().next_back().unwrap()).unwrap();
    let sale = &summary["flashSale"];
    assert_eq!((sale["stock"].as_i64(), sale["accepted"].as_i64()), (Some(500), Some(500)), "{sale}");
    assert_eq!((sale["oversold"].as_i64(), sale["rejected"].as_i64()), (Some(0), Some(4_500)), "{sale}");
    assert!(sale["duplicatesAnsweredAgain"].as_u64().unwrap() > 0, "{sale}");
    assert_eq!(summary["verify"]["ok"], true, "{summary}");
    assert!(summary["verify"]["events"].as_u64().unwrap() > 5_000, "{summary}");
    let replay = &summary["orders"];
    assert!(replay["shortLines"].as_u64().unwrap() > 0, "{replay}");
    assert_eq!(replay["shortLines"], replay["shortLinesExpected"]);
    let day = &summary["warehouse"];
    let count = |what: &str| day[what].as_u64().unwrap_or_else(|| panic!("no {what} in {day}"));
    assert!(count("ordersPicked") > 10 && count("planned") >= count("ordersPicked"), "{day}");
    assert_eq!((count("booked"), count("shipped")), (count("planned"), count("planned")), "{day}");
    assert_eq!((count("shortPicks"), count("returned"), count("doubleBookings")), (1, 1, 0), "{day}");
    assert_eq!((count("bookings"), count("stopsWithBin")), (count("planned"), count("stops")), "{day}");
    assert!(count("delivered") > 0 && count("delivered") < count("shipped"), "{day}");
    assert!(count("timedOutAfterYes") > 0 && count("lookups") >= count("timedOutAfterYes"), "{day}");
    for check in day["checks"].as_array().unwrap() {
        assert_eq!(check["ok"], true, "{check}");
    }
    for row in [
        "short picks",
        "timed out after yes",
        "double bookings",
        "reserved",
        "rejected",
        "duplicates answered again",
        "p50 / p99",
        "reservations",
        "fdatasync/s",
    ] {
        assert!(printed.contains(row), "no {row:?} in {printed}");
    }

    assert!(run(&["verify", "--data", data]).status.success(), "what it leaves can be verified again");
    let again = run(&["demo", "--exit", "--data", data]);
    assert_eq!(again.status.code(), Some(2), "it does not mix with data that is there");
}
