//! The server on a real socket: bounds, and a stop that loses no answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use comanda_web::{EdgeLimits, Json, ServeLimits, edge, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nhost: test\r\n\r\n";
const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n";

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<u32>,
    /// Notified when a slow request has reached its handler.
    arrived: Arc<Notify>,
    /// Lets the slow request go on.
    go_on: Arc<Notify>,
}

async fn start(limits: ServeLimits) -> Server {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        async move || {
            arrived.notify_one();
            go_on.notified().await;
            "slow"
        }
    };
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/slow", get(slow))
        .route("/body", post(async |_: Json<Vec<u8>>| "body"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let router = edge(router, EdgeLimits::default());
    let stopped = tokio::spawn(serve(listener, router, limits, async {
        stopping.await.ok();
    }));
    Server { address, stop, stopped, arrived, go_on }
}

async fn connect(server: &Server, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

/// Reads until `end` has come or the connection is closed.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = String::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(end) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(bytes) => seen.push_str(std::str::from_utf8(&buffer[..bytes]).unwrap()),
        }
    }
    seen
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = start(ServeLimits::default()).await;
    let mut stream = connect(&server, HELLO).await;
    for _ in 0..3 {
        let answer = read_until(&mut stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        stream.write_all(HELLO).await.unwrap();
    }
}

#[tokio::test]
async fn stopping_answers_what_was_taken_and_takes_nothing_more() {
    let server = start(ServeLimits::default()).await;
    let mut idle = connect(&server, HELLO).await;
    read_until(&mut idle, "hello").await;
    let mut taken = connect(&server, SLOW).await;
    server.arrived.notified().await;

    server.stop.send(()).unwrap();
    assert_eq!(read_until(&mut idle, "never").await, "", "an idle connection is closed at once");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
    assert!(!server.stopped.is_finished());

    server.go_on.notify_one();
    let answer = read_until(&mut taken, "slow").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("slow"), "{answer}");
    assert_eq!(server.stopped.await.unwrap(), 0);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let limits = ServeLimits { drain_wait: Duration::from_millis(50), ..ServeLimits::default() };
    let server = start(limits).await;
    let mut taken = connect(&server, SLOW).await;
    server.arrived.notified().await;
    server.stop.send(()).unwrap();
    assert_eq!(server.stopped.await.unwrap(), 1);
    assert_eq!(read_until(&mut taken, "slow").await, "", "its connection is cut");
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let limits = ServeLimits { header_wait: Duration::from_millis(50), ..ServeLimits::default() };
    let server = start(limits).await;
    let mut stalled = connect(&server, b"GET /hello HTTP/1.1\r\nhos").await;
    let answer = read_until(&mut stalled, "never").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn connections_are_bounded_and_the_next_one_waits() {
    let server = start(ServeLimits { connections_max: 1, ..ServeLimits::default() }).await;
    let mut first = connect(&server, SLOW).await;
    server.arrived.notified().await;
    let mut second = connect(&server, HELLO).await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), second.read(&mut byte)).await;
    assert!(early.is_err(), "not served while the first is open");

    server.go_on.notify_one();
    read_until(&mut first, "slow").await;
    drop(first);
    assert!(read_until(&mut second, "hello").await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_reads_the_answer() {
    let server = start(ServeLimits::default()).await;
    let bytes = 1024 * 1024;
    let head = format!(
        "POST /body HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
    );
    let mut stream = connect(&server, head.as_bytes()).await;
    stream.write_all(&vec![b' '; bytes]).await.unwrap();
    let answer = read_until(&mut stream, "}").await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("BODY_TOO_LARGE"), "{answer}");
    stream.write_all(HELLO).await.unwrap();
    assert!(read_until(&mut stream, "hello").await.starts_with("HTTP/1.1 200"), "the connection can go on");
}
