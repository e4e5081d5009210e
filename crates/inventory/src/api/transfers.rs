//! Transfers: goods asked for elsewhere, sent, booked in or lost.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, List, Nothing, OptionalJson, Params, PathParam, Problem, Reply,
    etag,
};
use cqrs::{Answered, Dispatch, Inquire};
use serde::Deserialize;

use super::parse::{self, in_path};
use super::{Api, inbound_problems};
use crate::application::page::Page;
use crate::application::transfers::{ListTransfers, TransferById};
use crate::domain::ids::{DeliveryId, LineId, LocationId, Quantity, Sku, TransferId};
use crate::domain::transfer::cancel::CancelTransfer;
use crate::domain::transfer::receive::ReceiveTransfer;
use crate::domain::transfer::request::{RequestTransfer, TransferLine};
use crate::domain::transfer::ship::ShipTransfer;
use crate::domain::transfer::{ArrivedUnits, TransferAnswer, TransferLineView, TransferState, TransferView};

const PATH: &str = "/v1/transfers/";

/// Asks for goods at another location
///
/// Nothing moves yet, and nothing is held for it. The same id with the same body gives the same success again.
#[utoipa::path(post, path = "/v1/transfers", operation_id = "requestTransfer", tag = "Transfers",
    params(CommandHeaders), request_body = contract::RequestTransfer,
    responses(
        (status = 201, description = "It is requested", body = contract::Transfer, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was requested before"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "ID_CONFLICT"),
    ))]
pub(super) async fn request(
    State(api): Api,
    call: Call,
    request: Json<contract::RequestTransfer, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_request(request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let id = answered.answer.transfer.transfer_id.clone();
    Ok(changed(StatusCode::CREATED, answered).location(PATH, id.as_str()))
}

/// Reads a transfer as it stands
#[utoipa::path(get, path = "/v1/transfers/{transferId}", operation_id = "getTransfer", tag = "Transfers",
    params(("transferId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The transfer", body = contract::Transfer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_TRANSFER"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let transfer_id = path_transfer(&id)?;
    let told = api.queries.ask(inquiry.ask(TransferById { transfer_id: transfer_id.clone() })).await?;
    let Some((transfer, version)) = told.answer else { return Err(inbound_problems::unknown_transfer(&transfer_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(transfer)).etag(tag).token(&told.token))
}

/// Which transfers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TransferListParams {
    /// Only those that are there: `REQUESTED`, `SHIPPED`, `PARTIALLY_RECEIVED`, `RECEIVED` or `CANCELLED`.
    #[param(value_type = Option<contract::TransferState>)]
    state: Option<String>,
    /// Only those from this location.
    from_location_id: Option<String>,
    /// Only those to this location.
    to_location_id: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists transfers in the order of their ids
#[utoipa::path(get, path = "/v1/transfers", operation_id = "listTransfers", tag = "Transfers",
    params(TransferListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::Transfer>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<TransferListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let state = params.state.as_deref().map(|text| parse::state(text, &TransferState::ALL, TransferState::as_str));
    let state = fields.take_optional("?state", state);
    let from = fields.take_optional("?fromLocationId", params.from_location_id.as_deref().map(LocationId::parse));
    let to = fields.take_optional("?toLocationId", params.to_location_id.as_deref().map(LocationId::parse));
    let query = fields.finish(Some(ListTransfers { state, from, to, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let mut items = Vec::with_capacity(told.answer.items.len());
    for row in told.answer.items {
        let id = TransferId::parse(&row.transfer_id);
        let id = id.map_err(|why| Problem::internal(&format!("transfer row: {why}")))?;
        items.push(written(row.transfer.view(&id)));
    }
    let page = parse::written(list, Page { items, next: told.answer.next }, |item| item)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Sends the goods on their way
///
/// All of them, or none: only what is available where they leave can go. They are in transit then, and incoming where
/// they go.
#[utoipa::path(post, path = "/v1/transfers/{transferId}/ship", operation_id = "shipTransfer", tag = "Transfers",
    params(("transferId" = String, Path), CommandHeaders), request_body = contract::ShipTransfer,
    responses(
        (status = 200, description = "They are in transit", body = contract::Transfer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_TRANSFER"),
        (status = 409, description = "INSUFFICIENT_STOCK with `shortfalls`; TOO_MANY_DATES; \
            WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn ship(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::ShipTransfer>,
) -> Result<Reply, Problem> {
    let transfer_id = path_transfer(&id)?;
    let mut fields = Fields::default();
    let expected_at = fields.take("/expectedAt", parse::instant(&request.value.expected_at));
    let command = fields.finish(expected_at.map(|expected_at| ShipTransfer { transfer_id, expected_at }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Books goods in that were in transit, or off as lost
///
/// All that is in transit has come, unless lines are named. The same `deliveryId` with the same body gives the same
/// success again.
#[utoipa::path(post, path = "/v1/transfers/{transferId}/receive", operation_id = "receiveTransfer", tag = "Transfers",
    params(("transferId" = String, Path), CommandHeaders), request_body = contract::ReceiveTransfer,
    responses(
        (status = 200, description = "They are booked", body = contract::Transfer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_TRANSFER"),
        (status = 422, description = "UNKNOWN_LINE"),
        (status = 409, description = "MORE_THAN_SHIPPED; ID_CONFLICT; STOCK_OUT_OF_RANGE; TOO_MANY_DELIVERIES; \
            WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn receive(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::ReceiveTransfer, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_receive(path_transfer(&id)?, request.value)?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Gives a transfer up that has not left
#[utoipa::path(post, path = "/v1/transfers/{transferId}/cancel", operation_id = "cancelTransfer", tag = "Transfers",
    params(("transferId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "Nothing of it will leave", body = contract::Transfer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_TRANSFER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = CancelTransfer { transfer_id: path_transfer(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

fn path_transfer(text: &str) -> Result<TransferId, Problem> {
    in_path("{transferId}", TransferId::parse(text))
}

fn parse_request(request: contract::RequestTransfer) -> Result<RequestTransfer, Problem> {
    let mut fields = Fields::default();
    let transfer_id = fields.take("/transferId", TransferId::parse(&request.transfer_id));
    let from = fields.take("/fromLocationId", LocationId::parse(&request.from_location_id));
    let to = fields.take("/toLocationId", LocationId::parse(&request.to_location_id));
    let mut lines = Vec::with_capacity(request.lines.len());
    for (place, line) in request.lines.iter().enumerate() {
        let line_id = parse::line_id(line.line_id.as_deref(), place);
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), line_id);
        let sku = fields.take(format_args!("/lines/{place}/sku"), Sku::parse(&line.sku));
        let quantity = fields.take(format_args!("/lines/{place}/quantity"), Quantity::parse(line.quantity));
        let named = line_id.zip(sku).zip(quantity);
        lines.extend(named.map(|((line_id, sku), quantity)| TransferLine { line_id, sku, quantity }));
    }
    let named = transfer_id.zip(from).zip(to);
    fields.finish(named.map(|((transfer_id, from), to)| RequestTransfer { transfer_id, from, to, lines }))
}

fn parse_receive(transfer_id: TransferId, request: contract::ReceiveTransfer) -> Result<ReceiveTransfer, Problem> {
    let mut fields = Fields::default();
    let delivery = fields.take("/deliveryId", DeliveryId::parse(&request.delivery_id));
    let lines = request.lines.map(|lines| {
        let line = |(place, line): (usize, &contract::ReceiveTransferLine)| {
            let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id))?;
            let (quantity, damaged) = (line.quantity.unwrap_or(0), line.damaged.unwrap_or(0));
            Some(ArrivedUnits { line_id, quantity, damaged, lost: line.lost.unwrap_or(0) })
        };
        lines.iter().enumerate().filter_map(line).collect()
    });
    fields.finish(delivery.map(|delivery| ReceiveTransfer { transfer_id, delivery, lines }))
}

/// The answer of every command on a transfer.
fn changed(status: StatusCode, answered: Answered<TransferAnswer>) -> Reply {
    let Answered { answer: TransferAnswer { transfer, repeated }, token, version, replayed } = answered;
    Reply::json(status, &written(transfer)).etag(etag(version, 0)).token(&token).replayed(replayed || repeated)
}

/// The transfer as the contract writes it.
fn written(view: TransferView) -> contract::Transfer {
    contract::Transfer {
        transfer_id: view.transfer_id.as_str().to_owned(),
        state: match view.state {
            TransferState::Requested => contract::TransferState::Requested,
            TransferState::Shipped => contract::TransferState::Shipped,
            TransferState::PartiallyReceived => contract::TransferState::PartiallyReceived,
            TransferState::Received => contract::TransferState::Received,
            TransferState::Cancelled => contract::TransferState::Cancelled,
        },
        from_location_id: view.from.as_str().to_owned(),
        to_location_id: view.to.as_str().to_owned(),
        expected_at: view.expected_at.map(cqrs::Timestamp::to_rfc3339),
        lines: view.lines.into_iter().map(line).collect(),
    }
}

fn line(line: TransferLineView) -> contract::TransferLine {
    contract::TransferLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        quantity: line.quantity,
        in_transit: line.in_transit,
        received: line.received,
        damaged: line.damaged,
        lost: line.lost,
    }
}
