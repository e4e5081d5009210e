//! Clients that misbehave on the wire: the server survives each, and goes on answering everyone else.

use serde_json::json;

use crate::http::Wire;
use crate::server::Server;

/// Lets `misbehave` happen and sees, while its connections are still open, that others are served.
#[track_caller]
fn survives<T>(misbehave: impl FnOnce(&Server) -> T) -> T {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.settle();
    let connections = misbehave(&server);
    server.reserve("r", "TEA", 1).is(201);
    assert_eq!(server.counters("TEA"), (10, 1, 0, 9));
    server.get("/health").is(200);
    assert_eq!(server.complaints(), "", "nobody else's mistake is worth a line in the log");
    connections
}

const RESERVE: &str = "POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[test]
fn headers_that_come_drop_by_drop() {
    survives(|server| {
        let mut slow: Vec<Wire> = (0..200).map(|_| Wire::connect(server.addr)).collect();
        for drop in ["POST /v1/res", "ervations HT", "TP/1.1\r\nho"] {
            slow.iter_mut().for_each(|wire| wire.send(drop.as_bytes()));
        }
        slow
    });
}

#[test]
fn bodies_that_stop_half_way() {
    survives(|server| {
        let mut half: Vec<Wire> = (0..200).map(|_| Wire::connect(server.addr)).collect();
        let start = format!("{RESERVE}content-length: 500\r\n\r\n{{\"reservationId\":\"half\",");
        half.iter_mut().for_each(|wire| wire.send(start.as_bytes()));
        half
    });
}

#[test]
fn connections_that_break_off_in_the_middle_of_a_body() {
    survives(|server| {
        for _ in 0..100 {
            Wire::connect(server.addr).send(format!("{RESERVE}content-length: 500\r\n\r\n{{\"lines\":[").as_bytes());
        }
    });
}

#[test]
fn bytes_that_are_no_http() {
    survives(|server| {
        let garbage: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bytes in
            [&garbage[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n\r\n\r\n", b"GET\r\n\r\n"]
        {
            let mut wire = Wire::connect(server.addr);
            wire.send_regardless(bytes);
            wire.finish();
            let answered = wire.rest();
            let answered = String::from_utf8_lossy(&answered);
            assert!(answered.is_empty() || answered.starts_with("HTTP/1.1 400"), "{answered}");
        }
    });
}

#[test]
fn a_header_that_is_too_large_is_told_so() {
    survives(|server| {
        let answer = server.request("GET", "/health").header("x-huge", &"h".repeat(20_000)).send();
        answer.problem(431, "HEADERS_TOO_LARGE");
        let answer = server.get(&format!("/v1/stock?cursor={}", "c".repeat(9_000)));
        answer.problem(414, "URI_TOO_LONG");
    });
}

#[test]
fn a_header_without_end_is_cut() {
    survives(|server| {
        let mut wire = Wire::connect(server.addr);
        wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\nx-endless: ");
        wire.send_regardless(&vec![b'e'; 1 << 20]);
        let answered = wire.rest();
        let answered = String::from_utf8_lossy(&answered);
        assert!(answered.is_empty() || answered.starts_with("HTTP/1.1 431"), "{answered}");
    });
}

#[test]
fn requests_sent_before_the_answers_are_read_are_answered_in_order() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let mut wire = Wire::connect(server.addr);
    let mut all = String::new();
    for n in 0..20 {
        let body = json!({"reservationId": format!("r{n}"), "lines": [{"sku": "TEA", "quantity": 1}]}).to_string();
        all.push_str(&format!("{RESERVE}content-length: {}\r\n\r\n{body}", body.len()));
    }
    wire.send(all.as_bytes());
    for n in 0..20 {
        let answer = wire.answer().is(if n < 10 { 201 } else { 409 });
        if n < 10 {
            assert_eq!(answer.json()["reservationId"], format!("r{n}"));
        }
    }
    assert_eq!(server.counters("TEA"), (10, 10, 0, 0));
}

#[test]
fn http_1_0_is_answered_and_closed() {
    survives(|server| {
        let mut wire = Wire::connect(server.addr);
        wire.send(b"GET /v1/stock/TEA HTTP/1.0\r\n\r\n");
        wire.answer().is(200);
        assert!(wire.rest().is_empty());
    });
}

#[test]
fn a_chunked_body_is_as_good_as_any() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let body = json!({"reservationId": "r", "lines": [{"sku": "TEA", "quantity": 1}]}).to_string();
    let (first, second) = body.split_at(20);
    let mut wire = Wire::connect(server.addr);
    wire.send(format!("{RESERVE}transfer-encoding: chunked\r\n\r\n").as_bytes());
    wire.send(format!("{:x}\r\n{first}\r\n", first.len()).as_bytes());
    wire.send(format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len()).as_bytes());
    wire.answer().is(201);
    // A chunk whose length is no number.
    let mut wire = Wire::connect(server.addr);
    wire.send(format!("{RESERVE}transfer-encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n").as_bytes());
    let answered = wire.rest();
    assert!(String::from_utf8_lossy(&answered).starts_with("HTTP/1.1 400"), "{:?}", String::from_utf8_lossy(&answered));
    assert_eq!(server.counters("TEA"), (10, 1, 0, 9));
}

#[test]
fn two_lengths_are_refused_so_that_no_request_can_be_smuggled() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let body = r#"{"reservationId":"r","lines":[{"sku":"TEA","quantity":1}]}"#;
    for lengths in [
        format!("content-length: 5\r\ncontent-length: {}\r\n", body.len()),
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", body.len()),
        "content-length: -1\r\n".to_owned(),
    ] {
        let mut wire = Wire::connect(server.addr);
        wire.send_regardless(format!("{RESERVE}{lengths}\r\n{body}").as_bytes());
        wire.finish();
        let answered = wire.rest();
        let answered = String::from_utf8_lossy(&answered);
        assert!(answered.starts_with("HTTP/1.1 400"), "{lengths}: {answered}");
    }
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
}
