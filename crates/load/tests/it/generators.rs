//! The generators' accounting: rates, outcomes, and that a stall shows in the latencies of those who came meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comanda_load::{Call, CallError, ClosedLoop, OpenModel};

use crate::server::{Server, reply};

const INSUFFICIENT: &str = r#"{"code":"INSUFFICIENT_STOCK","status":409}"#;

/// How a slow server answers: not before `time` has passed.
async fn after(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

#[tokio::test]
async fn open_model_sends_what_it_offers_and_counts_every_outcome() {
    let server = Server::start(|seen| async move {
        let number: u64 = seen.path.trim_start_matches('/').parse().unwrap();
        if number.is_multiple_of(10) { reply(409, INSUFFICIENT) } else { reply(201, "{}") }
    })
    .await;
    let mut model = OpenModel::new(server.addr, 500.0, Duration::from_secs(1));
    model.lag_max = Duration::from_secs(5);
    let report = model.run(|number| Call::get(format!("/{number}"))).await.unwrap();
    assert_eq!((report.scheduled, report.answered, report.failed, report.unanswered), (500, 500, 0, 0));
    assert_eq!(report.outcomes.of("201"), 450);
    assert_eq!(report.outcomes.of("409 INSUFFICIENT_STOCK"), 50);
    assert_eq!(report.outcomes.errors(), 0);
    assert_eq!(report.latency.count, 500);
    assert!(report.achieved_per_s <= 500.5, "{report:?}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["outcomes"]["201"], 450);
}

/// A server that stops answering for a while: a closed loop sees one slow call per connection and calls the p99 fine.
#[tokio::test]
async fn a_stall_counts_for_everyone_who_came_meanwhile() {
    const STALL: Duration = Duration::from_millis(400);
    let first = Arc::new(std::sync::OnceLock::new());
    let server = Server::start(move |_| {
        let since = Instant::now().saturating_duration_since(*first.get_or_init(Instant::now));
        async move {
            // Answers that fall into the stall come at its end.
            if let Some(rest) = STALL.checked_sub(since) {
                after(rest).await;
            }
            reply(200, "")
        }
    })
    .await;
    let mut model = OpenModel::new(server.addr, 1_000.0, Duration::from_secs(1));
    model.connections = 4;
    let report = model.run(|_| Call::get("/")).await.unwrap();
    // 4 connections carry 4 calls through the stall; the other 396 were due in it and had to wait for its end.
    assert_eq!(report.answered, 1_000);
    assert!(report.latency.max_us >= 390_000, "{report:?}");
    assert!(report.latency.p90_us >= 250_000, "a tenth came in the first quarter of the stall: {report:?}");
}

#[tokio::test]
async fn a_run_that_falls_behind_is_invalid_and_says_why() {
    let server = Server::start(|_| async {
        after(Duration::from_millis(20)).await;
        reply(200, "")
    })
    .await;
    let mut model = OpenModel::new(server.addr, 1_000.0, Duration::from_millis(500));
    model.connections = 2;
    model.grace = Duration::from_millis(200);
    model.lag_max = Duration::from_secs(5);
    let report = model.run(|_| Call::get("/")).await.unwrap();
    assert!(report.invalid.as_ref().is_some_and(|reason| reason.contains("below 99 %")), "{report:?}");
    assert!(report.unanswered > 300, "two connections carry 100 calls a second: {report:?}");
    assert_eq!(report.answered + report.unanswered + report.failed, 500);
}

#[tokio::test]
async fn a_generator_that_lags_makes_the_run_invalid() {
    let server = Server::start(|_| async { reply(200, "") }).await;
    let mut model = OpenModel::new(server.addr, 200.0, Duration::from_millis(250));
    model.lag_max = Duration::ZERO;
    let report = model.run(|_| Call::get("/")).await.unwrap();
    assert!(report.invalid.as_ref().is_some_and(|reason| reason.contains("generator was the limit")), "{report:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_one_that_goes_away_is_counted() {
    let server = Server::start(|_| async { None }).await;
    let addr = server.addr;
    let mut model = OpenModel::new(addr, 100.0, Duration::from_millis(200));
    model.connections = 2;
    let report = model.run(|_| Call::get("/")).await.unwrap();
    assert_eq!((report.answered, report.failed), (0, 20));
    assert_eq!(report.outcomes.of("lost"), 20);
    assert!(report.invalid.is_some());

    let closed = ClosedLoop { addr, connections: 3, calls_max: 1_000, time_max: Duration::from_secs(30) };
    let report = closed.run(|_| Call::get("/")).await.unwrap();
    assert_eq!(report.failed, 30, "each connection stops after ten failures in a row");

    server.stop().await;
    let error = model.run(|_| Call::get("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
    model.rate_per_s = 0.0;
    assert!(model.run(|_| Call::get("/")).await.is_err());
}

#[tokio::test]
async fn closed_loop_stops_at_its_count_and_at_its_time() {
    let most = Arc::new(AtomicUsize::new(0));
    let now = Arc::new(AtomicUsize::new(0));
    let (seen_most, seen_now) = (Arc::clone(&most), Arc::clone(&now));
    let server = Server::start(move |_| {
        let (most, now) = (Arc::clone(&seen_most), Arc::clone(&seen_now));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            reply(200, "")
        }
    })
    .await;
    let mut closed =
        ClosedLoop { addr: server.addr, connections: 8, calls_max: 300, time_max: Duration::from_secs(60) };
    let report = closed.run(|_| Call::get("/")).await.unwrap();
    assert_eq!((report.answered, report.latency.count, report.outcomes.of("200")), (300, 300, 300));
    assert!(most.load(Ordering::SeqCst) <= 8);
    closed.calls_max = u64::MAX;
    closed.time_max = Duration::from_millis(50);
    let report = closed.run(|_| Call::get("/")).await.unwrap();
    assert!(report.answered > 0 && report.elapsed_s < 30.0, "{report:?}");
}
