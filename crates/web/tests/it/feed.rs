//! The feed over a real socket: pages without gaps, long polls, and a stop that waits for nobody.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::any;
use bytes::Bytes;
use comanda_contracts::events::CloudEvent;
use comanda_web::{EdgeLimits, ServeLimits, edge, feed, serve};
use cqrs::{
    BatchId, Cursor, Epoch, EventId, Feed, FeedError, FeedPage, FeedRequest, Message, PartitionId, Position, Timestamp,
};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt;
use uuid::Uuid;

const EPOCH: Epoch = Epoch(Uuid::from_u128(1));

/// A log in memory, every event of which is a contract event.
struct Shelf {
    name: &'static str,
    messages: watch::Sender<Vec<Arc<Message>>>,
    /// Notified when a reader starts to wait.
    waits: Notify,
}

impl Shelf {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, messages: watch::Sender::new(Vec::new()), waits: Notify::new() })
    }

    fn put(&self, partition: u16, position: Position, data: &str) {
        let id = |position| EventId { batch: BatchId(Uuid::from_u128(7)), partition: PartitionId(partition), position };
        let message = Message {
            id: id(position),
            source: self.name.into(),
            epoch: EPOCH,
            after: position - 1,
            predecessor: (position > 1).then(|| id(position - 1)),
            kind: "kitchen.dish-served.v1".into(),
            subject: "table-4".into(),
            key: "table-4".into(),
            at: Timestamp::from_millis(1_772_357_400_007),
            correlation_id: Some("c".into()),
            causation_id: None,
            traceparent: None,
            data: Bytes::from(data.to_owned()),
        };
        self.messages.send_modify(|messages| messages.push(Arc::new(message)));
    }

    fn page(&self, request: &FeedRequest) -> FeedPage {
        let mut next = request.after.clone().unwrap_or_else(|| Cursor::new(EPOCH));
        let read = |partition| next.positions().iter().find(|(p, _)| *p == partition).map_or(0, |(_, at)| *at);
        let mut found = self.messages.borrow().clone();
        found.retain(|message| message.position() > read(message.partition()));
        found.retain(|message| request.partition.is_none_or(|only| only == message.partition()));
        let more = found.len() > request.limit;
        found.truncate(request.limit);
        for message in &found {
            next.require(message.partition(), message.position());
        }
        FeedPage { messages: found, next, more }
    }
}

#[async_trait::async_trait]
impl Feed for Shelf {
    fn source(&self) -> &str {
        self.name
    }

    async fn end(&self) -> Result<Cursor, FeedError> {
        let mut end = Cursor::new(EPOCH);
        for message in self.messages.borrow().iter() {
            end.require(message.partition(), message.position());
        }
        Ok(end)
    }

    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        if request.after.as_ref().is_some_and(|after| after.epoch() != EPOCH) {
            return Err(FeedError::ForeignCursor);
        }
        let mut changed = self.messages.subscribe();
        let waiting = async {
            loop {
                let page = self.page(request);
                if !page.messages.is_empty() {
                    return page;
                }
                self.waits.notify_one();
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(request.wait, waiting).await;
        Ok(waited.unwrap_or_else(|_| self.page(request)))
    }
}

fn router(feeds: &[&Arc<Shelf>], stopping: watch::Receiver<()>) -> Router {
    let feeds = feeds.iter().map(|feed| Arc::clone(feed) as Arc<dyn Feed>).collect();
    edge(feed::router(feeds, stopping), EdgeLimits::default())
}

struct Server {
    address: SocketAddr,
    stop: watch::Sender<()>,
    stopped: JoinHandle<u32>,
}

async fn start(feeds: &[&Arc<Shelf>]) -> Server {
    let (stop, stopping) = watch::channel(());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut told = stopping.clone();
    let shutdown = async move { drop(told.changed().await) };
    let stopped = tokio::spawn(serve(listener, router(feeds, stopping), ServeLimits::default(), shutdown));
    Server { address, stop, stopped }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    fn events(&self) -> Vec<CloudEvent> {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), "application/cloudevents-batch+json");
        serde_json::from_str(&self.body).unwrap()
    }

    fn sequences(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.sequence).collect()
    }

    fn code(&self) -> String {
        let problem: comanda_contracts::Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        problem.code.into_owned()
    }
}

async fn get(address: SocketAddr, query: impl Into<String>) -> Answer {
    let query = query.into();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /v1/events{query} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let kitchen = Shelf::new("kitchen");
    let server = start(&[&kitchen]).await;
    for position in 1..=5 {
        kitchen.put(0, position, r#"{"dish":"soup"}"#);
    }
    kitchen.put(1, 1, r#"{"dish":"fish"}"#);
    let (mut seen, mut query) = (Vec::new(), "?limit=4".to_owned());
    loop {
        let answer = get(server.address, query.as_str()).await;
        seen.extend(answer.events().into_iter().map(|event| (event.partition, event.sequence)));
        query = format!("?limit=4&after={}", answer.header("feed-next"));
        assert_eq!(answer.header("consistency-token"), format!("kitchen@{}", answer.header("feed-next")));
        if answer.header("feed-more") == "false" {
            break;
        }
    }
    let expected = [(0, "1"), (0, "2"), (0, "3"), (0, "4"), (0, "5"), (1, "1")];
    assert_eq!(seen, expected.map(|(partition, sequence)| (partition, sequence.to_owned())));
    let end = get(server.address, query.as_str()).await;
    assert!(end.events().is_empty() && query.ends_with(end.header("feed-next")), "the end is a place to go on from");
    assert_eq!(get(server.address, "?partition=1").await.sequences(), ["1"]);
}

#[tokio::test]
async fn what_is_sent_is_what_the_contract_says() {
    let kitchen = Shelf::new("kitchen");
    kitchen.put(3, 1, r#"{"dish":"soup"}"#);
    kitchen.put(3, 2, r#"{"dish":"fish"}"#);
    let server = start(&[&kitchen]).await;
    let answer = get(server.address, "").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(serde_json::to_value(answer.events()).unwrap(), json, "the contract's envelope leaves nothing out");
    let read: Vec<Message> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        read.iter().collect::<Vec<_>>(),
        kitchen.messages.borrow().iter().map(AsRef::as_ref).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_poll_is_answered_the_moment_something_comes() {
    let kitchen = Shelf::new("kitchen");
    let server = start(&[&kitchen]).await;
    let poll = tokio::spawn(get(server.address, "?timeout=30".to_owned()));
    kitchen.waits.notified().await;
    kitchen.put(0, 1, "{}");
    assert_eq!(poll.await.unwrap().sequences(), ["1"]);
}

#[tokio::test]
async fn polls_end_when_the_server_stops() {
    let kitchen = Shelf::new("kitchen");
    kitchen.put(0, 1, "{}");
    let server = start(&[&kitchen]).await;
    let next = get(server.address, "").await.header("feed-next").to_owned();
    let poll = tokio::spawn(get(server.address, format!("?timeout=30&after={next}")));
    kitchen.waits.notified().await;
    let told = std::time::Instant::now();
    server.stop.send(()).unwrap();
    let answer = poll.await.unwrap();
    assert!(answer.events().is_empty());
    assert_eq!((answer.header("feed-next"), answer.header("feed-more")), (next.as_str(), "false"));
    assert_eq!(server.stopped.await.unwrap(), 0, "no connection had to be cut");
    assert!(told.elapsed() < ServeLimits::default().drain_wait, "{:?}", told.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_poll_may_wait_longer_than_other_requests() {
    let kitchen = Shelf::new("kitchen");
    let (_stop, stopping) = watch::channel(());
    // Behind a route for everything, as a gateway may have it: its name does not tell a poll.
    let behind = router(&[&kitchen], stopping);
    let router =
        Router::new().route("/{*path}", any(async move |request: Request<Body>| behind.oneshot(request).await));
    let limits = EdgeLimits { deadline: Duration::from_secs(5), ..EdgeLimits::default() };
    let started = tokio::time::Instant::now();
    let request = Request::get("/v1/events?timeout=30").body(Body::empty()).unwrap();
    let response = edge(router, limits).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(started.elapsed() >= Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "[]");
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_goes_on_where_it_was_cut() {
    let kitchen = Shelf::new("kitchen");
    let server = start(&[&kitchen]).await;
    let large = serde_json::to_string(&"x".repeat(feed::FEED_BYTES_MAX)).unwrap();
    kitchen.put(0, 1, "{}");
    kitchen.put(1, 1, &large);
    kitchen.put(0, 2, "{}");
    let first = get(server.address, "").await;
    assert_eq!(first.sequences(), ["1", "1"]);
    assert_eq!(first.header("feed-more"), "true");
    let rest = get(server.address, format!("?after={}", first.header("feed-next"))).await;
    assert_eq!(rest.sequences(), ["2"]);
    assert_eq!(rest.header("feed-more"), "false");
}

#[tokio::test]
async fn where_several_contexts_are_served_one_is_named() {
    let (kitchen, bar) = (Shelf::new("kitchen"), Shelf::new("bar"));
    kitchen.put(0, 1, "{}");
    let server = start(&[&kitchen, &bar]).await;
    let unnamed = get(server.address, "").await;
    assert_eq!((unnamed.status, unnamed.code().as_str()), (400, "INVALID_PARAMETER"));
    assert!(unnamed.body.contains("kitchen, bar"), "{}", unnamed.body);
    assert_eq!(get(server.address, "?context=cellar").await.status, 400);
    assert_eq!(get(server.address, "?context=kitchen").await.sequences(), ["1"]);
    assert!(get(server.address, "?context=bar").await.events().is_empty());
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let server = start(&[&Shelf::new("kitchen")]).await;
    let foreign = Cursor::new(Epoch(Uuid::from_u128(2))).with(PartitionId(0), 7);
    for (query, status, code) in [
        (format!("?after={foreign}"), 409, "FOREIGN_CURSOR"),
        ("?after=mine".to_owned(), 400, "INVALID_PARAMETER"),
        ("?partition=-1".to_owned(), 400, "INVALID_PARAMETER"),
        ("?since=7".to_owned(), 400, "INVALID_PARAMETER"),
        ("?limit=0".to_owned(), 422, "INVALID_FIELDS"),
        ("?limit=1001".to_owned(), 422, "INVALID_FIELDS"),
        ("?timeout=31".to_owned(), 422, "INVALID_FIELDS"),
        ("?timeout=-1".to_owned(), 422, "INVALID_FIELDS"),
    ] {
        let answer = get(server.address, query.as_str()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{query}");
    }
}

#[test]
fn the_feed_is_described() {
    let mut api = feed::openapi();
    comanda_web::openapi::complete(&mut api, comanda_web::kinds::ALL);
    let json = serde_json::to_value(&api).unwrap();
    let responses = &json["paths"]["/v1/events"]["get"]["responses"];
    assert_eq!(
        responses["200"]["content"]["application/cloudevents-batch+json"]["schema"]["items"]["$ref"],
        "#/components/schemas/CloudEvent"
    );
    assert!(json["components"]["schemas"]["CloudEvent"].is_object());
    assert!(responses["409"].is_object());
}
