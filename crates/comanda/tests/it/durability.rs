//! What was acknowledged stands: killed with -9 under load, and stopped in good order with requests under way.

use std::collections::BTreeMap;
use std::net::TcpStream;

use comanda_load::{CrashLoad, CrashLog};
use rusqlite::Connection;
use serde_json::json;

use crate::http::Wire;
use crate::server::Server;
use crate::wait;

/// Kills; the hundred of the crash test are `comanda load crash`.
const KILLS: u64 = 5;

#[tokio::test]
async fn whatever_was_acknowledged_before_a_kill_is_there_after_it() {
    let mut server = Server::start();
    let mut load = CrashLoad {
        addr: server.addr,
        connections: 16,
        opening: BTreeMap::from([("plenty".to_owned(), 1_000_000), ("scarce".to_owned(), 60)]),
        reservations_max: 100_000,
        seed: 11,
    };
    load.prepare().await.unwrap();
    let mut log = CrashLog::default();
    for kill in 1..=KILLS {
        let running = load.start(log);
        // Another moment each time: the load is under way, and somewhere between two batches or in the middle of one.
        let enough = running.acknowledged() + 40 + 77 * kill;
        wait::until_async("the load is under way", || running.acknowledged() >= enough).await;
        let stopped = server.kill();
        log = running.stop().await;
        if kill == KILLS {
            stopped.verifies();
        }
        server = stopped.start();
        load.addr = server.addr;
    }
    let verdict = load.judge(&log).await.unwrap();
    assert!(verdict.ok && verdict.oversold == 0, "{verdict:#?}");
    let counts = log.counts();
    assert!(counts.acknowledged > 500 && counts.refused > 0, "{counts:?}");
    server.stop().verifies();
}

#[test]
fn a_request_that_was_under_way_when_the_server_was_asked_to_stop_is_answered() {
    let mut server = Server::start();
    server.stocked("TEA", 100);
    let body =
        |n: usize| json!({"reservationId": format!("r{n}"), "lines": [{"sku": "TEA", "quantity": 1}]}).to_string();
    let head =
        "POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    let mut wires: Vec<_> = (0..20).map(|_| Wire::connect(server.addr)).collect();
    for (n, wire) in wires.iter_mut().enumerate() {
        wire.send(format!("{head}content-length: {}\r\n\r\n", body(n).len()).as_bytes());
        // With this the server says that it has taken the request and waits for its body.
        assert_eq!(wire.status(), 100);
    }
    let idle = Wire::connect(server.addr);
    server.terminate();
    wait::until("nobody new is let in", || TcpStream::connect(server.addr).is_err().then_some(()));
    for (n, wire) in wires.iter_mut().enumerate() {
        wire.send(body(n).as_bytes());
        let answer = wire.answer().is(201);
        assert_eq!(answer.json()["reservationId"], format!("r{n}"));
        assert!(wire.rest().is_empty(), "and then the connection ends");
    }
    let status = server.ended();
    assert!(status.success(), "{status}: {}", server.complaints());
    assert_eq!(server.complaints(), "");
    drop(idle);

    let stopped = server.kill();
    assert_eq!(behind(&stopped.data.join("inventory")), 0, "the views were written before it ended");
    stopped.verifies();
    let server = stopped.start();
    assert_eq!(server.counters("TEA"), (100, 20, 0, 80));
}

#[test]
fn a_client_that_never_finishes_does_not_keep_the_server_from_stopping() {
    let server = Server::start();
    let mut unfinished = Wire::connect(server.addr);
    let head = "POST /v1/skus HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    unfinished.send(format!("{head}content-length: 500\r\n\r\n").as_bytes());
    assert_eq!(unfinished.status(), 100);
    let stopped = server.stop();
    unfinished.answer().problem(408, "REQUEST_TIMEOUT");
    assert!(unfinished.rest().is_empty());
    stopped.verifies();
}

/// Events that are in the log's file and that some view has not read.
fn behind(folder: &std::path::Path) -> i64 {
    let log = Connection::open(folder.join("log.db")).unwrap();
    log.execute("ATTACH ?1 AS views", [folder.join("views.db").to_str().unwrap()]).unwrap();
    let sql = "WITH heads AS (SELECT place >> 47 AS partition, max(place & 0x7fffffffffff) AS position FROM events GROUP BY 1) \
               SELECT count(DISTINCT name), coalesce(sum(heads.position - of.position), 0) FROM heads \
               JOIN views.read_up_to AS of ON of.partition = heads.partition";
    let (models, behind): (i64, i64) = log.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert!(models >= 3, "{models} views");
    behind
}

#[test]
fn many_clients_that_are_cut_off_by_a_stop_lose_nothing_that_was_acknowledged() {
    let mut server = Server::start();
    server.stocked("TEA", 1_000_000);
    let addr = server.addr;
    let clients: Vec<_> = (0..8)
        .map(|client| {
            std::thread::spawn(move || {
                let mut acknowledged = 0_i64;
                let Ok(stream) = TcpStream::connect(addr) else { return 0 };
                let mut wire = Wire::over(stream);
                for n in 0.. {
                    let body =
                        json!({"reservationId": format!("c{client}-{n}"), "lines": [{"sku": "TEA", "quantity": 1}]})
                            .to_string();
                    let head = "POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
                    wire.send_regardless(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
                    match wire.try_answer() {
                        Some(answer) => acknowledged += i64::from(answer.is(201).status == 201),
                        None => break,
                    }
                }
                acknowledged
            })
        })
        .collect();
    wait::until("they are at work", || {
        (server.get("/v1/stock/TEA").json()["reserved"].as_i64() >= Some(100)).then_some(())
    });
    server.terminate();
    assert!(server.ended().success(), "{}", server.complaints());
    let acknowledged: i64 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    let server = server.kill().start();
    let (_, reserved, ..) = server.counters("TEA");
    assert_eq!(reserved, acknowledged, "what was taken was answered, what was answered is there");
    server.stop().verifies();
}
