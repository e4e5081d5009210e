//! What operators ask a server: is it alive, is it ready, what does it measure, what can it do.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cqrs::{Executor, LogReader, Phase, ProjectionDesk, Views};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::compose::Running;

/// What the operators' routes look at.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) metrics: PrometheusHandle,
    pub(crate) failure: watch::Receiver<Option<String>>,
    pub(crate) contexts: Vec<Watched>,
    pub(crate) openapi: Arc<str>,
    pub(crate) asyncapi: Arc<str>,
}

/// What operators look at in one context.
#[derive(Clone)]
pub(crate) struct Watched {
    name: &'static str,
    log: Arc<dyn LogReader>,
    views: Views,
    projections: ProjectionDesk,
    executor: Executor,
}

impl Watched {
    pub(crate) fn of(running: &Running) -> Self {
        Self {
            name: running.context.name(),
            log: Arc::clone(running.read.log()),
            views: running.read.views().clone(),
            projections: running.projections.clone(),
            executor: running.executor.clone(),
        }
    }

    /// Measures each view: how far behind it is, what waits in it, and how a build of it goes.
    async fn measure_views(&self) -> Result<(), cqrs::StoreError> {
        for view in self.projections.list().await? {
            let labels = [("context", self.name), ("view", view.name)];
            metrics::gauge!("projection_behind_events", &labels).set(view.behind as f64);
            metrics::gauge!("projection_parked_streams", &labels).set(view.parked as f64);
            if let Some(rebuild) = view.rebuild {
                let under_way = matches!(rebuild.phase, Phase::Waiting | Phase::Folding | Phase::Comparing);
                metrics::gauge!("projection_rebuild_under_way", &labels).set(f64::from(u8::from(under_way)));
                metrics::gauge!("projection_rebuild_events", &labels).set(rebuild.events as f64);
                metrics::gauge!("projection_rebuild_events_total", &labels).set(rebuild.events_total as f64);
                metrics::gauge!("projection_rebuild_events_per_second", &labels).set(rebuild.events_per_s);
            }
        }
        Ok(())
    }

    /// How many events its views are behind its log.
    async fn behind(&self) -> Result<u64, cqrs::StoreError> {
        let heads = self.log.heads().await?;
        Ok(heads.iter().zip(self.views.progress()).map(|(head, read)| head.position.saturating_sub(read)).sum())
    }
}

/// `/health`, `/ready`, `/metrics`, `/openapi.json` and `/asyncapi.json`.
pub(crate) fn router(ops: Ops) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/asyncapi.json", get(asyncapi))
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
    let mut all = 0;
    for context in &ops.contexts {
        all += context.behind().await?;
    }
    Ok(all)
}

async fn metrics(State(ops): State<Ops>) -> Response {
    for context in &ops.contexts {
        metrics::gauge!("executor_queued_commands", "context" => context.name).set(context.executor.queued() as f64);
        if let Ok(events) = context.behind().await {
            metrics::gauge!("projector_behind_events", "context" => context.name).set(events as f64);
        }
        if let Err(why) = context.measure_views().await {
            tracing::warn!(%why, "the views could not be measured");
        }
    }
    ops.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], ops.metrics.render()).into_response()
}

async fn openapi(State(ops): State<Ops>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], ops.openapi.to_string()).into_response()
}

async fn asyncapi(State(ops): State<Ops>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], ops.asyncapi.to_string()).into_response()
}
