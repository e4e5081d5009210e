//! Orders: place, read, list.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders, one_of};
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch, Inquire, InvalidId};
use serde::Deserialize;
use utoipa::openapi::Object;
use uuid::Uuid;

use super::parse::{self, path_order};
use super::{Api, problems, written};
use crate::application::list_orders::{ListLateOrders, ListOrders, Order};
use crate::application::order_by_id::{OrderById, StatusOfOrder};
use crate::domain::ids::{LineId, OrderId, Sku};
use crate::domain::order::place::{OrderAnswer, PlaceLine, PlaceOrder};
use crate::domain::order::{OrderStatus, Policy, Priority};

const PATH: &str = "/v1/orders/";

/// Places an order
///
/// Its stock is asked for at once; `status` says when it is answered. The same id with the same body gives the same
/// success again, marked `Idempotent-Replayed: true`, whatever has happened to the order since.
#[utoipa::path(post, path = "/v1/orders", operation_id = "placeOrder", tag = "Orders",
    params(CommandHeaders), request_body = contract::PlaceOrderRequest,
    responses(
        (status = 202, description = "It is placed", body = contract::OrderAccepted, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was placed before"))),
        (status = 409, description = "ID_CONFLICT: another order has this id"),
    ))]
pub(super) async fn place(
    State(api): Api,
    call: Call,
    request: Json<contract::PlaceOrderRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_place(request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let order_id = answered.answer.order_id.clone();
    Ok(changed(StatusCode::ACCEPTED, answered).location(PATH, order_id.as_str()))
}

/// Reads an order as it stands
///
/// With what it waits for, and since when.
#[utoipa::path(get, path = "/v1/orders/{orderId}", operation_id = "getOrder", tag = "Orders",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The order", body = contract::Order,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let order_id = path_order(&id)?;
    let told = api.queries.ask(inquiry.ask(OrderById { order_id: order_id.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_order(&order_id)) };
    let tag = etag(found.version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let body = written::order(found).ok_or_else(|| problems::unknown_order(&order_id))?;
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

/// Reads where an order is
#[utoipa::path(get, path = "/v1/orders/{orderId}/status", operation_id = "getOrderStatus", tag = "Orders",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its status", body = contract::OrderStatusAnswer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn read_status(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let order_id = path_order(&id)?;
    let told = api.queries.ask(inquiry.ask(StatusOfOrder { order_id: order_id.clone() })).await?;
    let Some((status, version)) = told.answer else { return Err(problems::unknown_order(&order_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let body = contract::OrderStatusAnswer { status: status.as_str().to_owned() };
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

/// Which orders, in which order.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OrderListParams {
    /// Only orders that are there, such as `BACKORDERED`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Only this customer's.
    customer: Option<String>,
    /// Only those placed at this instant or later, RFC 3339.
    from: Option<String>,
    /// Only those placed before this instant, RFC 3339.
    to: Option<String>,
    /// `placedAt` (the oldest first, unless given) or `promisedAt` (the first promise first).
    #[param(schema_with = sorts)]
    sort: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

fn statuses() -> Object {
    one_of(OrderStatus::ALL.iter().map(|status| status.as_str()))
}

fn sorts() -> Object {
    one_of(["placedAt", "promisedAt"])
}

/// Lists orders
#[utoipa::path(get, path = "/v1/orders", operation_id = "listOrders", tag = "Orders",
    params(OrderListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::OrderSummary>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<OrderListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let told = api.queries.ask(inquiry.ask(params.query(list)?)).await?;
    let page = parse::written(list, told.answer, written::summary)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Which of the orders that are late.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LateOrderParams {
    /// Only orders that are there, such as `BACKORDERED`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Only this customer's.
    customer: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists orders whose promise has passed and of which something has still to leave, the latest first
#[utoipa::path(get, path = "/v1/late-orders", operation_id = "listLateOrders", tag = "Orders",
    params(LateOrderParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::OrderSummary>)))]
pub(super) async fn list_late(
    State(api): Api,
    Params(params): Params<LateOrderParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let status = fields.take_optional("?status", params.status.as_deref().map(parse::order_status));
    let customer = params.customer.map(Into::into);
    let query = fields.finish(Some(ListLateOrders { status, customer, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, written::summary)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

impl OrderListParams {
    fn query(self, list: List) -> Result<ListOrders, Problem> {
        let page = parse::page(list, self.limit, self.cursor.as_deref())?;
        let mut fields = Fields::default();
        let status = fields.take_optional("?status", self.status.as_deref().map(parse::order_status));
        let order = match self.sort.as_deref() {
            None | Some("placedAt") => Some(Order::Age),
            Some("promisedAt") => Some(Order::Promise),
            Some(_) => fields.take("?sort", Err("is neither `placedAt` nor `promisedAt`")),
        };
        let from = fields.take_optional("?from", self.from.as_deref().map(parse::instant));
        let to = fields.take_optional("?to", self.to.as_deref().map(parse::instant));
        let customer = self.customer.map(Into::into);
        fields.finish(order.map(|order| ListOrders { status, customer, from, to, order, page }))
    }
}

/// The command that `request` asks for.
///
/// # Errors
/// 422 naming every wrong field.
pub(super) fn parse_place(request: contract::PlaceOrderRequest) -> Result<PlaceOrder, Problem> {
    let mut fields = Fields::default();
    let order_id = fields.take("/orderId", request.order_id.as_deref().map_or_else(new_id, OrderId::parse));
    let mut lines = Vec::with_capacity(request.lines.len());
    for (place, line) in request.lines.iter().enumerate() {
        lines.extend(parse_line(&mut fields, line, place));
    }
    let promised_at = fields.take_optional("/promisedAt", request.promised_at.as_deref().map(parse::instant));
    let command = order_id.map(|order_id| PlaceOrder {
        order_id,
        lines,
        policy: request.policy.map_or(Policy::default(), policy),
        priority: request.priority.map_or(Priority::default(), priority),
        promised_at,
        customer: request.customer.map(Into::into),
    });
    fields.finish(command)
}

fn parse_line(fields: &mut Fields, line: &contract::PlaceOrderLine, place: usize) -> Option<PlaceLine> {
    let line_id = match &line.line_id {
        Some(id) => LineId::parse(id),
        None => LineId::parse(&(place + 1).to_string()),
    };
    let line_id = fields.take(format_args!("/lines/{place}/lineId"), line_id);
    let sku = fields.take(format_args!("/lines/{place}/sku"), Sku::parse(&line.sku));
    let quantity = parse::quantity(fields, format_args!("/lines/{place}/quantity"), line.quantity);
    Some(PlaceLine { line_id: line_id?, sku: sku?, quantity: quantity? })
}

/// An id for a client that did not bring its own.
fn new_id() -> Result<OrderId, InvalidId> {
    OrderId::parse(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

fn policy(policy: contract::OrderPolicy) -> Policy {
    match policy {
        contract::OrderPolicy::ShipComplete => Policy::ShipComplete,
        contract::OrderPolicy::ShipAvailable => Policy::ShipAvailable,
        contract::OrderPolicy::Backorder => Policy::Backorder,
    }
}

fn priority(priority: contract::OrderPriority) -> Priority {
    match priority {
        contract::OrderPriority::Express => Priority::Express,
        contract::OrderPriority::Standard => Priority::Standard,
        contract::OrderPriority::Economy => Priority::Economy,
    }
}

/// The answer of every command on an order.
pub(super) fn changed(status: StatusCode, answered: Answered<OrderAnswer>) -> Reply {
    let Answered { answer, token, version, replayed } = answered;
    let body = contract::OrderAccepted {
        order_id: answer.order_id.as_str().to_owned(),
        status: answer.status.as_str().to_owned(),
    };
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || answer.repeated)
}
