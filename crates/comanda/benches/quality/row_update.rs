//! Comparator: what a user would write, a conditional UPDATE of a stock row and an INSERT, one transaction per request.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use comanda_contracts::ReserveRequest;
use miette::{IntoDiagnostic, Result};
use rusqlite::{Connection, TransactionBehavior};
use serde_json::json;
use tokio::sync::Mutex;

use crate::calls::HOT;
use crate::process::{Process, serve_as_child};

/// Starts it with a database in `dir`.
pub(crate) async fn start(dir: &Path) -> Result<Process> {
    Process::comparator(&["serve-row-update".as_ref(), dir.as_os_str()]).await
}

/// Serves, in the process that [`start`] made.
pub(crate) async fn serve(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).into_diagnostic()?;
    let connection = Connection::open(dir.join("shop.db")).into_diagnostic()?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE stock (sku TEXT PRIMARY KEY, available INTEGER NOT NULL) STRICT;
             CREATE TABLE reservation (
                 id TEXT PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL, expires_at INTEGER NOT NULL
             ) STRICT;",
        )
        .into_diagnostic()?;
    connection.execute("INSERT INTO stock VALUES (?1, 1000000000)", [HOT]).into_diagnostic()?;
    // SQLite has one writer whatever one does: a fair lock costs less than connections that run into each other.
    let connection = Arc::new(Mutex::new(connection));
    serve_as_child(Router::new().route("/v1/reservations", post(reserve)).with_state(connection)).await
}

async fn reserve(
    State(connection): State<Arc<Mutex<Connection>>>,
    Json(request): Json<ReserveRequest>,
) -> impl IntoResponse {
    let mut connection = connection.lock_owned().await;
    let done = tokio::task::spawn_blocking(move || hold(&mut connection, &request).map(|held| (held, request))).await;
    match done {
        Ok(Ok((true, request))) => {
            (StatusCode::CREATED, Json(json!({"reservationId": request.reservation_id, "state": "HELD"})))
        }
        Ok(Ok((false, _))) => (StatusCode::CONFLICT, Json(json!({"code": "INSUFFICIENT_STOCK"}))),
        Ok(Err(cause)) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"detail": cause.to_string()}))),
        Err(cause) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"detail": cause.to_string()}))),
    }
}

fn hold(connection: &mut Connection, request: &ReserveRequest) -> rusqlite::Result<bool> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    let expires_at = now_ms + request.ttl_seconds.unwrap_or(900).saturating_mul(1_000);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for line in &request.lines {
        let mut take = transaction
            .prepare_cached("UPDATE stock SET available = available - ?1 WHERE sku = ?2 AND available >= ?1")?;
        if take.execute((line.quantity, &line.sku))? == 0 {
            return Ok(false);
        }
        let mut keep = transaction.prepare_cached("INSERT INTO reservation VALUES (?1, ?2, ?3, ?4)")?;
        keep.execute((&request.reservation_id, &line.sku, line.quantity, expires_at))?;
    }
    transaction.commit()?;
    Ok(true)
}
