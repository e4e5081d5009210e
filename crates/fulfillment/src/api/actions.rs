//! What is done with an order: cancel, hold, let it go on.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::CommandHeaders;
use comanda_web::{Call, Fields, Json, Nothing, OptionalJson, PathParam, Problem, Reply};
use cqrs::Dispatch;

use super::Api;
use super::orders::changed;
use super::parse::{self, path_order};
use crate::domain::ids::{LineId, OrderId};
use crate::domain::order::cancel::{CancelLine, CancelOrder};
use crate::domain::order::hold::PutOnHold;
use crate::domain::order::release_hold::ReleaseHold;

/// Cancels an order, or lines of it
///
/// All that is reserved for it is given back. Once it is ready to ship it can only leave; units that still wait for stock
/// can then be cancelled by their lines. Cancelling so many units of a line needs an `Idempotency-Key`, because doing it
/// twice would cancel twice as many.
#[utoipa::path(post, path = "/v1/orders/{orderId}/cancel", operation_id = "cancelOrder", tag = "Orders",
    params(("orderId" = String, Path), CommandHeaders), request_body = Option<contract::CancelOrderRequest>,
    responses(
        (status = 200, description = "It is cancelled", body = contract::OrderAccepted, headers(
            ("ETag" = String, description = "Its version"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was cancelled before"))),
        (status = 400, description = "INVALID_HEADER: with quantities, an `Idempotency-Key` is needed"),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409, description = "ORDER_LINE_HAS_LESS; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::CancelOrderRequest>,
) -> Result<Reply, Problem> {
    let command = parse_cancel(path_order(&id)?, request.value.unwrap_or_default())?;
    if command.lines.iter().any(|line| line.quantity.is_some()) {
        call.require_key("cancelling so many units again would cancel more, so it must say which request it is")?;
    }
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Lets an order rest
///
/// Nobody picks it until it is let go on. It keeps its stock, and still gets what it waits for.
#[utoipa::path(post, path = "/v1/orders/{orderId}/hold", operation_id = "holdOrder", tag = "Orders",
    params(("orderId" = String, Path), CommandHeaders), request_body = contract::HoldOrderRequest,
    responses(
        (status = 200, description = "It is on hold", body = contract::OrderAccepted,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn hold(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::HoldOrderRequest>,
) -> Result<Reply, Problem> {
    let command = PutOnHold { order_id: path_order(&id)?, reason: request.value.reason.into() };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Lets an order go on
#[utoipa::path(post, path = "/v1/orders/{orderId}/release-hold", operation_id = "releaseOrderHold", tag = "Orders",
    params(("orderId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It goes on, or did not rest", body = contract::OrderAccepted,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn release_hold(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = ReleaseHold { order_id: path_order(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

fn parse_cancel(order_id: OrderId, request: contract::CancelOrderRequest) -> Result<CancelOrder, Problem> {
    let mut fields = Fields::default();
    if request.lines.as_ref().is_some_and(Vec::is_empty) {
        // No line is not the whole order: whoever filtered them all away means nothing.
        fields.wrong("/lines", "names no line: leave it out to cancel the whole order");
    }
    let named = request.lines.unwrap_or_default();
    let mut lines = Vec::with_capacity(named.len());
    for (place, line) in named.iter().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let pointer = format_args!("/lines/{place}/quantity");
        let quantity = line.quantity.and_then(|units| parse::quantity(&mut fields, pointer, units));
        lines.extend(line_id.map(|line_id| CancelLine { line_id, quantity }));
    }
    fields.finish(Some(CancelOrder { order_id, lines, reason: request.reason.map(Into::into) }))
}
