//! What the warehouse does with an order: it says that it can leave.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use comanda_contracts as contract;
use comanda_web::openapi::CommandHeaders;
use comanda_web::{Call, Nothing, OptionalJson, PathParam, Problem, Reply};
use cqrs::Dispatch;

use super::orders::changed;
use super::parse::path_order;
use super::{Api, ApiState};
use crate::domain::order::ready_to_ship::MakeReadyToShip;

/// The routes of the warehouse.
pub(super) fn warehouse_router() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/v1/orders/{orderId}/ready-to-ship", post(ready_to_ship))
        .route("/orders/{orderId}/ready-to-ship", post(short_ready_to_ship))
}

/// Says that an order can leave
///
/// All that is reserved for it counts as picked and packed unless picking was recorded. It cannot be cancelled any more.
/// Repeating it changes nothing.
#[utoipa::path(post, path = "/v1/orders/{orderId}/ready-to-ship", operation_id = "makeOrderReadyToShip", tag = "Orders",
    params(("orderId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It can leave", body = contract::OrderAccepted, headers(
            ("ETag" = String, description = "Its version"),
            ("Idempotent-Replayed" = bool, description = "`true` if it could leave before"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn ready_to_ship(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = MakeReadyToShip { order_id: path_order(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// Says that an order can leave
#[utoipa::path(post, path = "/orders/{orderId}/ready-to-ship", operation_id = "shortMakeOrderReadyToShip",
    tag = "Short paths", params(("orderId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It can leave", body = contract::OrderAccepted),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn short_ready_to_ship(
    api: Api,
    id: PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    ready_to_ship(api, id, call, body).await
}
