//! Reservations: reserve, read, confirm, release, extend, transfer, consume.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, ReadHeaders};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, Nothing, OptionalJson, PathParam, Problem, Reply, etag,
};
use cqrs::{Answered, Dispatch, Inquire, Version};
use uuid::Uuid;

use super::parse::{Place, line_id, path_own_reservation, path_reservation};
use super::{Api, hoarding, problems, sourcing};
use crate::application::reservation_by_id::ReservationById;
use crate::domain::ids::{LineId, LocationId, OwnerId, Quantity, ReservationId, Sku};
use crate::domain::reservation::confirm::Confirm;
use crate::domain::reservation::consume::Consume;
use crate::domain::reservation::extend::Extend;
use crate::domain::reservation::release::Release;
use crate::domain::reservation::reserve::{Reserve, ReserveLine};
use crate::domain::reservation::transfer::TransferReservation;
use crate::domain::reservation::{LineView, ReservationAnswer, ReservationState, ReservationView, TTL_MAX};
use crate::domain::stock_item::Allocation;

/// How long a hold lasts unless the client says otherwise.
const TTL_DEFAULT: Duration = Duration::from_secs(900);

const PATH: &str = "/v1/reservations/";

/// Holds stock
///
/// All lines or nothing, unless `allowPartial`. The id makes it safe to repeat: the same id with the same body gives the
/// same answer again, marked `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/reservations", operation_id = "reserve", tag = "Reservations",
    params(CommandHeaders), request_body = contract::ReserveRequest,
    responses(
        (status = 201, description = "It is held", body = contract::Reservation, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was held before"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "INSUFFICIENT_STOCK with `shortfalls`; ID_CONFLICT; RESERVATION_ENDED with `state`"),
    ))]
pub(super) async fn reserve(
    State(api): Api,
    call: Call,
    request: Json<contract::ReserveRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_reserve(&request.value, Place::Whole)?;
    let taken = hoarding::take(&api.holds, &call, &command, Place::Whole)?;
    let answered = hoarding::settled(taken, api.commands.dispatch(call.envelope(command, &request.raw))).await?;
    let id = answered.answer.reservation.reservation_id.clone();
    Ok(changed(StatusCode::CREATED, answered).location(PATH, id.as_str()))
}

/// Reads a reservation as it stands
#[utoipa::path(get, path = "/v1/reservations/{reservationId}", operation_id = "getReservation", tag = "Reservations",
    params(("reservationId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The reservation", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_RESERVATION"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let reservation_id = path_reservation(&id)?;
    let told = api.queries.ask(inquiry.ask(ReservationById { reservation_id: reservation_id.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_reservation(&reservation_id)) };
    let tag = tag(found.version, found.reservation.state);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(found.reservation)).etag(tag).token(&told.token))
}

/// Commits what is held
///
/// It does not expire any more. One that has expired is held again, if there still is enough.
#[utoipa::path(post, path = "/v1/reservations/{reservationId}/confirm", operation_id = "confirmReservation",
    tag = "Reservations", params(("reservationId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It is confirmed", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RESERVATION"),
        (status = 409, description = "INSUFFICIENT_STOCK with `shortfalls`; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn confirm(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let id = path_own_reservation(&id)?;
    let confirmed = api.commands.dispatch(call.envelope(Confirm { reservation_id: id.clone() }, &body.raw));
    Ok(changed(StatusCode::OK, hoarding::followed(&api.holds, &id, confirmed).await?))
}

/// Gives back what is held
///
/// An id nobody reserved is remembered: a reserve that comes late is refused.
#[utoipa::path(post, path = "/v1/reservations/{reservationId}/release", operation_id = "releaseReservation",
    tag = "Reservations", params(("reservationId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It is released, or had expired", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 204, description = "Nobody had reserved it, and nobody will"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn release(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let id = path_own_reservation(&id)?;
    let released = api.commands.dispatch(call.envelope(Release { reservation_id: id.clone() }, &body.raw));
    let answered = hoarding::followed(&api.holds, &id, released).await?;
    if answered.answer.reservation.lines.is_empty() {
        let repeated = answered.replayed || answered.answer.repeated;
        return Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(repeated));
    }
    Ok(changed(StatusCode::OK, answered))
}

/// Lets a hold last longer
///
/// It never gets shorter, and one without end stays so.
#[utoipa::path(post, path = "/v1/reservations/{reservationId}/extend", operation_id = "extendReservation",
    tag = "Reservations", params(("reservationId" = String, Path), CommandHeaders),
    request_body = contract::ExtendRequest,
    responses(
        (status = 200, description = "It lasts at least that long", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RESERVATION"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn extend(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::ExtendRequest>,
) -> Result<Reply, Problem> {
    let reservation_id = path_own_reservation(&id)?;
    let mut fields = Fields::default();
    let ttl = fields.take("/ttlSeconds", ttl(request.value.ttl_seconds));
    let ttl = fields.finish(ttl)?;
    hoarding::check_time(&call, Some(ttl), Place::Whole)?;
    let command = Extend { reservation_id: reservation_id.clone(), ttl };
    let extended = api.commands.dispatch(call.envelope(command, &request.raw));
    Ok(changed(StatusCode::OK, hoarding::followed(&api.holds, &reservation_id, extended).await?))
}

/// Gives a reservation to another owner
///
/// Its units and its end stay as they are. To the owner who has it already, it changes nothing.
#[utoipa::path(post, path = "/v1/reservations/{reservationId}/transfer", operation_id = "transferReservation",
    tag = "Reservations", params(("reservationId" = String, Path), CommandHeaders),
    request_body = contract::TransferRequest,
    responses(
        (status = 200, description = "It is that owner's", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_RESERVATION"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`: it has ended"),
    ))]
pub(super) async fn transfer(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::TransferRequest>,
) -> Result<Reply, Problem> {
    let reservation_id = path_own_reservation(&id)?;
    let mut fields = Fields::default();
    let owner = fields.take("/owner", OwnerId::parse(&request.value.owner));
    let command = fields.finish(owner.map(|owner| TransferReservation { reservation_id, owner }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Takes committed units off the books: they have left
///
/// Without a body all that is left of the reservation.
#[utoipa::path(post, path = "/v1/reservations/{reservationId}/consume", operation_id = "consumeReservation",
    tag = "Reservations", params(("reservationId" = String, Path), CommandHeaders),
    request_body = Option<contract::ConsumeRequest>,
    responses(
        (status = 200, description = "They have left", body = contract::Reservation,
            headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "INVALID_HEADER: with `lines`, an `Idempotency-Key` is needed"),
        (status = 404, description = "UNKNOWN_RESERVATION"),
        (status = 422, description = "UNKNOWN_LINE"),
        (status = 409, description = "LINE_HOLDS_LESS; NOT_ON_HAND; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn consume(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::ConsumeRequest>,
) -> Result<Reply, Problem> {
    let reservation_id = path_own_reservation(&id)?;
    let lines = request.value.and_then(|request| request.lines).map(parse_consumed).transpose()?;
    if lines.is_some() {
        call.require_key("consuming in part again would consume more, so it must say which request it is")?;
    }
    let command = Consume { reservation_id, lines };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// The command that `request` asks for; `at` is where it stands in the body.
pub(super) fn parse_reserve(request: &contract::ReserveRequest, at: Place) -> Result<Reserve, Problem> {
    let mut fields = Fields::default();
    let reservation_id = match &request.reservation_id {
        Some(id) => fields.take(format_args!("{at}/reservationId"), ReservationId::parse_of_client(id)),
        None => fields.take(format_args!("{at}/reservationId"), new_id()),
    };
    let ttl = match request.ttl_seconds {
        Some(seconds) => fields.take(format_args!("{at}/ttlSeconds"), ttl(seconds)),
        None => Some(TTL_DEFAULT),
    };
    let mut lines = Vec::with_capacity(request.lines.len());
    for (place, line) in request.lines.iter().enumerate() {
        lines.extend(parse_line(&mut fields, line, at, place));
    }
    let owner = fields.take_optional(format_args!("{at}/owner"), request.owner.as_deref().map(OwnerId::parse));
    let strategy = sourcing::strategy(&mut fields, at, request.strategy, request.destination);
    let (allow_partial, explain) = (request.allow_partial, request.explain);
    let reserve = |reservation_id| Reserve { reservation_id, lines, ttl, allow_partial, owner, strategy, explain };
    let command = reservation_id.map(reserve);
    fields.finish(command)
}

fn parse_line(fields: &mut Fields, line: &contract::ReserveLine, at: Place, place: usize) -> Option<ReserveLine> {
    let line_id = line_id(line.line_id.as_deref(), place);
    let line_id = fields.take(format_args!("{at}/lines/{place}/lineId"), line_id);
    let sku = fields.take(format_args!("{at}/lines/{place}/sku"), Sku::parse(&line.sku));
    let quantity = fields.take(format_args!("{at}/lines/{place}/quantity"), Quantity::parse(line.quantity));
    let location = line.location_id.as_deref().map(LocationId::parse);
    let location = fields.take_optional(format_args!("{at}/lines/{place}/locationId"), location);
    Some(ReserveLine { line_id: line_id?, sku: sku?, quantity: quantity?, location })
}

fn parse_consumed(lines: Vec<contract::ConsumeLine>) -> Result<Vec<(LineId, Quantity)>, Problem> {
    let mut fields = Fields::default();
    let mut parsed = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let quantity = fields.take(format_args!("/lines/{place}/quantity"), Quantity::parse(line.quantity));
        parsed.extend(line_id.zip(quantity));
    }
    fields.finish(Some(parsed))
}

fn ttl(seconds: i64) -> Result<Duration, &'static str> {
    let ttl = u64::try_from(seconds).ok().map(Duration::from_secs);
    ttl.filter(|ttl| !ttl.is_zero() && *ttl <= TTL_MAX).ok_or("is 1 to 604,800 seconds")
}

/// An id for a client that did not bring its own.
fn new_id() -> Result<ReservationId, crate::domain::ids::InvalidId> {
    ReservationId::parse(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

/// The answer of every command on a reservation.
fn changed(status: StatusCode, answered: Answered<ReservationAnswer>) -> Reply {
    let Answered { answer, token, version, replayed } = answered;
    let tag = tag(version, answer.reservation.state);
    let repeated = answer.repeated;
    Reply::json(status, &explained(answer)).etag(tag).token(&token).replayed(replayed || repeated)
}

/// An expiry changes what is read, and no version: it counts as a suffix.
pub(super) fn tag(version: Version, state: ReservationState) -> HeaderValue {
    etag(version, u64::from(state == ReservationState::Expired))
}

/// The reservation as the contract writes it, with the reasons for where it holds.
pub(super) fn explained(answer: ReservationAnswer) -> contract::Reservation {
    let sourcing = answer.sourcing.into_iter().map(sourcing::line).collect();
    contract::Reservation { sourcing, ..written(answer.reservation) }
}

/// The reservation as the contract writes it.
pub(super) fn written(view: ReservationView) -> contract::Reservation {
    contract::Reservation {
        reservation_id: view.reservation_id.as_str().to_owned(),
        state: state(view.state),
        expires_at: view.expires_at.map(cqrs::Timestamp::to_rfc3339),
        owner: view.owner.map(|owner| owner.as_str().to_owned()),
        lines: view.lines.into_iter().map(line).collect(),
        sourcing: Vec::new(),
    }
}

fn line(line: LineView) -> contract::ReservationLine {
    contract::ReservationLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        requested: line.requested,
        held: line.held,
        backordered: line.beyond,
        allocations: line.allocations.into_iter().map(allocation).collect(),
        consumed: line.consumed,
    }
}

pub(super) fn allocation(allocation: Allocation) -> contract::Allocation {
    contract::Allocation { location_id: allocation.location.as_str().to_owned(), quantity: allocation.quantity }
}

fn state(state: ReservationState) -> contract::ReservationState {
    match state {
        ReservationState::Held => contract::ReservationState::Held,
        ReservationState::PartiallyHeld => contract::ReservationState::PartiallyHeld,
        ReservationState::Confirmed => contract::ReservationState::Confirmed,
        ReservationState::PartiallyConsumed => contract::ReservationState::PartiallyConsumed,
        ReservationState::Consumed => contract::ReservationState::Consumed,
        ReservationState::Released => contract::ReservationState::Released,
        ReservationState::Expired => contract::ReservationState::Expired,
        ReservationState::Rejected => contract::ReservationState::Rejected,
    }
}
