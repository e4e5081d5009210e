//! `GET /v1/events`: what the contexts tell, gap-free and in order however it is read, by a poll that waits when there is nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use comanda_contracts::events::{CloudEvent, OrderPlaced, StockReserved};
use serde_json::json;

use super::counter::at_once;
use crate::http::Answer;
use crate::server::Server;
use crate::wait;

/// A poll that is asked to wait so long, in seconds, waits longer than any of these tests has patience for.
const LONG_S: u64 = 30;

fn read(server: &Server, context: &str, more: &str) -> (Vec<CloudEvent>, Answer) {
    let answer = server.get(&format!("/v1/events?context={context}{more}")).is(200);
    assert_eq!(answer.header("content-type"), Some("application/cloudevents-batch+json"));
    (answer.read(), answer)
}

fn next(answer: &Answer) -> String {
    answer.header("feed-next").expect("the answer says where to go on").to_owned()
}

/// Everything a context has told, read `limit` at a time.
pub(super) fn all(server: &Server, context: &str, limit: usize) -> Vec<CloudEvent> {
    let (mut events, mut after) = (Vec::new(), String::new());
    loop {
        let (page, answer) = read(server, context, &format!("&limit={limit}{after}"));
        assert!(page.len() <= limit, "{} of at most {limit}", page.len());
        events.extend(page);
        if answer.header("feed-more") == Some("false") {
            return events;
        }
        after = format!("&after={}", next(&answer));
    }
}

/// Each event stands behind the one before it in its partition, and none is told twice.
#[track_caller]
fn is_in_order(events: &[CloudEvent]) {
    let mut last: BTreeMap<u16, u64> = BTreeMap::new();
    for event in events {
        let (sequence, after): (u64, u64) = (event.sequence.parse().unwrap(), event.after.parse().unwrap());
        let before = last.insert(event.partition, sequence).unwrap_or_default();
        // What the partition had told before may reach further than its last event: the rest told nothing.
        assert!(before <= after && after < sequence, "not in order behind {before}: {event:?}");
        assert_eq!(event.specversion, "1.0");
    }
}

fn by_partition(events: Vec<CloudEvent>) -> BTreeMap<u16, Vec<String>> {
    let mut partitions: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    events.into_iter().for_each(|event| partitions.entry(event.partition).or_default().push(event.id));
    partitions
}

#[test]
fn what_happened_is_told_once_in_order_and_alike_however_it_is_read() {
    let server = Server::start();
    server.stocked("TEA", 1_000);
    let ids: Vec<String> = (0..60).map(|n| format!("o{n}")).collect();
    at_once(6, |n| {
        for id in ids.iter().skip(n).step_by(6) {
            server.place(id, &[("TEA", 1)]).is(202);
        }
    });
    assert_eq!(server.answered_all(&ids)["RESERVED"], 60);
    for context in ["fulfillment", "inventory"] {
        let events = all(&server, context, 1_000);
        is_in_order(&events);
        assert!(events.iter().all(|event| event.source == format!("/{context}")));
        let told = by_partition(events);
        for limit in [1, 7, 100] {
            assert_eq!(by_partition(all(&server, context, limit)), told);
        }
        let alone = |partition: &u16| read(&server, context, &format!("&limit=1000&partition={partition}")).0;
        for (partition, ids) in &told {
            assert_eq!(&by_partition(alone(partition))[partition], ids);
        }
    }
    let placed = all(&server, "fulfillment", 100);
    let mut placed: Vec<_> = placed.iter().filter(|event| event.event_type == OrderPlaced::TYPE).collect();
    placed.sort_by_key(|event| &event.subject);
    placed.dedup_by_key(|event| &event.subject);
    assert_eq!(placed.len(), 60);
    let reserved = all(&server, "inventory", 100);
    let reserved = reserved.into_iter().filter(|event| event.event_type == StockReserved::TYPE);
    let reserved: Vec<StockReserved> = reserved.map(|event| serde_json::from_value(event.data).unwrap()).collect();
    assert_eq!(reserved.len(), 60);
}

#[test]
fn a_reader_that_follows_while_orders_are_placed_misses_nothing() {
    let server = Server::start();
    server.stocked("TEA", 1_000);
    let ids: Vec<String> = (0..100).map(|n| format!("o{n}")).collect();
    let followed = std::thread::scope(|scope| {
        scope.spawn(|| {
            at_once(4, |n| {
                for id in ids.iter().skip(n).step_by(4) {
                    server.place(id, &[("TEA", 1)]).is(202);
                }
            });
        });
        let (mut events, mut after, mut reserved) = (Vec::new(), String::new(), 0);
        wait::until("all are reserved", || {
            let (page, answer) = read(&server, "inventory", &format!("&limit=9&timeout=1{after}"));
            reserved += page.iter().filter(|event| event.event_type == StockReserved::TYPE).count();
            events.extend(page);
            after = format!("&after={}", next(&answer));
            (reserved == 100).then_some(())
        });
        events
    });
    is_in_order(&followed);
    assert_eq!(by_partition(followed), by_partition(all(&server, "inventory", 1_000)));
}

#[test]
fn a_poll_that_waits_is_answered_by_what_happens() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let (_, head) = read(&server, "fulfillment", "&limit=1000");
    let waiting = std::thread::scope(|scope| {
        let poll = scope.spawn(|| {
            let asked = Instant::now();
            let more = format!("&timeout={LONG_S}&after={}", next(&head));
            (read(&server, "fulfillment", &more).0, asked.elapsed())
        });
        server.place("o", &[("TEA", 1)]).is(202);
        poll.join().unwrap()
    });
    let (events, took) = waiting;
    assert_eq!(events[0].subject, "o");
    assert!(took < Duration::from_secs(LONG_S / 2), "it was woken: {took:?}");
    // Without anything to tell it is answered when its time is over, and says where to go on.
    server.becomes("o", "RESERVED");
    let head = server.heads()[1].clone();
    let asked = Instant::now();
    let (events, answer) = read(&server, "fulfillment", &format!("&timeout=1&after={head}"));
    assert!(asked.elapsed() >= Duration::from_secs(1), "it waited only {:?}", asked.elapsed());
    assert_eq!((events, next(&answer), answer.header("feed-more")), (Vec::new(), head, Some("false")));
}

#[test]
fn a_poll_that_waits_does_not_delay_a_stop() {
    let mut server = Server::start();
    let heads = server.heads();
    let addr = server.addr;
    let polls: Vec<_> = ["inventory", "fulfillment"]
        .into_iter()
        .zip(heads)
        .map(|(context, head)| {
            let path = format!("/v1/events?context={context}&timeout={LONG_S}&after={head}");
            let mut wire = crate::http::Wire::connect(addr);
            wire.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
            (wire, head)
        })
        .collect();
    // A request that came after them has been answered: they are being waited for.
    server.get("/ready").is(200);
    let asked = Instant::now();
    server.terminate();
    assert!(server.ended().success(), "{}", server.complaints());
    assert!(asked.elapsed() < Duration::from_secs(LONG_S / 2), "it took {:?}", asked.elapsed());
    for (mut wire, head) in polls {
        let answer = wire.answer().is(200);
        assert_eq!((answer.json(), next(&answer)), (json!([]), head));
    }
    server.kill().verifies();
}

#[test]
fn a_cursor_of_another_log_is_refused() {
    let (server, other) = (Server::start(), Server::start());
    other.stocked("TEA", 10);
    let foreign = other.heads();
    for (context, cursor) in [("inventory", &foreign[0]), ("fulfillment", &foreign[1]), ("fulfillment", &foreign[0])] {
        let answer = server.get(&format!("/v1/events?context={context}&after={cursor}"));
        assert_eq!(answer.problem(409, "FOREIGN_CURSOR").errors[0].pointer, "?after");
    }
    // It tells all the same from the start.
    assert_eq!(server.get("/v1/events?context=inventory").is(200).json(), json!([]));
}

#[test]
fn wrong_questions_are_named() {
    let server = Server::start();
    let head = &server.heads()[0];
    for (query, status, code, pointer) in [
        ("", 400, "INVALID_PARAMETER", "?context"),
        ("context=kitchen", 400, "INVALID_PARAMETER", "?context"),
        ("context=inventory&limit=0", 422, "INVALID_FIELDS", "?limit"),
        ("context=inventory&limit=1001", 422, "INVALID_FIELDS", "?limit"),
        ("context=inventory&timeout=31", 422, "INVALID_FIELDS", "?timeout"),
        ("context=inventory&timeout=-1", 422, "INVALID_FIELDS", "?timeout"),
        ("context=inventory&after=yesterday", 400, "INVALID_PARAMETER", "?after"),
    ] {
        let answer = server.get(&format!("/v1/events?{query}"));
        let problem = answer.problem(status, code);
        assert_eq!(problem.errors.first().map(|error| error.pointer.as_str()), Some(pointer), "{query}: {problem:?}");
    }
    // What the query itself cannot be made of is said in words.
    for (query, named) in [("context=inventory&colour=red", "colour"), ("context=inventory&limit=many", "limit")] {
        let problem = server.get(&format!("/v1/events?{query}")).problem(400, "INVALID_PARAMETER");
        assert!(problem.detail.contains(named), "{problem:?}");
    }
    let nothing = server.get(&format!("/v1/events?context=inventory&after={head}&partition=9999")).is(200);
    assert_eq!(nothing.json(), json!([]), "a partition that is not there has told nothing");
}
