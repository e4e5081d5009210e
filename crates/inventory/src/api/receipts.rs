//! Receipts: goods of suppliers announced, booked in, moved to another date, given up; and all that is to come.

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
use super::{Api, inbound_problems, receipts_parse};
use crate::application::list_incoming::ListIncoming;
use crate::application::receipts::{ListReceipts, ReceiptById};
use crate::domain::ids::{LocationId, ReceiptId, Sku};
use crate::domain::receipt::cancel::CancelReceipt;
use crate::domain::receipt::close::CloseReceipt;
use crate::domain::receipt::{ReceiptAnswer, ReceiptLineView, ReceiptState, ReceiptView};
use crate::domain::stock_item::Inbound;
use crate::read_models::incoming::IncomingRow;
use receipts_parse::{Opening, parse_opening, parse_receive, parse_reschedule};

const PATH: &str = "/v1/receipts/";

/// Announces goods of a supplier, or books goods in that nobody had announced
///
/// With `state` EXPECTED each line needs a date (its own or the receipt's) and counts as incoming until it comes; with
/// RECEIVED the goods are on hand at once. The same id with the same body gives the same success again.
#[utoipa::path(post, path = "/v1/receipts", operation_id = "createReceipt", tag = "Receipts",
    params(CommandHeaders), request_body = contract::CreateReceipt,
    responses(
        (status = 201, description = "It is expected, or on hand", body = contract::Receipt, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was known before"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "ID_CONFLICT; TOO_MANY_DATES; STOCK_OUT_OF_RANGE"),
    ))]
pub(super) async fn create(
    State(api): Api,
    call: Call,
    request: Json<contract::CreateReceipt, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let answered = match parse_opening(request.value)? {
        Opening::Expect(command) => api.commands.dispatch(call.envelope(command, &request.raw)).await?,
        Opening::Receive(command) => api.commands.dispatch(call.envelope(command, &request.raw)).await?,
    };
    let id = answered.answer.receipt.receipt_id.clone();
    Ok(changed(StatusCode::CREATED, answered).location(PATH, id.as_str()))
}

/// Reads a receipt as it stands
#[utoipa::path(get, path = "/v1/receipts/{receiptId}", operation_id = "getReceipt", tag = "Receipts",
    params(("receiptId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The receipt", body = contract::Receipt,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_RECEIPT"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let receipt_id = path_receipt(&id)?;
    let told = api.queries.ask(inquiry.ask(ReceiptById { receipt_id: receipt_id.clone() })).await?;
    let Some((receipt, version)) = told.answer else { return Err(inbound_problems::unknown_receipt(&receipt_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(receipt)).etag(tag).token(&told.token))
}

/// Which receipts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReceiptListParams {
    /// Only those that are there: `EXPECTED`, `PARTIALLY_RECEIVED`, `RECEIVED`, `CANCELLED` or `CLOSED`.
    #[param(value_type = Option<contract::ReceiptState>)]
    state: Option<String>,
    /// Only those whose goods come to this location.
    location_id: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists receipts in the order of their ids
#[utoipa::path(get, path = "/v1/receipts", operation_id = "listReceipts", tag = "Receipts",
    params(ReceiptListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::Receipt>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ReceiptListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let state = params.state.as_deref().map(|text| parse::state(text, &ReceiptState::ALL, ReceiptState::as_str));
    let state = fields.take_optional("?state", state);
    let location = fields.take_optional("?locationId", params.location_id.as_deref().map(LocationId::parse));
    let query = fields.finish(Some(ListReceipts { state, location, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let mut items = Vec::with_capacity(told.answer.items.len());
    for row in told.answer.items {
        let id = ReceiptId::parse(&row.receipt_id).map_err(|why| Problem::internal(&format!("receipt row: {why}")))?;
        items.push(written(row.receipt.view(&id)));
    }
    let page = parse::written(list, crate::application::page::Page { items, next: told.answer.next }, |item| item)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Books goods of a receipt in
///
/// All that is still to come, or the lines named. Of each line a tenth more than expected may come, rounded up. The
/// same `deliveryId` with the same body gives the same success again.
#[utoipa::path(post, path = "/v1/receipts/{receiptId}/receive", operation_id = "receiveGoods", tag = "Receipts",
    params(("receiptId" = String, Path), CommandHeaders), request_body = contract::ReceiveGoods,
    responses(
        (status = 200, description = "They are on hand", body = contract::Receipt,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RECEIPT"),
        (status = 422, description = "UNKNOWN_LINE"),
        (status = 409, description = "MORE_THAN_EXPECTED; ID_CONFLICT; STOCK_OUT_OF_RANGE; TOO_MANY_DELIVERIES; \
            WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn receive(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::ReceiveGoods, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_receive(path_receipt(&id)?, request.value)?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Expects what has not come yet at another time
#[utoipa::path(post, path = "/v1/receipts/{receiptId}/reschedule", operation_id = "rescheduleReceipt",
    tag = "Receipts", params(("receiptId" = String, Path), CommandHeaders),
    request_body = contract::RescheduleReceipt,
    responses(
        (status = 200, description = "It is expected then", body = contract::Receipt,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RECEIPT"),
        (status = 422, description = "UNKNOWN_LINE"),
        (status = 409, description = "TOO_MANY_DATES; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn reschedule(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::RescheduleReceipt, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_reschedule(path_receipt(&id)?, request.value)?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Gives a receipt up of which nothing has come
#[utoipa::path(post, path = "/v1/receipts/{receiptId}/cancel", operation_id = "cancelReceipt", tag = "Receipts",
    params(("receiptId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "Nobody waits for it any more", body = contract::Receipt,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RECEIPT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = CancelReceipt { receipt_id: path_receipt(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// Closes a receipt short: what has not come yet will not
#[utoipa::path(post, path = "/v1/receipts/{receiptId}/close", operation_id = "closeReceipt", tag = "Receipts",
    params(("receiptId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "Nobody waits for the rest any more", body = contract::Receipt,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RECEIPT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn close(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = CloseReceipt { receipt_id: path_receipt(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// What of all that is to come.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IncomingParams {
    /// Only this SKU.
    sku: Option<String>,
    /// Only what comes to this location.
    location_id: Option<String>,
    /// Only what is expected before this instant, RFC 3339.
    before: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists what is to come, by SKU and then by date
#[utoipa::path(get, path = "/v1/incoming", operation_id = "listIncoming", tag = "Receipts",
    params(IncomingParams, QueryHeaders),
    responses((status = 200, description = "A part of it", body = contract::Page<contract::IncomingUnits>)))]
pub(super) async fn list_incoming(
    State(api): Api,
    Params(params): Params<IncomingParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let sku = fields.take_optional("?sku", params.sku.as_deref().map(Sku::parse));
    let location = fields.take_optional("?locationId", params.location_id.as_deref().map(LocationId::parse));
    let before = fields.take_optional("?before", params.before.as_deref().map(parse::any_instant));
    let query = fields.finish(Some(ListIncoming { sku, location, before, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    Ok(Reply::json(StatusCode::OK, &parse::written(list, told.answer, incoming)?).token(&told.token))
}

fn path_receipt(text: &str) -> Result<ReceiptId, Problem> {
    in_path("{receiptId}", ReceiptId::parse(text))
}

/// The answer of every command on a receipt.
fn changed(status: StatusCode, answered: Answered<ReceiptAnswer>) -> Reply {
    let Answered { answer: ReceiptAnswer { receipt, repeated }, token, version, replayed } = answered;
    Reply::json(status, &written(receipt)).etag(etag(version, 0)).token(&token).replayed(replayed || repeated)
}

/// The receipt as the contract writes it.
fn written(view: ReceiptView) -> contract::Receipt {
    contract::Receipt {
        receipt_id: view.receipt_id.as_str().to_owned(),
        state: state(view.state),
        location_id: view.location.as_str().to_owned(),
        supplier_reference: view.supplier_reference.as_deref().map(ToOwned::to_owned),
        lines: view.lines.into_iter().map(line).collect(),
    }
}

fn line(line: ReceiptLineView) -> contract::ReceiptLine {
    contract::ReceiptLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        expected: line.expected,
        expected_at: line.expected_at.map(cqrs::Timestamp::to_rfc3339),
        received: line.received,
        damaged: line.damaged,
        outstanding: line.outstanding,
    }
}

fn state(state: ReceiptState) -> contract::ReceiptState {
    match state {
        ReceiptState::Expected => contract::ReceiptState::Expected,
        ReceiptState::PartiallyReceived => contract::ReceiptState::PartiallyReceived,
        ReceiptState::Received => contract::ReceiptState::Received,
        ReceiptState::Cancelled => contract::ReceiptState::Cancelled,
        ReceiptState::Closed => contract::ReceiptState::Closed,
    }
}

fn incoming(row: IncomingRow) -> contract::IncomingUnits {
    let (receipt_id, transfer_id) = match row.by {
        Inbound::Receipt(id) => (Some(id.as_str().to_owned()), None),
        Inbound::Transfer(id) => (None, Some(id.as_str().to_owned())),
    };
    contract::IncomingUnits {
        sku: row.sku.as_str().to_owned(),
        location_id: row.location.as_str().to_owned(),
        expected_at: row.expected_at.to_rfc3339(),
        quantity: row.quantity,
        receipt_id,
        transfer_id,
        line_id: row.line.as_str().to_owned(),
    }
}
