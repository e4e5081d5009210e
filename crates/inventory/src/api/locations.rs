//! Locations: register, list, and what each of them holds.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, Params, PathParam, Problem, Reply};
use cqrs::{Answered, Dispatch, Inquire};

use super::Api;
use super::parse::{self, PageParams};
use crate::application::list_locations::ListLocations;
use crate::application::list_stock_at_location::ListStockAtLocation;
use crate::domain::ids::LocationId;
use crate::domain::location::register::{LocationAnswer, RegisterLocation};

/// Makes a location known
///
/// `main` is known from the start. The same request again gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/locations", operation_id = "registerLocation", tag = "Locations",
    params(CommandHeaders), request_body = contract::RegisterLocation,
    responses(
        (status = 201, description = "It is known", body = contract::Location,
            headers(("Idempotent-Replayed" = bool, description = "`true` if it was known before"))),
        (status = 409, description = "ID_CONFLICT: it is registered under another name"),
    ))]
pub(super) async fn register(
    State(api): Api,
    call: Call,
    request: Json<contract::RegisterLocation>,
) -> Result<Reply, Problem> {
    let contract::RegisterLocation { location_id, name } = request.value;
    let mut fields = Fields::default();
    let location = fields.take("/locationId", LocationId::parse(&location_id));
    let command = location.map(|location| RegisterLocation { location, name: name.map(Into::into) });
    let answered = api.commands.dispatch(call.envelope(fields.finish(command)?, &request.raw)).await?;
    let Answered { answer: LocationAnswer { location, name, repeated }, token, replayed, .. } = answered;
    let body = contract::Location {
        location_id: location.as_str().to_owned(),
        name: name.map(|name| name.as_ref().to_owned()),
    };
    Ok(Reply::json(StatusCode::CREATED, &body).token(&token).replayed(replayed || repeated))
}

/// Lists locations in the order of their ids
#[utoipa::path(get, path = "/v1/locations", operation_id = "listLocations", tag = "Locations",
    params(PageParams, QueryHeaders),
    responses((status = 200, description = "A part of all locations", body = contract::Page<contract::Location>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<PageParams>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let told = api.queries.ask(inquiry.ask(ListLocations { page: params.request()? })).await?;
    let page = parse::written(told.answer, |row| contract::Location {
        location_id: row.location.as_ref().to_owned(),
        name: row.name.as_deref().map(ToOwned::to_owned),
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Lists what a location holds, in the order of SKUs
///
/// Right within a second: a hold that has just ended may still count.
#[utoipa::path(get, path = "/v1/locations/{locationId}/stock", operation_id = "listStockAtLocation", tag = "Locations",
    params(("locationId" = String, Path), PageParams, QueryHeaders),
    responses((status = 200, description = "A part of what it holds; nothing if it is not known",
        body = contract::Page<contract::StockAtLocation>)))]
pub(super) async fn list_stock(
    State(api): Api,
    PathParam(location): PathParam<String>,
    Params(params): Params<PageParams>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let location = parse::path_location(&location)?;
    let query = ListStockAtLocation { location, prefix: None, page: params.request()? };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(told.answer, |row| contract::StockAtLocation {
        sku: row.sku.as_ref().to_owned(),
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
