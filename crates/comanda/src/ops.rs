//! What operators ask a server: is it alive, is it ready, what does it measure, what can it do.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cqrs::{Executor, LogReader, Views};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

/// What the operators' routes look at.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) metrics: PrometheusHandle,
    pub(crate) failure: watch::Receiver<Option<String>>,
    pub(crate) log: Arc<dyn LogReader>,
    pub(crate) views: Views,
    pub(crate) executor: Executor,
    pub(crate) openapi: Arc<str>,
}

/// `/health`, `/ready`, `/metrics` and `/openapi.json`.
pub(crate) fn router(ops: Ops) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .with_state(ops)
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// 200 as long as the process works at all; 503 once one of its threads has given up.
async fn health(State(ops): State<Ops>) -> Response {
    match ops.failure.borrow().as_deref() {
        None => json(StatusCode::OK, &serde_json::json!({"status": "ok"})),
        Some(why) => json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({"status": "failed", "detail": why})),
    }
}

/// How many events the views may be behind and still count as current.
const BEHIND_MAX: u64 = 10_000;

/// 200 once the log can be read and the views have caught up with it.
async fn ready(State(ops): State<Ops>) -> Response {
    if let Some(why) = ops.failure.borrow().as_deref() {
        return json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({"status": "failed", "detail": why}));
    }
    match behind(&ops).await {
        Ok(events) if events <= BEHIND_MAX => {
            json(StatusCode::OK, &serde_json::json!({"status": "ready", "viewsBehindEvents": events}))
        }
        Ok(events) => {
            let body = serde_json::json!({"status": "catching up", "viewsBehindEvents": events});
            json(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
        Err(why) => json(
            StatusCode::SERVICE_UNAVAILABLE,
            &serde_json::json!({"status": "unavailable", "detail": why.to_string()}),
        ),
    }
}

async fn behind(ops: &Ops) -> Result<u64, cqrs::StoreError> {
    let heads = ops.log.heads().await?;
    let read = ops.views.progress();
    Ok(heads.iter().zip(read).map(|(head, read)| head.position.saturating_sub(read)).sum())
}

async fn metrics(State(ops): State<Ops>) -> Response {
    metrics::gauge!("executor_queued_commands").set(ops.executor.queued() as f64);
    if let Ok(events) = behind(&ops).await {
        metrics::gauge!("projector_behind_events").set(events as f64);
    }
    ops.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], ops.metrics.render()).into_response()
}

async fn openapi(State(ops): State<Ops>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], ops.openapi.to_string()).into_response()
}
