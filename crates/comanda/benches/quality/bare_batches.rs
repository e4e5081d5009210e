//! Comparator: a bare server of batches, which parses the same JSON, appends two rows per item and answers. No rule, no views.

use std::path::Path;
use std::sync::mpsc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use comanda_contracts::BatchRequest;
use miette::{IntoDiagnostic, Result};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::process::{Process, serve_as_child};
use crate::raw_append::RawLog;

/// Rows of an item: as many as Comanda has events for it.
const ROWS_PER_ITEM: usize = 2;

/// Rows to append, and whom to tell when they are on the disk.
type Append = (usize, oneshot::Sender<bool>);

/// What it answers: the least that a client could do with.
#[derive(Serialize)]
struct Accepted {
    accepted: usize,
    outcomes: Vec<Outcome>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    reservation_id: Option<String>,
    state: &'static str,
}

/// Starts it with a log in `dir`.
pub(crate) async fn start(dir: &Path) -> Result<Process> {
    Process::comparator(&["serve-bare-batches".as_ref(), dir.as_os_str()]).await
}

/// Serves, in the process that [`start`] made.
pub(crate) async fn serve(dir: &Path) -> Result<()> {
    let log = RawLog::open(dir)?;
    let (queue, waiting) = mpsc::channel();
    std::thread::Builder::new().name("writer".into()).spawn(move || write(log, &waiting)).into_diagnostic()?;
    serve_as_child(Router::new().route("/v1/reservations:batch", post(reserve_many)).with_state(queue)).await
}

/// Appends all that waits in one transaction, and tells whoever waits for it.
fn write(mut log: RawLog, waiting: &mpsc::Receiver<Append>) {
    while let Ok(first) = waiting.recv() {
        let appends: Vec<Append> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let done = log.append(appends.iter().map(|(rows, _)| rows).sum()).is_ok();
        for (_, reply) in appends {
            let _gone = reply.send(done);
        }
    }
}

async fn reserve_many(
    State(queue): State<mpsc::Sender<Append>>,
    Json(request): Json<BatchRequest>,
) -> impl IntoResponse {
    let (reply, done) = oneshot::channel();
    let sent = queue.send((request.reservations.len() * ROWS_PER_ITEM, reply));
    if sent.is_err() || !done.await.unwrap_or(false) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let held = |item: comanda_contracts::ReserveRequest| Outcome { reservation_id: item.reservation_id, state: "HELD" };
    let outcomes: Vec<Outcome> = request.reservations.into_iter().map(held).collect();
    Json(Accepted { accepted: outcomes.len(), outcomes }).into_response()
}
