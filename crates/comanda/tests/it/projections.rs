//! The views under an operator's hands: built anew, compared, swapped and swapped back; what is parked, and replayed.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{Server, Stopped, complaint, run};
use crate::wait;

fn views(stopped: &Stopped) -> Connection {
    Connection::open(stopped.data.join("inventory/views.db")).unwrap()
}

/// Tea in stock, and a view that tells a lie about it.
fn with_a_lie() -> Stopped {
    let server = Server::start();
    server.stocked("TEA", 20);
    server.stocked("MUG", 5);
    let stopped = server.stop();
    let views = views(&stopped);
    let sql = "SELECT document FROM m_stock_v3 WHERE key = 'TEA'";
    let document: Vec<u8> = views.query_row(sql, [], |row| row.get(0)).unwrap();
    let lie = String::from_utf8(document).unwrap().replace("\"available\":20", "\"available\":21");
    let sql = "UPDATE m_stock_v3 SET document = ?1, x_available = 21 WHERE key = 'TEA'";
    assert_eq!(views.execute(sql, [lie.into_bytes()]).unwrap(), 1);
    stopped
}

fn view(server: &Server, name: &str) -> Value {
    let listed = server.get("/v1/projections?context=inventory").is(200).json();
    listed["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap().clone()
}

/// Runs `comanda projections` on a running server; returns its exit code and what it printed.
fn projections(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let addr = server.addr.to_string();
    let output = run(&[&["projections"], arguments, &["--addr", &addr]].concat());
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap() + &complaint(&output))
}

/// What the view says of tea once it has read all there is.
fn available(server: &Server) -> Value {
    server.settle();
    server.get("/v1/stock/TEA").is(200).json()["available"].clone()
}

#[test]
fn a_view_is_compared_rebuilt_and_swapped_back_while_the_server_runs() {
    let server = with_a_lie().start();
    assert_eq!((view(&server, "stock")["build"].clone(), available(&server)), (json!(1), json!(21)));
    let (code, printed) = projections(&server, &["rebuild", "stock", "--compare-only"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains("compared 2 rows") && printed.contains("1 differ") && printed.contains("TEA"),
        "{printed}"
    );
    assert_eq!(available(&server), 21, "it was only compared");

    let (code, printed) = projections(&server, &["rebuild", "stock"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("build 2 is live now"), "{printed}");
    assert_eq!(available(&server), 20);
    let stock = view(&server, "stock");
    assert_eq!((&stock["build"], &stock["kept"]), (&json!(2), &json!({"version": 3, "build": 1})));
    let rebuild = &stock["rebuild"];
    assert_eq!(
        (&rebuild["state"], &rebuild["swapped"], &rebuild["compared"]["different"]),
        (&json!("DONE"), &json!(true), &json!(1))
    );

    // The view goes on, and so does the build before once it is live again.
    server.received("TEA", "main", 5);
    assert_eq!(server.stock("TEA").available, 25);
    server.poke("/v1/projections/stock/swap-back?context=inventory").is(202);
    wait::until("it is swapped back", || (view(&server, "stock")["build"] == 1).then_some(()));
    assert_eq!(available(&server), 26, "the lie, and what came in since");
    let (code, printed) = projections(&server, &["list"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("swap back done") && printed.contains("v3 build 2"), "{printed}");
    let metrics = String::from_utf8(server.get("/metrics").is(200).body).unwrap();
    assert!(
        metrics.lines().any(|line| line.starts_with("projection_rebuild_events{") && line.contains("\"stock\"")),
        "{metrics}"
    );

    // The same on the stopped folder, which then verifies.
    let stopped = server.stop();
    let data = stopped.data.to_str().unwrap();
    assert_eq!(stopped.verify().status.code(), Some(1), "the lie is found");
    let output = run(&["projections", "rebuild", "stock", "--data", data, "--json"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&done["rebuild"]["swapped"], &done["rebuild"]["compared"]["keys"]), (&json!(true), &json!(["TEA"])));
    stopped.verifies();
    assert_eq!(available(&stopped.start()), 25);
}

#[test]
fn an_event_that_cannot_be_read_parks_its_stream_alone_and_is_replayed_once_it_is_mended() {
    let server = Server::start();
    for location in ["north", "south"] {
        server.post("/v1/locations", &json!({"locationId": location, "name": "A place"})).is(201);
    }
    let token = server.post("/v1/locations", &json!({"locationId": "west", "name": "A place"})).is(201).token();
    let stopped = server.stop();
    let log = Connection::open(stopped.data.join("inventory/log.db")).unwrap();
    let sql = "SELECT payload FROM events WHERE stream = 'location/north'";
    let payload: Vec<u8> = log.query_row(sql, [], |row| row.get(0)).unwrap();
    let set = "UPDATE events SET payload = ?1 WHERE stream = 'location/north'";
    assert_eq!(log.execute(set, [b"{\"torn\":true}".to_vec()]).unwrap(), 1);
    fs::remove_file(stopped.data.join("inventory/views.db")).unwrap();

    let server = stopped.start();
    server.settle();
    let listed =
        |answer: Value| answer["items"].as_array().unwrap().iter().map(|l| l["locationId"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(server.get("/v1/locations").is(200).json()), ["main", "south", "west"], "the rest flows");
    let parked = server.get("/v1/projections/locations/parked?context=inventory").is(200).json();
    let item = &parked["items"][0];
    assert_eq!((&item["key"], &item["version"], &item["waiting"]), (&json!("location/north"), &json!(1), &json!(1)));
    assert_eq!(view(&server, "locations")["parked"], 1);
    let (code, printed) = projections(&server, &["rebuild", "locations", "--compare-only"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("0 differ") && printed.contains("1 stream waits in the new build"), "{printed}");
    let (code, printed) = projections(&server, &["rebuild", "locations"]);
    assert_eq!(code, Some(0), "{printed}");
    for told in
        ["0 differ", "1 stream waits in the new build, parked", "/v1/projections/locations/parked?context=inventory"]
    {
        assert!(printed.contains(told), "{told}: {printed}");
    }
    // A token of the partition in which it waits asks for it.
    let (log_of_token, _) = token.split_once(':').unwrap();
    let asks = format!("{log_of_token}:{}.{}", item["partition"], item["position"]);
    let refused = server.get_after("/v1/locations", &asks).problem(503, "VIEW_PARKED");
    assert!(refused.detail.contains("locations") && refused.detail.contains("location/north"), "{}", refused.detail);

    let replay = "/v1/projections/locations/parked/location%2Fnorth/replay?context=inventory";
    assert_eq!(server.poke(replay).is(200).json()["whole"], false, "it is as it was");
    let stopped = server.stop();
    assert_eq!(log.execute(set, [payload]).unwrap(), 1);
    drop(log);
    let verified = stopped.verify();
    let printed = String::from_utf8(verified.stdout.clone()).unwrap();
    assert!(verified.status.success(), "what waits is no lie: {printed}");
    assert!(printed.contains("parked") && printed.contains("location/north"), "{printed}");

    let server = stopped.start();
    server.get_after("/v1/locations", &asks).problem(503, "VIEW_PARKED");
    assert_eq!(server.poke(replay).is(200).json(), json!({"whole": true, "events": 1}));
    assert_eq!(listed(server.get_after("/v1/locations", &asks).is(200).json()), ["main", "north", "south", "west"]);
    server.poke(replay).problem(404, "UNKNOWN_PARKED_KEY");
    server.stop().verifies();
}

#[test]
fn what_cannot_be_done_with_a_view_is_refused_and_changes_nothing() {
    let server = Server::start();
    server.stocked("TEA", 3);
    let before = view(&server, "stock")["build"].clone();
    for (path, status, code) in [
        ("/v1/projections/stocks/rebuild?context=inventory", 404, "UNKNOWN_VIEW"),
        ("/v1/projections/stock/swap-back?context=inventory", 409, "NOTHING_KEPT"),
        ("/v1/projections/stock/parked/stock%2FTEA/replay?context=inventory", 404, "UNKNOWN_PARKED_KEY"),
        ("/v1/projections/stock/rebuild?context=kitchen", 400, "INVALID_PARAMETER"),
        ("/v1/projections/stock/rebuild", 400, "INVALID_PARAMETER"),
    ] {
        server.poke(path).problem(status, code);
    }
    let odd = server.post("/v1/projections/stock/rebuild?context=inventory", &json!({"compare": true}));
    odd.problem(400, "WRONG_SHAPE");
    assert_eq!((view(&server, "stock")["build"].clone(), available(&server)), (before, json!(3)));
    let (code, printed) = projections(&server, &["rebuild", "dead_letters"]);
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("inventory, fulfillment") && printed.contains("--context"), "{printed}");
    let (code, printed) = projections(&server, &["swap-back", "stock"]);
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("NOTHING_KEPT") && printed.contains("only what was swapped"), "{printed}");
    let stopped = server.stop();
    let output = run(&["projections", "swap-back", "stock", "--data", stopped.data.to_str().unwrap()]);
    assert!(complaint(&output).contains("only what was swapped"), "{}", complaint(&output));
}
