//! `comanda import` and `comanda export`: a file becomes stock and stock a file; a bad row is named and its page left out.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::server::{Server, comanda, complaint, run};

fn import(server: &Server, file: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
    let addr = server.addr.to_string();
    let arguments = ["import", file.to_str().unwrap(), "--addr", &addr, "--json"];
    let output = run(&[&arguments[..], more].concat());
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    let report = printed.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    (output.status.code(), report, complaint(&output))
}

fn export(server: &Server, file: &Path) -> String {
    let output = run(&["export", file.to_str().unwrap(), "--addr", &server.addr.to_string()]);
    assert!(output.status.success(), "{}", complaint(&output));
    fs::read_to_string(file).unwrap()
}

#[test]
fn what_was_exported_makes_the_same_shop_elsewhere() {
    let (here, there, folder) = (Server::start(), Server::start(), tempfile::tempdir().unwrap());
    for server in [&here, &there] {
        server.post("/v1/locations", &json!({"locationId": "berlin"})).is(201);
    }
    here.post("/v1/skus", &json!({"sku": "TEA", "name": "Tea, \"green\"", "safetyStock": 2})).is(201);
    here.received("TEA", "main", 5);
    here.received("TEA", "berlin", 7);
    here.request("PUT", "/v1/stock/TEA/locations/berlin/bin").json(&json!({"bin": "A-01"})).send().is(200);
    here.post("/v1/skus", &json!({"sku": "NEW", "backorderLimit": 3})).is(201);
    for (quantity, to) in [(2, "DAMAGED"), (1, "QUALITY_CONTROL")] {
        let regrade = json!({"quantity": quantity, "from": "SELLABLE", "to": to, "reasonCode": "quality_control"});
        here.post("/v1/stock/TEA/regrade", &regrade).is(201);
    }
    here.settle();
    let file = folder.path().join("stock.csv");
    let written = export(&here, &file);
    let expected = "sku,name,safetyStock,backorderLimit,locationId,onHand,bin,damaged,qualityControl\n\
        NEW,,0,3,,,,,\nTEA,\"Tea, \"\"green\"\"\",2,0,berlin,7,A-01,0,0\nTEA,\"Tea, \"\"green\"\"\",2,0,main,5,,2,1\n";
    assert_eq!(written, expected);

    let (code, report, said) = import(&there, &file, &["--reason", "received", "--reference", "stocktaking"]);
    assert_eq!((code, &report["registered"], &report["changed"]), (Some(0), &json!(2), &json!(1)), "{said}");
    // Without a pause: the import ends once its rows can be seen.
    assert_eq!(export(&there, &folder.path().join("again.csv")), expected);
    there.settle();
    let ledger = there.get("/v1/stock/TEA/ledger").is(200).json();
    let entry = ledger["items"].as_array().unwrap().iter().find(|entry| entry["reasonCode"] == "received").unwrap();
    assert_eq!(entry["referenceUri"], "stocktaking", "{ledger}");
    // Once more: all is so already, and nothing is recorded.
    let (code, report, _) = import(&there, &file, &[]);
    assert_eq!((code, &report["unchanged"], &report["changed"]), (Some(0), &json!(3), &json!(0)));
    assert_eq!(there.get("/v1/stock/TEA/ledger").is(200).json(), ledger);
    there.stop().verifies();
}

#[test]
fn an_export_says_of_how_many_skus_the_file_does_not_carry_the_terms_of_backorders() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    for sku in ["TEA", "MUG", "CUP"] {
        server.post("/v1/skus", &json!({"sku": sku, "backorderLimit": 3})).is(201);
    }
    let file = folder.path().join("stock.csv");
    let said = || {
        server.settle();
        let output = run(&["export", file.to_str().unwrap(), "--addr", &server.addr.to_string()]);
        assert!(output.status.success(), "{}", complaint(&output));
        complaint(&output)
    };
    assert_eq!(said(), "");
    let terms = [
        ("TEA", json!({"limit": 3, "from": "2030-01-01T00:00:00Z"})),
        ("MUG", json!({"limit": 3, "incomingOnly": true})),
    ];
    for (sku, terms) in terms {
        server.request("PUT", &format!("/v1/skus/{sku}/backorders")).json(&terms).send().is(200);
    }
    let said = said();
    assert!(said.contains("2 SKUs") && said.contains("/backorders"), "{said}");
    let nowhere = folder.path().join("nowhere.csv");
    fs::write(&nowhere, "sku,locationId,onHand\nTEA,nowhere,1\n").unwrap();
    let (code, _, said) = import(&server, &nowhere, &[]);
    assert!(
        code == Some(1) && said.contains("nowhere is not registered: register it with POST /v1/locations"),
        "{said}"
    );
}

#[test]
fn a_bad_row_is_named_with_its_line_and_nothing_of_its_page_is_imported() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.stocked("HELD", 5);
    server.reserve("r", "HELD", 4).is(201);
    let file = folder.path().join("stock.csv");
    // Three pages: one with a field that says nothing, one that the rules refuse, one that is right.
    let mut rows: Vec<String> = (0..2_500).map(|n| format!("SKU-{n:04},{n},")).collect();
    rows[400] = "SKU-0400,many,".to_owned();
    rows[1_500] = "HELD,3,".to_owned();
    rows[1_600] = "SKU-1600,1,nowhere".to_owned();
    fs::write(&file, format!("sku,onHand,locationId\n{}\n", rows.join("\n"))).unwrap();
    let (code, report, said) = import(&server, &file, &[]);
    assert_eq!(code, Some(1), "{said}");
    for line in [
        "line 402: onHand: `many` is no whole number from 0 on",
        "line 1502: 4 units are promised, 5 on hand",
        "line 1602: location nowhere is not registered",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    let expected = json!({"rows": 2_500, "registered": 500, "changed": 0, "unchanged": 0, "leftOut": 2_000, "badRows": 3,
            // What else is bad on the first page is known once it is sent.
            "badRowsAreAll": false});
    let mut report = report;
    report.as_object_mut().unwrap().remove("elapsedS");
    let bad = report.as_object_mut().unwrap().remove("bad").unwrap();
    assert_eq!(bad[0], json!({"line": 402, "reason": "onHand: `many` is no whole number from 0 on"}));
    assert_eq!(
        bad[2],
        json!({"line": 1_602, "reason": "location nowhere is not registered: register it with POST /v1/locations"})
    );
    assert_eq!(report, expected);
    server.settle();
    for (sku, status) in [("SKU-0000", 404), ("SKU-0999", 404), ("SKU-1000", 404), ("SKU-2000", 200), ("SKU-2499", 200)]
    {
        assert_eq!(server.get(&format!("/v1/stock/{sku}")).status, status, "{sku}");
    }
    assert_eq!(server.counters("HELD"), (5, 4, 0, 1));
    // Mended, the same file is imported whole; what was in stays as it is.
    rows[400] = "SKU-0400,1,".to_owned();
    rows[1_500] = "HELD,6,".to_owned();
    rows[1_600] = "SKU-1600,1,".to_owned();
    fs::write(&file, format!("sku,onHand,locationId\n{}\n", rows.join("\n"))).unwrap();
    let (code, report, said) = import(&server, &file, &[]);
    assert_eq!((code, &report["registered"], &report["unchanged"]), (Some(0), &json!(1_999), &json!(500)), "{said}");
    assert_eq!(server.counters("HELD"), (6, 4, 0, 2));
    server.stop().verifies();
}

#[test]
fn a_file_that_is_none_is_refused_before_anything_is_sent() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("stock.csv");
    for (content, named) in [("name,price\n", "line 1: there is no column `price`"), ("", "`sku` is missing")] {
        fs::write(&file, content).unwrap();
        let (code, _, said) = import(&server, &file, &[]);
        assert!(code == Some(2) && said.contains(named), "{said}");
    }
    let (code, _, said) = import(&server, &folder.path().join("none.csv"), &[]);
    assert!(code == Some(2) && said.contains("cannot read") && said.contains("none.csv"), "{said}");
    let (code, _, said) = import(&server, folder.path(), &[]);
    assert!(code == Some(2) && said.contains("is a folder") && said.contains("name a CSV file"), "{said}");
    fs::write(&file, "sku\nTEA\n").unwrap();
    let (code, _, said) = import(&server, &file, &["--reason", "whim"]);
    assert!(code == Some(2) && said.contains("no such reason code"), "{said}");
}

#[test]
fn an_export_that_is_refused_looks_like_no_empty_shop() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0", "--auth", "required"]);
    let server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
    let output = run(&["export", "-", "--addr", &server.addr.to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(complaint(&output).contains("COMANDA_API_KEY"), "{}", complaint(&output));
}

#[test]
fn bad_rows_that_a_server_does_not_name_are_not_counted_as_none() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("stock.csv");
    let rows = |count: usize| (0..count).map(|n| format!("SKU-{n},1,nowhere\n")).collect::<String>();
    for (count, named, all, told) in [(150, 100, false, "for at least 100 bad rows"), (60, 60, true, "for 60 bad rows")]
    {
        fs::write(&file, format!("sku,onHand,locationId\n{}", rows(count))).unwrap();
        let (code, report, said) = import(&server, &file, &[]);
        assert_eq!(
            (code, &report["badRows"], &report["badRowsAreAll"]),
            (Some(1), &json!(named), &json!(all)),
            "{said}"
        );
        let bad = report["bad"].as_array().unwrap();
        assert_eq!((bad.len(), &bad[named - 1]["line"]), (named, &json!(named + 1)));
        let printed = run(&["import", file.to_str().unwrap(), "--addr", &server.addr.to_string()]).stdout;
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains(told), "{printed}");
    }
}

/// A server that answers each request with the next of `answers`, and hangs up where there is none.
fn answering(listener: TcpListener, answers: Vec<Option<String>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            // The only request there is has one row, and ends with it.
            while !request.ends_with(b"}") {
                let mut part = [0; 1_024];
                let count = stream.read(&mut part).unwrap();
                assert!(count > 0, "{}", String::from_utf8_lossy(&request));
                request.extend_from_slice(&part[..count]);
            }
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    })
}

#[test]
fn who_is_refused_knows_that_nothing_was_changed_and_who_was_cut_off_that_it_may_have_been() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.csv");
    fs::write(&file, "sku\nTEA\n").unwrap();
    let problem = json!({"type": "/problems/forbidden", "title": "No", "status": 403, "code": "FORBIDDEN",
        "detail": "This needs the scope `commands`."})
    .to_string();
    let refusal =
        format!("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{problem}", problem.len());
    for (answers, told, not_told) in [
        (vec![Some(refusal.clone())], "nothing of line 2 was changed", "may be imported"),
        (vec![None, Some(refusal)], "line 2 may be imported or not", "was changed"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        let mut command = comanda();
        command.args(["import", file.to_str().unwrap(), "--addr", &addr.to_string()]);
        let mut importing = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(importing.stderr.take().unwrap());
        let mut waits = String::new();
        said.read_line(&mut waits).unwrap();
        assert!(waits.contains("waiting for the server") && waits.contains(&addr.to_string()), "{waits}");
        let server = answering(TcpListener::bind(addr).unwrap(), answers);
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(importing.wait().unwrap().code(), Some(2), "{rest}");
        let rest = rest.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(rest.contains(told) && !rest.contains(not_told), "{rest}");
        assert!(rest.contains("import the file again: what is in already stays as it is"), "{rest}");
        assert!(!rest.contains("COMANDA_API_KEY") && rest.contains("keys create --scopes"), "{rest}");
        server.join().unwrap();
    }
}

#[test]
fn an_import_over_http_names_what_is_wrong_by_row_and_field() {
    let server = Server::start();
    let wrong = json!({"rows": [{"sku": "TEA"}, {"sku": "a b", "onHand": -1, "bin": ""}]});
    let problem = server.post("/v1/stock:import", &wrong).problem(422, "INVALID_FIELDS");
    let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/rows/1/sku", "/rows/1/bin", "/rows/1/onHand"]);
    let twice = json!({"rows": [{"sku": "TEA"}, {"sku": "TEA", "locationId": "main"}]});
    assert_eq!(server.post("/v1/stock:import", &twice).problem(422, "INVALID_FIELDS").errors[0].pointer, "/rows/1");
    let many: Vec<_> = (0..1_001).map(|n| json!({"sku": format!("S{n}")})).collect();
    server.post("/v1/stock:import", &json!({"rows": many})).problem(422, "INVALID_FIELDS");
    let nowhere = json!({"rows": [{"sku": "TEA"}, {"sku": "MUG", "locationId": "berlin", "onHand": 1}]});
    let refused = server.post("/v1/stock:import", &nowhere).problem(409, "IMPORT_REFUSED");
    assert_eq!(refused.errors[0].pointer, "/rows/1");
    assert_eq!(server.get("/v1/stock").is(200).json()["items"], json!([]));
    let right = json!({"rows": [{"sku": "TEA", "onHand": 3}]});
    assert!(!server.post("/v1/stock:import", &right).is(200).is_replayed());
    assert!(server.post("/v1/stock:import", &right).is(200).is_replayed());
    assert_eq!(server.counters("TEA"), (3, 0, 0, 3));
}
