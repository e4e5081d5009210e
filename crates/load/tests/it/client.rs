//! The client: headers, kept-alive connections, and honest errors when the server goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use comanda_load::{Call, CallError, Client};
use hyper::header::HeaderValue;

use crate::server::{Server, reply};

#[tokio::test]
async fn sends_json_and_reads_the_headers_it_knows() {
    let server = Server::start(|seen| async move {
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.headers["content-type"], "application/json");
        assert_eq!(seen.headers["consistency-token"], "t0");
        assert_eq!(seen.headers["idempotency-key"], "k1");
        let mut answer = reply(201, seen.body).unwrap();
        for (name, value) in [("consistency-token", "t1"), ("idempotent-replayed", "true"), ("retry-after", "3")] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        Some(answer)
    })
    .await;
    let call = Call::post_json("/v1/x?y=1", &serde_json::json!({"a": 1})).unwrap();
    let call = call.with_token(Some(HeaderValue::from_static("t0"))).with_idempotency_key("k1").unwrap();
    let answer = Client::new(server.addr).call(&call).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.token.as_ref().unwrap(), "t1");
    assert!(answer.replayed);
    assert_eq!(answer.retry_after_s, Some(3));
    assert_eq!(answer.json::<serde_json::Value>().unwrap(), serde_json::json!({"a": 1}));
}

#[tokio::test]
async fn keeps_one_connection_and_makes_a_new_one_only_when_the_server_went_away() {
    let server = Server::start(|seen| async move { reply(200, seen.path) }).await;
    let addr = server.addr;
    let mut client = Client::new(addr);
    for number in 0..100 {
        let path = format!("/{number}");
        assert_eq!(client.call(&Call::get(path.clone())).await.unwrap().body, path);
    }
    assert_eq!(client.reconnects(), 0);

    server.stop().await;
    // The news of the closing may come only once the call is out; then no connection can be made any more.
    let error = client.call(&Call::get("/closing")).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. } | CallError::Lost { .. }), "{error}");
    let error = client.call(&Call::get("/gone")).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    assert!(!error.is_unknown_outcome(), "nothing was sent");

    let _server = Server::start_at(addr, |_| async { reply(204, "") }).await;
    assert_eq!(client.call(&Call::get("/back")).await.unwrap().status, 204);
    assert_eq!(client.reconnects(), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_an_unknown_outcome() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = Server::start(move |seen| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match seen.path.as_str() {
                "/close" => None,
                "/hang" => std::future::pending().await,
                _ => reply(200, "fine"),
            }
        }
    })
    .await;
    let mut client = Client::new(server.addr).with_timeout(Duration::from_millis(50));
    let lost = client.call(&Call::post("/close", "{}")).await.unwrap_err();
    assert!(matches!(lost, CallError::Lost { .. }) && lost.is_unknown_outcome(), "{lost}");
    let late = client.call(&Call::post("/hang", "{}")).await.unwrap_err();
    assert!(matches!(late, CallError::TimedOut { .. }) && late.is_unknown_outcome(), "{late}");
    assert_eq!(client.call(&Call::get("/")).await.unwrap().body, "fine");
    assert_eq!(calls.load(Ordering::SeqCst), 3, "no call is repeated unasked");
}

#[tokio::test]
async fn a_call_given_up_never_lends_its_answer_to_the_next() {
    let (go, wait) = tokio::sync::watch::channel(false);
    let server = Server::start(move |seen| {
        let mut wait = wait.clone();
        async move {
            if seen.path == "/slow" {
                wait.wait_for(|go| *go).await.unwrap();
            }
            reply(200, seen.path)
        }
    })
    .await;
    let mut client = Client::new(server.addr);
    client.connect().await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(20), client.call(&Call::get("/slow"))).await;
    assert!(given_up.is_err());
    go.send(true).unwrap();
    assert_eq!(client.call(&Call::get("/next")).await.unwrap().body, "/next");
    assert_eq!(client.reconnects(), 1);
}

#[tokio::test]
async fn a_connection_the_server_closes_after_its_answer_is_replaced_quietly() {
    let server = Server::start(|_| async {
        let mut answer = reply(200, "once").unwrap();
        answer.headers_mut().insert("connection", HeaderValue::from_static("close"));
        Some(answer)
    })
    .await;
    let mut client = Client::new(server.addr);
    for _ in 0..5 {
        assert_eq!(client.call(&Call::get("/")).await.unwrap().body, "once");
    }
    assert_eq!(client.reconnects(), 4);
}

#[tokio::test]
async fn what_cannot_be_sent_or_read_is_said() {
    let server = Server::start(|_| async { reply(200, "no json") }).await;
    let mut client = Client::new(server.addr);
    let error = client.call(&Call::get("/a b")).await.unwrap_err().to_string();
    assert!(error.contains("/a b"), "{error}");
    assert!(Call::get("/").with_idempotency_key("a\nb").is_err());
    let error = client.call(&Call::get("/")).await.unwrap().json::<u32>().unwrap_err().to_string();
    assert!(error.contains("no json"), "{error}");
}
