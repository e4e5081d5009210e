//! Locations: register, change, list, and what each of them holds.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch, Inquire};
use serde::Deserialize;

use super::parse::{self, SkuPageParams};
use super::{Api, problems, sourcing};
use crate::application::list_capacity::ListCapacity;
use crate::application::list_locations::{ListLocations, LocationById};
use crate::application::list_stock_at_location::ListStockAtLocation;
use crate::domain::ids::LocationId;
use crate::domain::location::register::{LocationAnswer, RegisterLocation};
use crate::domain::location::update::UpdateLocation;
use crate::domain::location::{Coordinates, LocationDetails};

const PATH: &str = "/v1/locations/";

/// Makes a location known
///
/// `main` is known from the start. The same request again gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/locations", operation_id = "registerLocation", tag = "Locations",
    params(CommandHeaders), request_body = contract::RegisterLocation,
    responses(
        (status = 201, description = "It is known", body = contract::Location,
            headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was known before"))),
        (status = 409, description = "ID_CONFLICT: it is registered with other details"),
    ))]
pub(super) async fn register(
    State(api): Api,
    call: Call,
    request: Json<contract::RegisterLocation>,
) -> Result<Reply, Problem> {
    let contract::RegisterLocation { location_id, name, priority, coordinates } = request.value;
    let mut fields = Fields::default();
    let location = fields.take("/locationId", LocationId::parse(&location_id));
    let coordinates = fields.take_optional("/coordinates", coordinates.map(sourcing::coordinates));
    let details = LocationDetails { name: name.map(Into::into), priority, coordinates };
    let command = fields.finish(location.map(|location| RegisterLocation { location, details }))?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let id = answered.answer.location.clone();
    Ok(written(StatusCode::CREATED, answered).location(PATH, id.as_str()))
}

/// Reads a location
#[utoipa::path(get, path = "/v1/locations/{locationId}", operation_id = "getLocation", tag = "Locations",
    params(("locationId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The location", body = contract::Location,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_LOCATION"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(location): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let location = parse::path_location(&location)?;
    let told = api.queries.ask(inquiry.ask(LocationById { location: location.clone() })).await?;
    let Some((details, version)) = told.answer else { return Err(problems::unknown_location(&location)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &described(location.as_str(), &details)).etag(tag).token(&told.token))
}

/// Changes a location's name, its priority or where it is
///
/// `main` can be changed without having been registered. What is held where stays as it is.
#[utoipa::path(patch, path = "/v1/locations/{locationId}", operation_id = "updateLocation", tag = "Locations",
    params(("locationId" = String, Path), CommandHeaders), request_body = contract::UpdateLocation,
    responses(
        (status = 200, description = "It is so now", body = contract::Location,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_LOCATION"),
    ))]
pub(super) async fn update(
    State(api): Api,
    PathParam(location): PathParam<String>,
    call: Call,
    request: Json<contract::UpdateLocation>,
) -> Result<Reply, Problem> {
    let location = parse::path_location(&location)?;
    let contract::UpdateLocation { name, priority, coordinates } = request.value;
    let mut fields = Fields::default();
    let coordinates = fields.take_optional("/coordinates", coordinates.map(sourcing::coordinates));
    let command = UpdateLocation { location, name: name.map(Into::into), priority, coordinates };
    let command = fields.finish(Some(command))?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    Ok(written(StatusCode::OK, answered))
}

fn written(status: StatusCode, answered: Answered<LocationAnswer>) -> Reply {
    let Answered { answer: LocationAnswer { location, details, repeated }, token, version, replayed } = answered;
    let body = described(location.as_str(), &details);
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || repeated)
}

fn described(location: &str, details: &LocationDetails) -> contract::Location {
    let place = |here: Coordinates| contract::Coordinates { latitude: here.latitude(), longitude: here.longitude() };
    contract::Location {
        location_id: location.to_owned(),
        name: details.name.as_deref().map(ToOwned::to_owned),
        priority: details.priority,
        coordinates: details.coordinates.map(place),
    }
}

/// Which locations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LocationListParams {
    /// Only locations whose ids start so.
    location_id_prefix: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists locations in the order of their ids
#[utoipa::path(get, path = "/v1/locations", operation_id = "listLocations", tag = "Locations",
    params(LocationListParams, QueryHeaders),
    responses((status = 200, description = "A part of all locations", body = contract::Page<contract::Location>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<LocationListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let prefix = params.location_id_prefix;
    fields.take_optional("?locationIdPrefix", prefix.as_deref().map(LocationId::parse));
    let query = fields.finish(Some(ListLocations { prefix, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| described(&row.location, &row.details))?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Lists what a location holds, in the order of SKUs
///
/// Right within a second: a hold that has just ended may still count.
#[utoipa::path(get, path = "/v1/locations/{locationId}/stock", operation_id = "listStockAtLocation", tag = "Locations",
    params(("locationId" = String, Path), SkuPageParams, QueryHeaders),
    responses((status = 200, description = "A part of what it holds; nothing if it is not known",
        body = contract::Page<contract::StockAtLocation>)))]
pub(super) async fn list_stock(
    State(api): Api,
    PathParam(location): PathParam<String>,
    Params(params): Params<SkuPageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let location = parse::path_location(&location)?;
    let page = params.request(list)?;
    let query = ListStockAtLocation { location, prefix: parse::prefix(params.sku_prefix)?, page };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| contract::StockAtLocation {
        sku: row.sku.as_str().to_owned(),
        location_id: row.location.as_str().to_owned(),
        on_hand: row.level.on_hand,
        reserved: row.level.reserved,
        committed: row.level.committed,
        damaged: row.level.damaged,
        quality_control: row.level.quality_control,
        available: row.level.free(),
        bin: row.bin.as_ref().map(|bin| bin.as_str().to_owned()),
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Whose capacity.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CapacityParams {
    /// Only this location's.
    location_id: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists the capacity of locations, in the order of their ids
///
/// What each holds over all SKUs; one that never held anything is left out. Right within a second: a hold that has just ended
/// may still count.
#[utoipa::path(get, path = "/v1/capacity", operation_id = "listCapacity", tag = "Locations",
    params(CapacityParams, QueryHeaders),
    responses((status = 200, description = "A part of all locations", body = contract::Page<contract::Capacity>)))]
pub(super) async fn list_capacity(
    State(api): Api,
    Params(params): Params<CapacityParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let location = parse::location(&mut fields, "?locationId", params.location_id.as_deref());
    let location = fields.finish(Some(location))?;
    let told = api.queries.ask(inquiry.ask(ListCapacity { location, page })).await?;
    let page = parse::written(list, told.answer, |row| contract::Capacity {
        location_id: row.location.as_str().to_owned(),
        on_hand: row.level.on_hand,
        reserved: row.level.reserved,
        committed: row.level.committed,
        damaged: row.level.damaged,
        quality_control: row.level.quality_control,
        available: row.level.free(),
        incoming: row.incoming,
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}
