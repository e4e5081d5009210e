//! The short paths: the interface of the system this one replaces. Holds made here have no end of their own.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply};
use cqrs::{Dispatch, Inquire};
use serde::Deserialize;

use super::parse::{self, path_reservation, path_sku};
use super::{Api, hoarding, problems, reservations};
use crate::application::list_stock::ListStock;
use crate::application::reservation_by_id::ReservationById;
use crate::application::stock_of_sku::StockOfSku;
use crate::domain::reservation::release_item::ReleaseItem;
use crate::domain::reservation::reserve_item::ReserveItem;
use crate::domain::stock_item::replenish::Replenish;
use crate::read_models::stock::StockRow;

/// Holds units of one SKU until they are released
#[utoipa::path(post, path = "/inventory/{sku}/reserve", operation_id = "shortReserve", tag = "Short paths",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::ShortReserveRequest,
    responses(
        (status = 204, description = "They are held",
            headers(("Idempotent-Replayed" = bool, description = "`true` if they were held before"))),
        (status = 404, description = "UNKNOWN_SKU"),
        (status = 409, description = "INSUFFICIENT_STOCK with `shortfalls`; ID_CONFLICT; RESERVATION_ENDED; WRONG_TRANSITION"),
    ))]
pub(super) async fn reserve(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::ShortReserveRequest>,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let mut fields = Fields::default();
    let reservation_id = parse::reservation_id(&mut fields, &request.value.reservation_id);
    let quantity = parse::quantity(&mut fields, request.value.quantity);
    let command = reservation_id.zip(quantity);
    let command = command.map(|(reservation_id, quantity)| ReserveItem { reservation_id, sku, quantity });
    let command = fields.finish(command)?;
    let (taken, units) = (hoarding::take_item(&api.holds, &call, &command)?, command.quantity.units());
    let decided = api.commands.dispatch(call.envelope(command, &request.raw));
    let answered = hoarding::settled_item(taken, units, decided).await?;
    let repeated = answered.replayed || answered.answer.repeated;
    Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(repeated))
}

/// Adds units at `main`
#[utoipa::path(post, path = "/inventory/{sku}/replenish", operation_id = "shortReplenish", tag = "Short paths",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::ShortReplenishRequest,
    responses(
        (status = 204, description = "They are on hand"),
        (status = 404, description = "UNKNOWN_SKU"),
        (status = 409, description = "STOCK_OUT_OF_RANGE"),
    ))]
pub(super) async fn replenish(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::ShortReplenishRequest>,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let mut fields = Fields::default();
    let quantity = parse::quantity(&mut fields, request.value.quantity);
    let command = quantity.map(|quantity| Replenish { sku, location: None, quantity });
    let answered = api.commands.dispatch(call.envelope(fields.finish(command)?, &request.raw)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(answered.replayed))
}

/// Gives back what a reservation holds of this SKU
///
/// Safe to repeat, and before the reserve: it is then refused when it comes.
#[utoipa::path(post, path = "/inventory/{sku}/release", operation_id = "shortRelease", tag = "Short paths",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::ShortReleaseRequest,
    responses(
        (status = 204, description = "It holds none of it now"),
        (status = 409, description = "WRONG_TRANSITION: all of it has left"),
    ))]
pub(super) async fn release(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::ShortReleaseRequest>,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let mut fields = Fields::default();
    let reservation_id = parse::reservation_id(&mut fields, &request.value.reservation_id);
    let command = reservation_id.map(|reservation_id| ReleaseItem { reservation_id, sku });
    let command = fields.finish(command)?;
    let item = hoarding::item_of(command.reservation_id.as_str(), command.sku.as_str());
    let released = api.commands.dispatch(call.envelope(command, &request.raw));
    let answered = hoarding::released_item(&api.holds, item, released).await?;
    let repeated = answered.replayed || answered.answer.repeated;
    Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(repeated))
}

/// Reads what can be promised of a SKU
#[utoipa::path(get, path = "/inventory/{sku}", operation_id = "shortGetStock", tag = "Short paths",
    params(("sku" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "What can be promised now", body = contract::ShortStock, headers(
            ("ETag" = String, description = "Its version; another one once a hold has ended by itself"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_SKU"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let told = api.queries.ask(inquiry.ask(StockOfSku { sku: sku.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_sku(&sku)) };
    let tag = found.etag();
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(&found.row)).etag(tag).token(&told.token))
}

/// Which SKUs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShortListParams {
    /// Only SKUs of which something is available.
    only_available: Option<bool>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists what can be promised, in the order of SKUs
#[utoipa::path(get, path = "/inventory", operation_id = "shortListStock", tag = "Short paths",
    params(ShortListParams, QueryHeaders),
    responses((status = 200, description = "A part of all SKUs", body = contract::Page<contract::ShortStock>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ShortListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let query = ListStock { prefix: None, only_available: params.only_available.unwrap_or(false), page };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    Ok(Reply::json(StatusCode::OK, &parse::written(list, told.answer, |row| written(&row))?).token(&told.token))
}

/// Reads what a reservation holds
#[utoipa::path(get, path = "/inventory/reservations/{reservationId}", operation_id = "shortGetReservation",
    tag = "Short paths", params(("reservationId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "What it holds now", body = contract::ShortReservation,
            headers(("ETag" = String, description = "The version of the reservation"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_RESERVATION"),
    ))]
pub(super) async fn read_reservation(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let reservation_id = path_reservation(&id)?;
    let told = api.queries.ask(inquiry.ask(ReservationById { reservation_id: reservation_id.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_reservation(&reservation_id)) };
    let tag = reservations::tag(found.version, found.reservation.state);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let held = found.reservation.lines.iter().filter(|line| line.held > 0);
    let items = held.map(|line| contract::ShortItem { sku: line.sku.as_str().to_owned(), quantity: line.held });
    let body = contract::ShortReservation { reservation_id: id, items: items.collect() };
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

fn written(row: &StockRow) -> contract::ShortStock {
    contract::ShortStock {
        sku: row.sku.as_str().to_owned(),
        available: row.available,
        updated_at: row.updated_at.to_rfc3339(),
    }
}
