//! Returns over HTTP: announced, read, listed, received, cancelled.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_contracts::events;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders, one_of};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, List, Nothing, OptionalJson, Params, PathParam, Problem, Reply,
    etag,
};
use cqrs::{Answered, Dispatch, Inquire};
use serde::Deserialize;
use utoipa::openapi::Object;

use super::leaving_problems::unknown_return;
use super::{Api, parse};
use crate::application::returns::{ListReturns, ReturnById};
use crate::domain::goods_return::cancel::CancelReturn;
use crate::domain::goods_return::receive::{ReceiveLine, ReceiveReturn};
use crate::domain::goods_return::request::{RequestReturn, ReturnLine};
use crate::domain::goods_return::{Disposition, GoodsReturn, ReceivedUnits, ReturnAnswer, ReturnStatus};
use crate::domain::ids::{LineId, LocationId, OrderId, ReturnId};

/// Announces that units come back
///
/// At most what has left, and neither came back nor is to come back with another return. The same id with the same body
/// gives the same success again.
#[utoipa::path(post, path = "/v1/returns", operation_id = "requestReturn", tag = "Returns",
    params(CommandHeaders), request_body = contract::RequestReturnRequest,
    responses(
        (status = 201, description = "It is expected", body = contract::ReturnAccepted, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was announced before"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409, description = "ORDER_LINE_HAS_LESS; ID_CONFLICT; TOO_MANY_RETURNS"),
    ))]
pub(super) async fn request(
    State(api): Api,
    call: Call,
    request: Json<contract::RequestReturnRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_request(request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let id = answered.answer.return_id.clone();
    Ok(changed(StatusCode::CREATED, answered).location("/v1/returns/", id.as_str()))
}

/// Reads a return as it stands
#[utoipa::path(get, path = "/v1/returns/{returnId}", operation_id = "getReturn", tag = "Returns",
    params(("returnId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The return", body = contract::GoodsReturn,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_RETURN"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let return_id = path_return(&id)?;
    let told = api.queries.ask(inquiry.ask(ReturnById { return_id: return_id.clone() })).await?;
    let Some((goods, version)) = told.answer else { return Err(unknown_return(&return_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(return_id.as_str(), &goods)).etag(tag).token(&told.token))
}

/// Which returns.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReturnListParams {
    /// Only those that are there: `REQUESTED`, `RECEIVED` or `CANCELLED`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Only this order's.
    order_id: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

fn statuses() -> Object {
    one_of(ReturnStatus::ALL.iter().map(|status| status.as_str()))
}

/// Lists returns
#[utoipa::path(get, path = "/v1/returns", operation_id = "listReturns", tag = "Returns",
    params(ReturnListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::GoodsReturn>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ReturnListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let named = |text: &str| parse::status(text, &ReturnStatus::ALL, ReturnStatus::as_str);
    let status = params.status.as_deref().map(named);
    let status = fields.take_optional("?status", status);
    let order_id = fields.take_optional("?orderId", params.order_id.as_deref().map(OrderId::parse));
    let query = fields.finish(Some(ListReturns { status, order_id, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| written(&row.return_id, &row.goods))?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Records what has come with a return, after it was inspected
///
/// What was announced and is not named will not come. Repeating the same body changes nothing.
#[utoipa::path(post, path = "/v1/returns/{returnId}/receive", operation_id = "receiveReturn", tag = "Returns",
    params(("returnId" = String, Path), CommandHeaders), request_body = contract::ReceiveReturnRequest,
    responses(
        (status = 200, description = "It is recorded, and the stock follows", body = contract::ReturnAccepted),
        (status = 404, description = "UNKNOWN_RETURN"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409, description = "ORDER_LINE_HAS_LESS; ID_CONFLICT; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn receive(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::ReceiveReturnRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_receive(path_return(&id)?, &request.value)?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Gives a return up that has not come
#[utoipa::path(post, path = "/v1/returns/{returnId}/cancel", operation_id = "cancelReturn", tag = "Returns",
    params(("returnId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It will not come", body = contract::ReturnAccepted),
        (status = 404, description = "UNKNOWN_RETURN"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = CancelReturn { return_id: path_return(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

fn path_return(text: &str) -> Result<ReturnId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{returnId}", ReturnId::parse(text));
    fields.finish(id)
}

fn parse_request(request: contract::RequestReturnRequest) -> Result<RequestReturn, Problem> {
    let mut fields = Fields::default();
    let return_id = fields.take("/returnId", ReturnId::parse(&request.return_id));
    let order_id = fields.take("/orderId", OrderId::parse(&request.order_id));
    let mut lines = Vec::with_capacity(request.lines.len());
    for (place, line) in request.lines.iter().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let quantity = parse::quantity(&mut fields, format_args!("/lines/{place}/quantity"), line.quantity);
        lines.extend(line_id.zip(quantity).map(|(line_id, quantity)| ReturnLine { line_id, quantity }));
    }
    let reason = request.reason.map(Into::into);
    let named = return_id.zip(order_id);
    fields.finish(named.map(|(return_id, order_id)| RequestReturn { return_id, order_id, lines, reason }))
}

fn parse_receive(return_id: ReturnId, request: &contract::ReceiveReturnRequest) -> Result<ReceiveReturn, Problem> {
    let mut fields = Fields::default();
    let mut lines = Vec::with_capacity(request.lines.len());
    for (place, line) in request.lines.iter().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let quantity = parse::quantity(&mut fields, format_args!("/lines/{place}/quantity"), line.quantity);
        let location = fields.take(format_args!("/lines/{place}/locationId"), LocationId::parse(&line.location_id));
        let disposition = match line.disposition {
            events::Disposition::Restock => Disposition::Restock,
            events::Disposition::Damaged => Disposition::Damaged,
            events::Disposition::Scrap => Disposition::Scrap,
        };
        let named = line_id.zip(quantity).zip(location);
        lines.extend(named.map(|((line_id, quantity), location)| ReceiveLine {
            line_id,
            quantity,
            location,
            disposition,
        }));
    }
    fields.finish(Some(ReceiveReturn { return_id, lines }))
}

fn changed(status: StatusCode, answered: Answered<ReturnAnswer>) -> Reply {
    let Answered { answer, token, version, replayed } = answered;
    let body = contract::ReturnAccepted {
        return_id: answer.return_id.as_str().to_owned(),
        status: answer.status.as_str().to_owned(),
    };
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || answer.repeated)
}

/// A return as the contract writes it.
fn written(id: &str, goods: &GoodsReturn) -> contract::GoodsReturn {
    let requested = goods.requested();
    let lines = requested.map(|requested| &*requested.lines).unwrap_or_default().iter();
    contract::GoodsReturn {
        return_id: id.to_owned(),
        order_id: requested.map(|requested| requested.order_id.as_str().to_owned()).unwrap_or_default(),
        status: goods.status().as_str().to_owned(),
        lines: lines
            .map(|units| contract::ReturnLine { line_id: units.line_id.as_str().to_owned(), quantity: units.quantity })
            .collect(),
        received: goods.received().iter().map(received).collect(),
        reason: requested.and_then(|requested| requested.reason.as_deref()).map(ToOwned::to_owned),
        requested_at: requested.map(|requested| requested.requested_at).unwrap_or_default().to_rfc3339(),
    }
}

fn received(units: &ReceivedUnits) -> contract::ReceivedLine {
    contract::ReceivedLine {
        line_id: units.line_id.as_str().to_owned(),
        quantity: units.quantity,
        location_id: units.location.as_str().to_owned(),
        disposition: match units.disposition {
            Disposition::Restock => events::Disposition::Restock,
            Disposition::Damaged => events::Disposition::Damaged,
            Disposition::Scrap => events::Disposition::Scrap,
        },
    }
}
