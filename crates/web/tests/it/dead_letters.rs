//! Dead letters over HTTP: a context in memory that parks what it cannot do, and a desk to look after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use comanda_web::{EdgeLimits, dead_letters, edge};
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    BatchId, CannotReact, CommandBus, Context, DeadLetterDesk, Decision, Dispatch, Envelope, Epoch, EventId, Executor,
    ExecutorSettings, LogReader, Message, PartitionId, Position, Projector, React, Reaction, ReadSide, Receive,
    Received, States, Streams, SystemClock, Tail, Timestamp, Views, command_bus, query_bus,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

/// While it is set, nothing can be cooked.
static NO_OVEN: AtomicBool = AtomicBool::new(true);

struct Cook;

impl React for Cook {
    const NAME: &'static str = "cook";
    type Input = ();

    fn read(_: &Message) -> Result<Option<()>, CannotReact> {
        Ok(Some(()))
    }

    fn streams((): &()) -> Streams {
        Streams::none()
    }

    fn react((): &(), message: &Message, _: &States<'_>) -> Result<Reaction, CannotReact> {
        if NO_OVEN.load(Ordering::SeqCst) || &*message.key == "never" {
            return Err(CannotReact::Ever("there is no oven".into()));
        }
        Ok(Decision::answer(()))
    }
}

fn id(position: Position) -> EventId {
    EventId { batch: BatchId(Uuid::from_u128(7)), partition: PartitionId(0), position }
}

/// The name of the dead letter at `position`.
fn name(position: Position) -> String {
    format!("cook~till~{}", id(position))
}

struct Kitchen {
    commands: CommandBus,
    projector: Projector,
    router: Router,
}

impl Kitchen {
    async fn open() -> Self {
        let context = Arc::new(Context::named("kitchen").reacts::<Cook>());
        let (log, rows, tail) = (Arc::new(MemoryEventStore::new(2)), MemoryReadStore::default(), Tail::default());
        let (clock, views) = (Arc::new(SystemClock), Views::new(log.partitions(), 1_000));
        let settings = ExecutorSettings::default();
        let (executor, running) =
            Executor::new(Arc::clone(&context), log.clone(), Arc::clone(&clock) as _, tail.clone(), settings);
        tokio::spawn(running.run());
        let projector =
            Projector::open(&context, log.clone(), Arc::new(rows.clone()), tail, views.clone()).await.unwrap();
        let wait = Duration::from_secs(10);
        let read = ReadSide::new(Arc::clone(&context), views, Arc::new(rows), log, clock, wait);
        let commands = command_bus(executor, wait);
        let desk = DeadLetterDesk::new(context, commands.clone(), query_bus(read));
        let router = edge(dead_letters::router(desk), EdgeLimits::default());
        Self { commands, projector, router }
    }

    /// Receives the message at `position`, which is parked.
    async fn park(&mut self, position: Position, kind: &str, key: &str) {
        let message = Arc::new(Message {
            id: id(position),
            source: "till".into(),
            epoch: Epoch(Uuid::from_u128(1)),
            after: position - 1,
            predecessor: None,
            kind: kind.into(),
            subject: "table-4".into(),
            key: key.into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: "{}".into(),
        });
        let receive = Receive::<Cook> { message, what: Ok(()), follows: position - 1 };
        assert_eq!(self.commands.dispatch(Envelope::new(receive)).await.unwrap().answer, Received::Parked);
        self.projector.catch_up().await.unwrap();
    }

    async fn send(&mut self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        self.projector.catch_up().await.unwrap();
        (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    async fn get(&mut self, path: &str) -> (StatusCode, Value) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.header("idempotency-key", path).body(Body::from(body.to_string())).unwrap()).await
    }
}

#[tokio::test]
async fn they_are_listed_read_retried_and_discarded() {
    let mut kitchen = Kitchen::open().await;
    for (position, kind, key) in
        [(1, "sold.v1", "a"), (2, "sold.v1", "a"), (3, "lost.v1", "b"), (4, "sold.v1", "never")]
    {
        kitchen.park(position, kind, key).await;
    }
    let path = |position, what: &str| format!("/v1/dead-letters/{}{what}", name(position));

    let (status, page) = kitchen.get("/v1/dead-letters?limit=3&consumer=cook").await;
    assert_eq!(status, 200);
    let names: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["deadLetterId"].clone()).collect();
    assert_eq!(names, [name(1), name(2), name(3)]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let (_, rest) = kitchen.get(&format!("/v1/dead-letters?limit=3&consumer=cook&cursor={cursor}")).await;
    assert_eq!(rest["items"][0]["deadLetterId"], name(4));
    let (_, lost) = kitchen.get("/v1/dead-letters?kind=lost.v1").await;
    assert_eq!(lost["items"].as_array().unwrap().len(), 1);

    let (_, first) = kitchen.get(&path(1, "")).await;
    assert_eq!(
        (&first["cause"], &first["attempts"], &first["dead"]),
        (&json!("there is no oven"), &json!(1), &json!(true))
    );
    assert_eq!(
        (&first["event"]["sequence"], &first["source"], &first["key"]),
        (&json!("1"), &json!("till"), &json!("a"))
    );

    let (status, failed) = kitchen.post(&path(1, "/retry"), &json!({})).await;
    assert_eq!((status.as_u16(), failed), (200, json!({"passed": false, "cause": "there is no oven", "dead": true})));
    let (status, behind) = kitchen.post(&path(2, "/retry"), &json!({})).await;
    assert_eq!((status.as_u16(), &behind["code"]), (409, &json!("NOT_FIRST")));

    NO_OVEN.store(false, Ordering::SeqCst);
    let (status, done) = kitchen.post("/v1/dead-letters:retry", &json!({"kind": "sold.v1"})).await;
    assert_eq!((status.as_u16(), done), (200, json!({"passed": 2, "failed": 1, "behind": 0, "more": false})));
    let (_, left) = kitchen.get("/v1/dead-letters").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 2);

    let (status, wrong) = kitchen.post(&path(4, "/discard"), &json!({"reason": ""})).await;
    assert_eq!((status.as_u16(), &wrong["code"]), (422, &json!("INVALID_FIELDS")));
    for _ in 0..2 {
        let (status, _) = kitchen.post(&path(3, "/discard"), &json!({"reason": "sold by mistake"})).await;
        assert_eq!(status, 204, "repeated under its key it has the same answer");
    }
    let (status, gone) = kitchen.get(&path(3, "")).await;
    assert_eq!((status.as_u16(), &gone["code"]), (404, &json!("UNKNOWN_DEAD_LETTER")));
}

#[tokio::test]
async fn what_does_not_wait_or_is_no_name_is_refused() {
    let mut kitchen = Kitchen::open().await;
    for (path, status, code) in [
        (format!("/v1/dead-letters/{}/retry", name(9)), 404, "UNKNOWN_DEAD_LETTER"),
        (format!("/v1/dead-letters/nobody~till~{}/retry", id(9)), 409, "NO_REACTION"),
        ("/v1/dead-letters/rubbish/retry".to_owned(), 422, "INVALID_FIELDS"),
        (format!("/v1/dead-letters/{}/retry?context=bar", name(9)), 400, "INVALID_PARAMETER"),
    ] {
        let (found, problem) = kitchen.post(&path, &json!({})).await;
        assert_eq!((found.as_u16(), &problem["code"]), (status, &json!(code)), "{path}");
    }
}
