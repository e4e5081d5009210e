//! Starting and stopping: what cannot be started says why, where and what to do, and changes nothing.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use crate::server::{Server, Stopped, comanda, complaint, run};

/// Tries to serve `data` and expects that it cannot be done (exit code 2); returns what was said.
#[track_caller]
fn refused(data: &Path, listen: &str) -> String {
    let output = run(&["serve", "--data", data.to_str().unwrap(), "--listen", listen]);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    assert!(output.stdout.is_empty(), "it says nothing of serving");
    complaint(&output)
}

/// A folder with the data of a server that has sold something and was stopped, all of it in the files themselves.
fn sold() -> Stopped {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 3).is(201);
    let stopped = server.stop();
    for file in ["log.db", "views.db"] {
        // The last connection that closes a file takes its write-ahead log in.
        let file = Connection::open(stopped.data.join("inventory").join(file)).unwrap();
        file.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
    }
    stopped
}

#[test]
fn a_second_process_on_the_data_is_refused() {
    let server = Server::start();
    server.stocked("TEA", 10);
    for said in [
        refused(server.data(), "127.0.0.1:0"),
        complaint(&run(&["verify", "--data", server.data().to_str().unwrap()])),
        complaint(&run(&["demo", "--exit", "--data", server.data().to_str().unwrap()])),
    ] {
        assert!(said.contains(server.data().to_str().unwrap()), "{said}");
        assert!(said.contains("stop it or choose another --data") || said.contains("empty or new"), "{said}");
    }
    server.reserve("r", "TEA", 1).is(201);
    server.stop().verifies();
}

#[test]
fn after_the_first_process_was_killed_the_next_may_start() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let server = server.kill().start();
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
}

#[test]
fn a_log_that_is_no_database_is_refused_and_left_as_it_is() {
    let stopped = sold();
    let log = stopped.data.join("inventory/log.db");
    fs::write(&log, b"this is not what it was").unwrap();
    let said = refused(&stopped.data, "127.0.0.1:0");
    assert!(said.contains("log.db") && said.contains("restore the folder from a backup"), "{said}");
    assert_eq!(fs::read(&log).unwrap(), b"this is not what it was");
    let verified = stopped.verify();
    assert_eq!(verified.status.code(), Some(2));
    assert!(complaint(&verified).contains("log.db"), "{}", complaint(&verified));
}

#[test]
fn a_log_with_damaged_pages_is_not_served() {
    let stopped = sold();
    let log = stopped.data.join("inventory/log.db");
    let mut bytes = fs::read(&log).unwrap();
    assert!(bytes.len() > 3 * 4096, "the log is in its file, not in its write-ahead log");
    // Every page but the first, whose header says what kind of file it is.
    bytes[4096..].fill(0xa5);
    fs::write(&log, bytes).unwrap();
    let said = refused(&stopped.data, "127.0.0.1:0");
    assert!(said.contains("log.db") && said.contains("restore the folder from a backup"), "{said}");
}

#[test]
fn what_is_damaged_and_not_the_log_is_said_to_be_disposable_and_is_built_again() {
    let mut stopped = sold();
    for name in ["views.db", "streams.db"] {
        let file = stopped.data.join("inventory").join(name);
        fs::write(&file, b"garbage").unwrap();
        let said = refused(&stopped.data, "127.0.0.1:0");
        assert!(said.contains(name) && said.contains("delete it"), "{said}");
        for ending in ["", "-wal", "-shm"] {
            // Not every one of them has to exist.
            let _absent = fs::remove_file(stopped.data.join(format!("inventory/{name}{ending}")));
        }
        let server = stopped.start();
        assert_eq!(server.counters("TEA"), (10, 3, 0, 7));
        stopped = server.stop();
        stopped.verifies();
    }
}

#[test]
fn a_database_of_another_program_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("inventory")).unwrap();
    let log = folder.path().join("inventory/log.db");
    let other = Connection::open(&log).unwrap();
    other.execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')").unwrap();
    drop(other);
    let before = fs::read(&log).unwrap();
    let said = refused(folder.path(), "127.0.0.1:0");
    assert!(said.contains("belongs to another program"), "{said}");
    assert_eq!(fs::read(&log).unwrap(), before);
}

#[test]
fn data_of_a_newer_program_is_refused() {
    let stopped = sold();
    let log = Connection::open(stopped.data.join("inventory/log.db")).unwrap();
    log.execute("INSERT INTO migrations VALUES (3, x'00')", []).unwrap();
    drop(log);
    let said = refused(&stopped.data, "127.0.0.1:0");
    assert!(said.contains("use the newer program"), "{said}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let said = refused(&data, &addr);
    assert!(said.contains(&addr) && said.contains("--listen"), "{said}");
    assert!(!data.exists(), "a server that cannot listen makes no data");
}

#[test]
fn a_public_address_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let said = refused(&data, addr);
        assert!(said.contains(addr) && said.contains("127.0.0.1"), "{said}");
    }
    assert!(!data.exists());
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"a file").unwrap();
    for data in [file.clone(), file.join("below")] {
        let said = refused(&data, "127.0.0.1:0");
        assert!(said.contains(file.to_str().unwrap()), "{said}");
    }
}

#[test]
fn a_start_that_cannot_be_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (more, named) in [
        (&["--roles", "inventory"][..], "--fulfillment-at"),
        (&["--roles", "inventory", "--fulfillment-at", "nowhere"], "http://host:port"),
        (&["--api-key-file", "/nowhere/key"], "/nowhere/key"),
        (&["--carrier-at", "nowhere"], "no carrier can be asked at nowhere"),
        (&["--keys", "/nowhere/keys.json"], "/nowhere/keys.json"),
        (&["--jwt-issuer", "https://login.test", "--jwt-audience", "a", "--jwt-jwks", "ftp://x"], "--jwt-jwks"),
    ] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        let output = run(&[&serve[..], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(complaint(&output).contains(named), "{more:?}: {}", complaint(&output));
        assert!(!data.exists(), "{more:?}");
    }
}

#[test]
fn a_command_line_that_is_wrong_says_what_is_right() {
    for (arguments, named) in [
        (&["serve"][..], "--data"),
        (&["serve", "--data", "d", "--listen", "nowhere"], "--listen"),
        (&["serve", "--data", "d", "--partitions", "0"], "--partitions"),
        (&["load", "flash-sale", "--buyers", "0"], "--buyers"),
        (&["sing"], "sing"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output).contains(named), "{}", complaint(&output));
    }
    let help = run(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for command in ["serve", "demo", "verify", "openapi", "load"] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn it_can_be_stopped_from_the_moment_it_says_where_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (data, errors) = (folder.path().join("data"), folder.path().join("stderr.txt"));
    for _ in 0..10 {
        Server::announced(comanda(), &data, &errors).stop().verifies();
    }
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.post("/v1/locations", &json!({"locationId": "berlin"})).is(201);
    server.received("TEA", "berlin", 4);
    server.reserve("held", "TEA", 3).is(201);
    server.reserve("sold", "TEA", 2).is(201);
    server.poke("/v1/reservations/sold/confirm").is(200);
    let before = server.everything();
    let held = server.get("/v1/reservations/held").is(200).json();
    let server = server.stop().start();
    assert_eq!(server.everything(), before);
    assert_eq!(server.get("/v1/reservations/held").is(200).json(), held);
    let server = server.kill().start();
    assert_eq!(server.everything(), before);
}

#[test]
fn a_flash_sale_can_be_held_on_a_running_server() {
    let server = Server::start();
    let addr = server.addr.to_string();
    let sale =
        ["load", "flash-sale", "--addr", &addr, "--stock", "20", "--buyers", "200", "--connections", "16", "--json"];
    let held = run(&sale);
    assert!(held.status.success(), "{}", complaint(&held));
    let report: serde_json::Value = serde_json::from_slice(&held.stdout).unwrap();
    assert_eq!((&report["flashSale"]["accepted"], &report["verdict"]["ok"]), (&json!(20), &json!(true)), "{report}");
    server.stop().verifies();
    let nobody = run(&sale);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(complaint(&nobody).contains(&addr), "{}", complaint(&nobody));
}
