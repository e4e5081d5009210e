//! A shop's view of Fulfillment: requests in, answers out.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use comanda_contracts::Problem;
use comanda_fulfillment::api::{ApiState, router};
use comanda_web::{EdgeLimits, edge};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::house::House;

pub(crate) struct Shop {
    router: Router,
    pub(crate) house: House,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Shop {
    /// With 10 units of `TEA` at `main`, and none of `MUG`.
    pub(crate) async fn open() -> Self {
        let mut house = House::open().await;
        for sku in ["TEA", "MUG"] {
            house.inventory.register(sku);
        }
        house.inventory.receive("TEA", "main", 10);
        let state = ApiState { commands: house.commands.clone(), queries: house.queries.clone() };
        Self { router: edge(router(state), EdgeLimits::default()), house }
    }

    /// Inventory answers all that it was asked.
    pub(crate) async fn answered(&mut self) {
        self.house.look().await;
        self.house.settle().await;
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
        let request = request.body(body.map_or(Body::empty(), Body::from)).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path, Some(body.to_string()), &[]).await
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
        let problem: Problem = self.expect(status).json();
        assert_eq!((problem.status, problem.code.as_ref()), (status, code), "{problem:?}");
        problem
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
