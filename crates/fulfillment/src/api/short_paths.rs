//! The short paths: the interface of the system this one replaces. Each does what its path under `/v1` does.

use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Inquiry, Json, List, OptionalJson, Params, PathParam, Problem, Reply};

use super::orders::OrderListParams;
use super::{Api, actions, orders};

/// Places an order
#[utoipa::path(post, path = "/orders", operation_id = "shortPlaceOrder", tag = "Short paths",
    params(CommandHeaders), request_body = contract::PlaceOrderRequest,
    responses(
        (status = 202, description = "It is placed", body = contract::OrderAccepted,
            headers(("Idempotent-Replayed" = bool, description = "`true` if it was placed before"))),
        (status = 409, description = "ID_CONFLICT: another order has this id"),
    ))]
pub(super) async fn place(
    api: Api,
    call: Call,
    request: Json<contract::PlaceOrderRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    orders::place(api, call, request).await
}

/// Lists orders
#[utoipa::path(get, path = "/orders", operation_id = "shortListOrders", tag = "Short paths",
    params(OrderListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::OrderSummary>)))]
pub(super) async fn list(
    api: Api,
    params: Params<OrderListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    orders::list(api, params, list, inquiry).await
}

/// Reads an order as it stands
#[utoipa::path(get, path = "/orders/{orderId}", operation_id = "shortGetOrder", tag = "Short paths",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The order", body = contract::Order,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn read(api: Api, id: PathParam<String>, inquiry: Inquiry) -> Result<Reply, Problem> {
    orders::read(api, id, inquiry).await
}

/// Reads where an order is
#[utoipa::path(get, path = "/orders/{orderId}/status", operation_id = "shortGetOrderStatus", tag = "Short paths",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its status", body = contract::OrderStatusAnswer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn read_status(api: Api, id: PathParam<String>, inquiry: Inquiry) -> Result<Reply, Problem> {
    orders::read_status(api, id, inquiry).await
}

/// Cancels an order, or lines of it
#[utoipa::path(post, path = "/orders/{orderId}/cancel", operation_id = "shortCancelOrder", tag = "Short paths",
    params(("orderId" = String, Path), CommandHeaders), request_body = Option<contract::CancelOrderRequest>,
    responses(
        (status = 200, description = "It is cancelled", body = contract::OrderAccepted),
        (status = 400, description = "INVALID_HEADER: with quantities, an `Idempotency-Key` is needed"),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409, description = "ORDER_LINE_HAS_LESS; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    api: Api,
    id: PathParam<String>,
    call: Call,
    request: OptionalJson<contract::CancelOrderRequest>,
) -> Result<Reply, Problem> {
    actions::cancel(api, id, call, request).await
}
