//! Shipments over HTTP: planned, read, listed, dispatched, tracked, voided, booked again.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders, one_of};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, List, Nothing, OptionalJson, Params, PathParam, Problem, Reply,
    etag,
};
use cqrs::{Answered, Dispatch as _, Inquire, Timestamp};
use serde::Deserialize;
use utoipa::openapi::Object;

use super::leaving_problems::unknown_shipment;
use super::{Api, parse};
use crate::application::shipments::{ListShipments, ShipmentById};
use crate::domain::ids::{CarrierId, LineId, LocationId, OrderId, ShipmentId};
use crate::domain::shipment::dispatch::Dispatch;
use crate::domain::shipment::plan::{PlanLine, PlanShipment, ShipmentAnswer};
use crate::domain::shipment::rebook::Rebook;
use crate::domain::shipment::track::Track;
use crate::domain::shipment::void::VoidShipment;
use crate::domain::shipment::{News, Shipment, ShipmentStatus, Tracked};

/// Plans a shipment of units that are ready to leave
///
/// Its carrier is asked from then on, until it takes the shipment or refuses: `GET` says how far that is. The same id with
/// the same body gives the same success again.
#[utoipa::path(post, path = "/v1/shipments", operation_id = "planShipment", tag = "Shipments",
    params(CommandHeaders), request_body = contract::PlanShipmentRequest,
    responses(
        (status = 202, description = "It is planned", body = contract::ShipmentAccepted, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was planned before"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409,
            description = "NOTHING_READY; ORDER_LINE_HAS_LESS; SEVERAL_LOCATIONS; ID_CONFLICT; TOO_MANY_SHIPMENTS"),
    ))]
pub(super) async fn plan(
    State(api): Api,
    call: Call,
    request: Json<contract::PlanShipmentRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_plan(&request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let id = answered.answer.shipment_id.clone();
    Ok(changed(StatusCode::ACCEPTED, answered).location("/v1/shipments/", id.as_str()))
}

/// Reads a shipment as it stands
#[utoipa::path(get, path = "/v1/shipments/{shipmentId}", operation_id = "getShipment", tag = "Shipments",
    params(("shipmentId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The shipment", body = contract::Shipment,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_SHIPMENT"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let shipment_id = path_shipment(&id)?;
    let told = api.queries.ask(inquiry.ask(ShipmentById { shipment_id: shipment_id.clone() })).await?;
    let Some((shipment, version)) = told.answer else { return Err(unknown_shipment(&shipment_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(shipment_id.as_str(), &shipment)).etag(tag).token(&told.token))
}

/// Which shipments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShipmentListParams {
    /// Only those that are there, such as `BOOKING_UNKNOWN`.
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
    one_of(ShipmentStatus::ALL.iter().map(|status| status.as_str()))
}

/// Lists shipments, the oldest first
#[utoipa::path(get, path = "/v1/shipments", operation_id = "listShipments", tag = "Shipments",
    params(ShipmentListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::Shipment>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ShipmentListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let named = |text: &str| parse::status(text, &ShipmentStatus::ALL, ShipmentStatus::as_str);
    let status = params.status.as_deref().map(named);
    let status = fields.take_optional("?status", status);
    let order_id = fields.take_optional("?orderId", params.order_id.as_deref().map(OrderId::parse));
    let query = fields.finish(Some(ListShipments { status, order_id, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| written(&row.shipment_id, &row.shipment))?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Lets a booked shipment leave
#[utoipa::path(post, path = "/v1/shipments/{shipmentId}/dispatch", operation_id = "dispatchShipment", tag = "Shipments",
    params(("shipmentId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It has left", body = contract::ShipmentAccepted),
        (status = 404, description = "UNKNOWN_SHIPMENT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn dispatch(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = Dispatch { shipment_id: path_shipment(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// Takes news of a shipment from its carrier
///
/// News may come twice, late and out of order: told twice under one `eventId`, it counts once.
#[utoipa::path(post, path = "/v1/shipments/{shipmentId}/tracking", operation_id = "trackShipment", tag = "Shipments",
    params(("shipmentId" = String, Path), CommandHeaders), request_body = contract::TrackShipmentRequest,
    responses(
        (status = 200, description = "It is recorded", body = contract::ShipmentAccepted),
        (status = 404, description = "UNKNOWN_SHIPMENT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`; ID_CONFLICT; TOO_MUCH_NEWS"),
    ))]
pub(super) async fn track(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::TrackShipmentRequest>,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let happened_at = Timestamp::parse_rfc3339(&request.value.happened_at);
    let happened_at = fields.take("/happenedAt", happened_at.ok_or("is no RFC 3339 instant"));
    let news = match request.value.status {
        contract::ShipmentNews::InTransit => News::InTransit,
        contract::ShipmentNews::Delivered => News::Delivered,
        contract::ShipmentNews::DeliveryFailed => News::DeliveryFailed,
    };
    let (event_id, text) = (request.value.event_id.into(), request.value.text.map(Into::into));
    let tracked = fields.finish(happened_at.map(|happened_at| Tracked { event_id, news, text, happened_at }))?;
    let command = Track { shipment_id: path_shipment(&id)?, tracked };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Gives a shipment up that has not left
///
/// Its units can be planned anew, and a carrier that expects it is told.
#[utoipa::path(post, path = "/v1/shipments/{shipmentId}/void", operation_id = "voidShipment", tag = "Shipments",
    params(("shipmentId" = String, Path), CommandHeaders), request_body = Option<contract::VoidShipmentRequest>,
    responses(
        (status = 200, description = "It is void", body = contract::ShipmentAccepted),
        (status = 404, description = "UNKNOWN_SHIPMENT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn void(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::VoidShipmentRequest>,
) -> Result<Reply, Problem> {
    let reason = request.value.unwrap_or_default().reason.map(Into::into);
    let command = VoidShipment { shipment_id: path_shipment(&id)?, reason };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Asks a carrier again that has refused a shipment
#[utoipa::path(post, path = "/v1/shipments/{shipmentId}/rebook", operation_id = "rebookShipment", tag = "Shipments",
    params(("shipmentId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It is asked, or takes it already", body = contract::ShipmentAccepted),
        (status = 404, description = "UNKNOWN_SHIPMENT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn rebook(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = Rebook { shipment_id: path_shipment(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

fn path_shipment(text: &str) -> Result<ShipmentId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{shipmentId}", ShipmentId::parse(text));
    fields.finish(id)
}

fn parse_plan(request: &contract::PlanShipmentRequest) -> Result<PlanShipment, Problem> {
    let mut fields = Fields::default();
    let shipment_id = fields.take("/shipmentId", ShipmentId::parse(&request.shipment_id));
    let order_id = fields.take("/orderId", OrderId::parse(&request.order_id));
    let carrier = fields.take("/carrier", CarrierId::parse(&request.carrier));
    let from = fields.take_optional("/locationId", request.location_id.as_deref().map(LocationId::parse));
    let mut lines = Vec::new();
    for (place, line) in request.lines.iter().flatten().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let quantity = parse::quantity(&mut fields, format_args!("/lines/{place}/quantity"), line.quantity);
        lines.extend(line_id.zip(quantity).map(|(line_id, quantity)| PlanLine { line_id, quantity }));
    }
    let packages = request.packages.unwrap_or(1);
    let named = shipment_id.zip(order_id).zip(carrier);
    fields.finish(named.map(|((shipment_id, order_id), carrier)| PlanShipment {
        shipment_id,
        order_id,
        carrier,
        lines,
        from,
        packages,
    }))
}

fn changed(status: StatusCode, answered: Answered<ShipmentAnswer>) -> Reply {
    let Answered { answer, token, version, replayed } = answered;
    let body = contract::ShipmentAccepted {
        shipment_id: answer.shipment_id.as_str().to_owned(),
        status: answer.status.as_str().to_owned(),
    };
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || answer.repeated)
}

/// A shipment as the contract writes it.
fn written(id: &str, shipment: &Shipment) -> contract::Shipment {
    let planned = shipment.planned();
    let lines = planned.map(|planned| &*planned.lines).unwrap_or_default().iter();
    contract::Shipment {
        shipment_id: id.to_owned(),
        order_id: planned.map(|planned| planned.order_id.as_str().to_owned()).unwrap_or_default(),
        status: shipment.status().as_str().to_owned(),
        carrier: planned.map(|planned| planned.carrier.as_str().to_owned()).unwrap_or_default(),
        tracking_number: shipment.tracking_number().map(ToOwned::to_owned),
        packages: planned.map(|planned| planned.packages).unwrap_or_default(),
        lines: lines
            .map(|at| contract::ShipmentLine {
                line_id: at.line_id.as_str().to_owned(),
                quantity: at.quantity,
                location_id: at.location.as_str().to_owned(),
            })
            .collect(),
        planned_at: planned.map(|planned| planned.planned_at).unwrap_or_default().to_rfc3339(),
        attempts: shipment.attempt(),
        next_contact_at: shipment.work_at().map(Timestamp::to_rfc3339),
        reason: shipment.reason().map(ToOwned::to_owned),
        tracking: shipment.tracked().iter().map(news).collect(),
    }
}

fn news(tracked: &Tracked) -> contract::TrackingEntry {
    contract::TrackingEntry {
        event_id: tracked.event_id.as_ref().to_owned(),
        status: match tracked.news {
            News::InTransit => contract::ShipmentNews::InTransit,
            News::Delivered => contract::ShipmentNews::Delivered,
            News::DeliveryFailed => contract::ShipmentNews::DeliveryFailed,
        },
        happened_at: tracked.happened_at.to_rfc3339(),
        text: tracked.text.as_deref().map(ToOwned::to_owned),
    }
}
