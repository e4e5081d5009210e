//! Comparator: bare axum that parses the same JSON and stores nothing.

use std::ffi::OsStr;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use comanda_contracts::{PlaceOrderRequest, ReserveRequest};
use miette::Result;
use serde::Serialize;

use crate::process::{Process, serve_as_child};

/// What it answers: the least that a client could do with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    reservation_id: Option<String>,
    state: &'static str,
}

/// Starts it; it answers every read of stock with `stock`.
pub(crate) async fn start(stock: &str) -> Result<Process> {
    Process::comparator(&["serve-bare-axum".as_ref(), OsStr::new(stock)]).await
}

/// Serves, in the process that [`start`] made.
pub(crate) async fn serve(stock: String) -> Result<()> {
    let stock: axum::body::Bytes = stock.into();
    let router = Router::new()
        .route("/v1/reservations", post(reserve))
        .route("/v1/orders", post(place))
        .route("/v1/stock/{sku}", get(async move || ([(header::CONTENT_TYPE, "application/json")], stock.clone())));
    serve_as_child(router).await
}

async fn reserve(Json(request): Json<ReserveRequest>) -> impl IntoResponse {
    (StatusCode::CREATED, Json(Accepted { reservation_id: request.reservation_id, state: "HELD" }))
}

/// An order, as little answered as a reservation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    order_id: Option<String>,
    status: &'static str,
}

async fn place(Json(request): Json<PlaceOrderRequest>) -> impl IntoResponse {
    (StatusCode::ACCEPTED, Json(Placed { order_id: request.order_id, status: "RESERVATION_PENDING" }))
}
