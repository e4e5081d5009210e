//! A whole Inventory in memory, spoken to as a client would.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use comanda_contracts::{Problem, Stock};
use comanda_inventory::api::{ApiState, router};
use comanda_inventory::context;
use comanda_web::{EdgeLimits, edge};
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Clock, Executor, ExecutorSettings, ManualClock, Projector, ReadSide, Tail, Timestamp, Views, command_bus, query_bus,
};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt;

const PARTITIONS: u16 = 4;

/// Inventory with SKU `TEA` of which 10 are on hand at `main`, and SKU `MUG` of which there is none.
pub(crate) struct Shop {
    router: Router,
    pub(crate) clock: Arc<ManualClock>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let shop = Self::empty().await;
        for sku in ["TEA", "MUG"] {
            shop.post("/v1/skus", json!({ "sku": sku })).await.expect(201);
        }
        shop.receive("TEA", "main", 10).await;
        shop
    }

    pub(crate) async fn empty() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_772_357_400_000)));
        let context = Arc::new(context());
        let (log, rows) = (MemoryEventStore::new(PARTITIONS), MemoryReadStore::default());
        let (tail, views) = (Tail::default(), Views::new(PARTITIONS, 1_000));
        let (executor, running) = Executor::new(
            Arc::clone(&context),
            Arc::new(log.clone()),
            Arc::clone(&clock) as Arc<dyn Clock>,
            tail.clone(),
            ExecutorSettings::default(),
        );
        let projector = Projector::open(&context, Arc::new(log.clone()), Arc::new(rows.clone()), tail, views.clone());
        let projector = projector.await.unwrap();
        tokio::spawn(running.run());
        tokio::spawn(projector.run(std::future::pending()));
        let wait = Duration::from_secs(5);
        let read = ReadSide::new(context, views, Arc::new(rows), Arc::new(log), Arc::clone(&clock) as _, wait);
        let state = ApiState { commands: command_bus(executor, wait), queries: query_bus(read) };
        Self { router: edge(router(state), EdgeLimits::default()), clock }
    }

    /// Books `quantity` units of `sku` in at `location`.
    pub(crate) async fn receive(&self, sku: &str, location: &str, quantity: i64) {
        let body = json!({ "sku": sku, "locationId": location, "delta": quantity, "reasonCode": "received" });
        self.post("/v1/stock/adjustments", body).await.expect(201);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        self.request(Method::POST, path, Some(body.to_string()), headers).await
    }

    /// Posts `body` as it is.
    pub(crate) async fn post_raw(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.into())).unwrap()).await
    }

    /// Posts without a body.
    pub(crate) async fn act(&self, path: &str) -> Answer {
        self.request(Method::POST, path, None, &[]).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None, &[]).await
    }

    /// Reads no older than `seen`, the answer of a command.
    pub(crate) async fn get_after(&self, seen: &Answer, path: &str) -> Answer {
        self.request(Method::GET, path, None, &[("consistency-token", seen.header("consistency-token"))]).await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        self.send(request.body(body.map_or(Body::empty(), Body::from)).unwrap()).await
    }

    /// Holds `quantity` units of `TEA` as reservation `id`.
    pub(crate) async fn hold(&self, id: &str, quantity: i64) -> Answer {
        let body = json!({ "reservationId": id, "lines": [{ "sku": "TEA", "quantity": quantity }] });
        self.post("/v1/reservations", body).await
    }

    /// The stock of `sku` as the log has it at this moment: a command that changes nothing tells how far to read.
    pub(crate) async fn stock(&self, sku: &str) -> Stock {
        let seen = self.post("/v1/skus", json!({ "sku": sku })).await.expect(201);
        self.get_after(&seen, &format!("/v1/stock/{sku}")).await.expect(200).json()
    }
}

impl Answer {
    /// This answer, if its status is `status`.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| {
            panic!("{why} in {}", String::from_utf8_lossy(&self.body));
        })
    }

    /// The problem it is, if it has this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Problem {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem: Problem = answer.json();
        assert_eq!((problem.status, problem.code.as_ref()), (status, code), "{problem:?}");
        assert!(!problem.detail.is_empty());
        problem
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
