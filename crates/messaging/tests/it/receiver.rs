//! Somebody who is told by a webhook: keeps what came, and answers as he is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The number of the ring it tells of.
    pub(crate) fn ring(&self) -> u64 {
        self.json()["data"]["ring"].as_u64().unwrap()
    }
}

#[derive(Default)]
struct Ears {
    heard: Vec<Heard>,
    /// Answers to come; 200 when they are used up.
    answers: VecDeque<StatusCode>,
    always: Option<StatusCode>,
}

/// A server on a free port.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    ears: Arc<Mutex<Ears>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let ears = Arc::new(Mutex::new(Ears::default()));
        let router = Router::new().route("/hook", post(hear)).with_state(Arc::clone(&ears));
        let limits = comanda_web::ServeLimits::default();
        tokio::spawn(async move { comanda_web::serve(listener, router, limits, std::future::pending()).await });
        Self { addr, ears }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// The next answers; then it is 200 again.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        let statuses = statuses.iter().map(|status| StatusCode::from_u16(*status).unwrap());
        self.ears.lock().unwrap().answers.extend(statuses);
    }

    /// Every answer from now on, or 200 again.
    pub(crate) fn always(&self, status: Option<u16>) {
        self.ears.lock().unwrap().always = status.map(|status| StatusCode::from_u16(status).unwrap());
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.ears.lock().unwrap().heard.clone()
    }

    pub(crate) fn rings(&self) -> Vec<u64> {
        self.heard().iter().map(Heard::ring).collect()
    }
}

async fn hear(State(ears): State<Arc<Mutex<Ears>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut ears = ears.lock().unwrap();
    ears.heard.push(Heard { headers, body });
    let answer = ears.always.or_else(|| ears.answers.pop_front()).unwrap_or(StatusCode::OK);
    (answer, [("location", "/hook")]).into_response()
}
