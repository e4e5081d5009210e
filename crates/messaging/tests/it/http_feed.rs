//! A feed over HTTP against a real server: pages, waits, refusals and what is no feed at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use comanda_messaging::{HttpFeed, HttpFeedWaits};
use cqrs::{Cursor, Epoch, Feed, FeedError, FeedRequest};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::house::House;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    context: String,
    after: Option<String>,
    partition: Option<u16>,
    limit: usize,
    timeout: u64,
}

/// The server's side, as the interface describes it.
async fn events(State(house): State<House>, Query(asked): Query<Asked>) -> Response {
    assert_eq!(asked.context, "bell");
    let request = FeedRequest {
        after: asked.after.map(|after| after.parse().unwrap()),
        partition: asked.partition.map(cqrs::PartitionId),
        limit: asked.limit,
        wait: Duration::from_secs(asked.timeout),
    };
    match house.feed.read(&request).await {
        Ok(page) => {
            let messages: Vec<_> = page.messages.iter().map(|message| (**message).clone()).collect();
            let headers = [
                ("content-type", "application/cloudevents-batch+json".to_owned()),
                ("feed-next", page.next.to_string()),
                ("feed-more", page.more.to_string()),
            ];
            (headers, serde_json::to_vec(&messages).unwrap()).into_response()
        }
        Err(_) => (StatusCode::CONFLICT, r#"{"code":"FOREIGN_CURSOR"}"#).into_response(),
    }
}

async fn serve(router: Router) -> HttpFeed {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let limits = comanda_web::ServeLimits::default();
    tokio::spawn(async move { comanda_web::serve(listener, router, limits, std::future::pending()).await });
    HttpFeed::new("bell", &base, HttpFeedWaits { answer: Duration::from_secs(5), ..HttpFeedWaits::default() }).unwrap()
}

async fn served(house: &House) -> HttpFeed {
    serve(Router::new().route("/v1/events", get(events)).with_state(house.clone())).await
}

async fn answering(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> FeedError {
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        sent.insert(*name, value.parse().unwrap());
    }
    let status = StatusCode::from_u16(status).unwrap();
    let answer = move || std::future::ready((status, sent.clone(), body));
    let feed = serve(Router::new().route("/v1/events", get(answer))).await;
    feed.read(&request(None, 10)).await.unwrap_err()
}

fn request(after: Option<Cursor>, limit: usize) -> FeedRequest {
    FeedRequest { after, partition: None, limit, wait: Duration::ZERO }
}

#[tokio::test]
async fn it_gives_what_the_owner_gives_page_by_page() {
    let house = House::open().await;
    house.ring(5).await;
    let feed = served(&house).await;
    assert_eq!(feed.source(), "bell");
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let page = feed.read(&request(after, 2)).await.unwrap();
        read.extend(page.messages.iter().map(|message| (**message).clone()));
        after = Some(page.next);
        if !page.more {
            break;
        }
    }
    let owners = house.feed.read(&request(None, 100)).await.unwrap();
    assert_eq!(read, owners.messages.iter().map(|message| (**message).clone()).collect::<Vec<_>>());
    assert_eq!(after, Some(owners.next));
    assert_eq!(read.len(), 5);
    let only = FeedRequest { partition: Some(read[0].partition()), ..request(None, 100) };
    assert_eq!(feed.read(&only).await.unwrap().messages.len(), 5);
}

#[tokio::test]
async fn it_waits_for_a_first_message_and_no_longer_than_asked() {
    let house = House::open().await;
    let feed = Arc::new(served(&house).await);
    let waiting = FeedRequest { wait: Duration::from_secs(20), ..request(None, 10) };
    let poll = tokio::spawn({
        let feed = Arc::clone(&feed);
        async move { feed.read(&waiting).await }
    });
    house.ring(1).await;
    assert_eq!(poll.await.unwrap().unwrap().messages.len(), 1);
    let after = Some(feed.read(&request(None, 10)).await.unwrap().next);
    let (short, started) = (FeedRequest { wait: Duration::from_millis(50), ..request(after, 10) }, Instant::now());
    assert!(feed.read(&short).await.unwrap().messages.is_empty());
    assert!(started.elapsed() >= Duration::from_millis(50), "it would be asked in a tight loop");
}

#[tokio::test]
async fn a_cursor_of_another_log_is_told_apart() {
    let feed = served(&House::open().await).await;
    let foreign = Cursor::new(Epoch(Uuid::from_u128(9)));
    assert!(matches!(feed.read(&request(Some(foreign), 10)).await, Err(FeedError::ForeignCursor)));
}

#[tokio::test]
async fn an_owner_that_is_away_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let feed = HttpFeed::new("bell", &format!("http://{addr}"), HttpFeedWaits::default()).unwrap();
    assert!(matches!(feed.read(&request(None, 10)).await, Err(FeedError::Unavailable(_))));
    for status in [408, 429, 502, 503] {
        assert!(matches!(answering(status, &[], "{}").await, FeedError::Unavailable(_)), "{status}");
    }
}

#[tokio::test]
async fn an_owner_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let waits = HttpFeedWaits { answer: Duration::from_millis(50), ..HttpFeedWaits::default() };
    let feed = HttpFeed::new("bell", &format!("http://{}", listener.local_addr().unwrap()), waits).unwrap();
    assert!(matches!(feed.read(&request(None, 10)).await, Err(FeedError::Unavailable(_))));
}

#[tokio::test]
async fn what_is_no_feed_is_broken() {
    let batch = ("content-type", "application/cloudevents-batch+json");
    let next = ("feed-next", "00000000000000000000000000000000:");
    let more = ("feed-more", "false");
    for (status, headers, body) in [
        (404, &[][..], "{}"),
        (500, &[], "{}"),
        (302, &[("location", "/v1/events")], ""),
        (200, &[("content-type", "text/html"), next, more], "[]"),
        (200, &[batch, more], "[]"),
        (200, &[batch, next], "[]"),
        (200, &[batch, next, more], r#"[{"id":1}]"#),
    ] {
        let told = answering(status, headers, body).await;
        assert!(matches!(told, FeedError::Broken(_)), "{status} {headers:?} {body}: {told}");
    }
}

#[tokio::test]
async fn a_page_too_long_is_asked_for_in_smaller_parts() {
    async fn long(Query(asked): Query<Asked>) -> Response {
        let headers = [
            ("content-type", "application/cloudevents-batch+json"),
            ("feed-next", "00000000000000000000000000000000:"),
            ("feed-more", "false"),
        ];
        let body = if asked.limit > 4 { " ".repeat(17 * 1024 * 1024) } else { "[]".to_owned() };
        (headers, body).into_response()
    }
    let feed = serve(Router::new().route("/v1/events", get(long))).await;
    assert!(feed.read(&request(None, 16)).await.unwrap().messages.is_empty());
}
