//! What applies to every request, whatever its route.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use comanda_web::{EdgeLimits, Json, TRACEPARENT, X_CORRELATION_ID, edge};
use http_body_util::BodyExt;
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tower::ServiceExt;

fn app() -> Router {
    let router = Router::new()
        .route("/things/{id}", get(async || "a thing"))
        .route("/panics", get(async || -> &'static str { panic!("the secret cause") }))
        .route("/hangs", get(async || std::future::pending::<&'static str>().await))
        .route("/echo", get(async |headers: HeaderMap| text(&headers, X_CORRELATION_ID.as_str())))
        .route("/body", post(async |body: Json<Vec<u8>>| body.value.len().to_string()));
    edge(router, EdgeLimits::default())
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn send(request: Request<Body>) -> Response {
    app().oneshot(request).await.unwrap()
}

async fn get_path(path: &str) -> Response {
    send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn body(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn problem(response: Response) -> comanda_contracts::Problem {
    assert_eq!(text(response.headers(), "content-type"), "application/problem+json");
    let status = response.status().as_u16();
    let problem: comanda_contracts::Problem = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!(problem.status, status);
    problem
}

#[tokio::test]
async fn a_path_that_is_not_there_is_a_problem() {
    let response = get_path("/nowhere").await;
    assert!(response.headers().contains_key(X_CORRELATION_ID));
    assert_eq!(problem(response).await.code, "NOT_FOUND");
}

#[tokio::test]
async fn a_method_that_is_not_there_names_those_that_are() {
    let response = send(Request::delete("/things/7").body(Body::empty()).unwrap()).await;
    assert_eq!(text(response.headers(), "allow"), "GET,HEAD");
    let problem = problem(response).await;
    assert_eq!((problem.status, problem.code.as_ref()), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let response = send(Request::head("/things/7").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response.headers(), "content-length"), "7");
    assert_eq!(body(response).await, "");
}

#[tokio::test]
async fn a_panic_is_answered_and_its_cause_hidden() {
    let response = get_path("/panics").await;
    assert!(response.headers().contains_key(X_CORRELATION_ID));
    let problem = problem(response).await;
    assert_eq!((problem.status, problem.code.as_ref()), (500, "INTERNAL"));
    assert!(!problem.detail.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_given_up_at_the_deadline() {
    let started = tokio::time::Instant::now();
    let response = get_path("/hangs").await;
    assert_eq!(text(response.headers(), "retry-after"), "1");
    assert_eq!(problem(response).await.code, "DEADLINE_EXCEEDED");
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(29) && waited <= Duration::from_secs(31), "{waited:?}");
}

#[tokio::test]
async fn headers_and_target_are_bounded() {
    let long = |bytes| "a".repeat(bytes);
    let headers = |bytes| Request::get("/things/7").header("x-long", long(bytes)).body(Body::empty()).unwrap();
    assert_eq!(send(headers(16_000)).await.status(), 200);
    assert_eq!(problem(send(headers(16_400)).await).await.code, "HEADERS_TOO_LARGE");
    assert_eq!(get_path(&format!("/things/{}", long(8_000))).await.status(), 200);
    assert_eq!(problem(get_path(&format!("/things/{}", long(8_200))).await).await.code, "URI_TOO_LONG");
}

#[tokio::test]
async fn correlation_is_accepted_created_and_echoed() {
    let response = send(Request::get("/echo").header(X_CORRELATION_ID, "order-7").body(Body::empty()).unwrap()).await;
    assert_eq!(text(response.headers(), "x-correlation-id"), "order-7");
    assert_eq!(body(response).await, "order-7");

    let response = get_path("/echo").await;
    let made = text(response.headers(), "x-correlation-id");
    assert_eq!(made.len(), 32);
    assert_eq!(text(response.headers(), TRACEPARENT.as_str())[3..35], made);
    assert_eq!(body(response).await, made, "the handler sees what the client is told");
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_read_and_refused() {
    let request = Request::post("/body").header("content-type", "application/json");
    let response = send(request.body(Body::from(vec![b'1'; 1024 * 1024])).unwrap()).await;
    assert_eq!(problem(response).await.code, "BODY_TOO_LARGE");
}

#[test]
fn requests_are_counted_by_route_method_and_class() {
    let seen = Seen::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&seen, || {
        runtime.block_on(async {
            let app = app();
            for path in ["/things/1", "/things/2", "/panics", "/nowhere"] {
                let _answer = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await;
            }
            let _answer = app.oneshot(Request::delete("/things/1").body(Body::empty()).unwrap()).await;
        });
    });
    let expected = ["/panics GET 5xx 1", "/things/{id} DELETE 4xx 1", "/things/{id} GET 2xx 2", "unmatched GET 4xx 1"];
    assert_eq!(seen.counts().into_iter().collect::<Vec<_>>(), expected);
}

/// A recorder that remembers counters.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Counts>>);

type Counts = Vec<(String, Arc<Count>)>;

#[derive(Default)]
struct Count(Mutex<u64>);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        *self.0.lock().unwrap() += value;
    }

    fn absolute(&self, value: u64) {
        *self.0.lock().unwrap() = value;
    }
}

impl Seen {
    fn counts(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().iter().map(|(key, count)| format!("{key} {}", count.0.lock().unwrap())).collect()
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        let count = Arc::new(Count::default());
        self.0.lock().unwrap().push((labels.join(" "), Arc::clone(&count)));
        Counter::from_arc(count)
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
