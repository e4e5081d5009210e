//! Output that nobody reads to its end: `comanda … | head` ends quietly, and what cannot be written is told.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::json;

use crate::server::{Server, comanda, complaint, run};

/// Starts the program, reads `lines` of what it prints and leaves; returns how it ended and what it said on standard error.
fn read_only(arguments: &[&str], lines: usize) -> (Option<i32>, String) {
    let mut command = comanda();
    let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut printed = BufReader::with_capacity(1, child.stdout.take().unwrap());
    for _ in 0..lines {
        printed.read_line(&mut String::new()).unwrap();
    }
    drop(printed);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_reader_who_leaves_ends_the_program_quietly() {
    let server = Server::start();
    // More than a pipe holds.
    for page in 0..3 {
        let rows: Vec<_> =
            (0..1_000).map(|n| json!({"sku": format!("SKU-{page}-{n}"), "name": "n".repeat(40)})).collect();
        server.post("/v1/stock:import", &json!({"rows": rows})).is(200);
    }
    server.settle();
    let addr = server.addr.to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert!(run(&["keys", "create", "--name", "shop", "--data", data]).status.success());
    let (code, said) = read_only(&["export", "-", "--addr", &addr], 2);
    assert_eq!((code, said.as_str()), (Some(0), ""), "export");
    for arguments in [
        &["projections", "list", "--addr", &addr][..],
        &["projections", "list", "--json", "--addr", &addr],
        &["config", "--data", data],
        &["config", "--json", "--data", data],
        &["keys", "list", "--data", data],
        &["keys", "list", "--json", "--data", data],
        &["openapi"],
        &["asyncapi"],
        &["events", "tail", "--from-start", "--no-follow", "--addr", &addr],
    ] {
        let (code, said) = read_only(arguments, 0);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let stopped = server.stop();
    let data = stopped.data.to_str().unwrap();
    for arguments in [&["verify", "--data", data][..], &["projections", "rebuild", "stock", "--data", data]] {
        let (code, said) = read_only(arguments, 0);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_check_that_failed_says_so_in_its_exit_code_though_nobody_reads() {
    let server = Server::start();
    server.stocked("TEA", 1);
    let stopped = server.stop();
    let views = rusqlite::Connection::open(stopped.data.join("inventory/views.db")).unwrap();
    assert_eq!(views.execute("DELETE FROM m_stock_v3 WHERE key = 'TEA'", []).unwrap(), 1);
    drop(views);
    let (code, said) = read_only(&["verify", "--data", stopped.data.to_str().unwrap()], 0);
    assert_eq!((code, said.as_str()), (Some(1), ""));
}

#[test]
fn what_cannot_be_written_is_told() {
    // Absent where there is no such device.
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else { return };
    let mut command = comanda();
    let output = command.args(["config", "--data", "d"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("cannot write to standard output"), "{}", complaint(&output));
}
