//! `comanda verify`: whatever does not follow from the log is found and named. Here it is shown to bark.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{Server, Stopped, complaint, run};

/// Data with sales, releases and a confirmation, and more events than are looked at when it is opened.
fn sold() -> Stopped {
    let server = Server::start();
    server.stocked("TEA", 2_000);
    server.stocked("MUG", 10);
    let item = |n: usize| json!({"reservationId": format!("r{n}"), "lines": [{"sku": "TEA", "quantity": 2}]});
    let batch = json!({"reservations": (0..800).map(item).collect::<Vec<_>>()});
    assert_eq!(server.post("/v1/reservations:batch", &batch).is(200).json()["accepted"], 800);
    server.poke("/v1/reservations/r0/release").is(200);
    server.poke("/v1/reservations/r1/confirm").is(200);
    server.stop()
}

fn sqlite(stopped: &Stopped, file: &str, change: &str) -> usize {
    Connection::open(stopped.data.join("inventory").join(file)).unwrap().execute(change, []).unwrap()
}

/// Verifies and expects that differences are found (exit code 1); returns what was printed.
#[track_caller]
fn differs(stopped: &Stopped) -> String {
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    assert_eq!(verified.status.code(), Some(1), "{printed} {}", complaint(&verified));
    assert!(printed.contains("differs: "), "{printed}");
    printed
}

#[test]
fn what_was_never_touched_verifies() {
    let stopped = sold();
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout).unwrap();
    assert!(verified.status.success(), "{printed}");
    assert!(printed.contains("800 reservations") && printed.contains("2 SKUs"), "{printed}");
    let json = run(&["verify", "--json", "--data", stopped.data.to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["ok"], &report["oversold"], &report["findings"]), (&json!(true), &json!(0), &json!([])));
}

#[test]
fn a_view_row_that_was_tampered_with_is_named() {
    let stopped = sold();
    let views = Connection::open(stopped.data.join("inventory/views.db")).unwrap();
    let document: Vec<u8> =
        views.query_row("SELECT document FROM m_stock_v3 WHERE key = 'TEA'", [], |row| row.get(0)).unwrap();
    let mut row: Value = serde_json::from_slice(&document).unwrap();
    row["available"] = json!(row["available"].as_i64().unwrap() + 1);
    let changed =
        views.execute("UPDATE m_stock_v3 SET document = ?1 WHERE key = 'TEA'", [row.to_string().into_bytes()]);
    assert_eq!(changed.unwrap(), 1);
    drop(views);
    let printed = differs(&stopped);
    assert!(printed.contains("stock") && printed.contains("TEA"), "{printed}");
}

#[test]
fn a_unit_that_left_quality_control_unseen_is_named() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let regrade = json!({"quantity": 4, "from": "SELLABLE", "to": "QUALITY_CONTROL", "reasonCode": "quality_control"});
    server.post("/v1/stock/TEA/regrade", &regrade).is(201);
    let stopped = server.stop();
    assert!(stopped.verify().status.success());
    let moved = "UPDATE m_stock_v3 SET document = CAST(replace(CAST(document AS TEXT), '\"qualityControl\":4',
        '\"qualityControl\":3') AS BLOB) WHERE key = 'TEA'";
    assert_eq!(sqlite(&stopped, "views.db", moved), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("stock") && printed.contains("TEA"), "{printed}");
}

#[test]
fn a_view_row_that_is_gone_or_should_not_be_is_named() {
    let stopped = sold();
    assert_eq!(sqlite(&stopped, "views.db", "DELETE FROM m_stock_v3 WHERE key = 'MUG'"), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("MUG"), "{printed}");
    let copy =
        "INSERT INTO m_stock_v3 SELECT 'GHOST', document, x_available, x_next_expiry FROM m_stock_v3 WHERE key = 'TEA'";
    assert_eq!(sqlite(&stopped, "views.db", copy), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("GHOST"), "{printed}");
}

#[test]
fn an_event_that_was_taken_out_of_the_past_is_missed() {
    let stopped = sold();
    let first = "DELETE FROM events WHERE place = (SELECT place FROM events WHERE stream LIKE '%TEA%' ORDER BY place LIMIT 1 OFFSET 4)";
    assert_eq!(sqlite(&stopped, "log.db", first), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("position") || printed.contains("version"), "{printed}");
}

#[test]
fn an_event_that_is_missing_at_the_end_keeps_the_data_from_being_served() {
    let stopped = sold();
    let last = "DELETE FROM events WHERE place = (SELECT place FROM events WHERE stream LIKE '%TEA%' ORDER BY place DESC LIMIT 1)";
    assert_eq!(sqlite(&stopped, "log.db", last), 1);
    let data = stopped.data.to_str().unwrap();
    for arguments in [&["serve", "--data", data, "--listen", "127.0.0.1:0"][..], &["verify", "--data", data]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = complaint(&output);
        assert!(said.contains("log.db") && said.contains("partition") && said.contains("backup"), "{said}");
    }
}

#[test]
fn an_event_that_was_changed_is_found_by_its_consequences() {
    let stopped = sold();
    let log = Connection::open(stopped.data.join("inventory/log.db")).unwrap();
    let (place, payload): (i64, Vec<u8>) = log
        .query_row(
            "SELECT place, payload FROM events WHERE stream LIKE '%TEA%' AND instr(payload, '\"quantity\":2') ORDER BY place LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let payload = String::from_utf8(payload).unwrap().replacen("\"quantity\":2", "\"quantity\":3", 1);
    log.execute("UPDATE events SET payload = ?1 WHERE place = ?2", (payload.into_bytes(), place)).unwrap();
    drop(log);
    let printed = differs(&stopped);
    assert!(printed.contains("TEA"), "{printed}");
}

#[test]
fn a_reservation_that_was_taken_out_is_missed() {
    let stopped = sold();
    assert_eq!(sqlite(&stopped, "log.db", "DELETE FROM events WHERE stream = 'reservation/r5'"), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("r5") || printed.contains("TEA"), "{printed}");
}

#[test]
fn a_stream_that_is_not_found_by_its_name_is_missed() {
    let stopped = sold();
    let block = "DELETE FROM run_1 WHERE first = (SELECT max(first) FROM run_1 WHERE first <= 'reservation/r5')";
    assert_eq!(sqlite(&stopped, "streams.db", block), 1);
    let printed = differs(&stopped);
    assert!(printed.contains("reservation/r5 ends at version 1, asked for by name it has [] there"), "{printed}");
}

#[test]
fn a_folder_without_data_is_named_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    for data in [folder.path(), nowhere.as_path()] {
        let verified = run(&["verify", "--data", data.to_str().unwrap()]);
        assert_eq!(verified.status.code(), Some(2));
        assert!(complaint(&verified).contains(data.to_str().unwrap()), "{}", complaint(&verified));
    }
    assert!(!nowhere.exists() && is_empty(folder.path()));
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
