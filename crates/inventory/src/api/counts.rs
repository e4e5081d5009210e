//! Cycle counts: asked for, recorded, counted again, reviewed, applied, cancelled; read and listed.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, OptionalJson, Params, PathParam, Problem, Reply, etag,
};
use cqrs::{Answered, Dispatch, Inquire};
use serde::Deserialize;
use uuid::Uuid;

use super::parse::{self, path_count};
use super::{Api, Served, count_shapes as shapes, problems};
use crate::application::count_by_id::CountById;
use crate::application::list_counts::ListCounts;
use crate::application::skus_in_bins::SkusInBins;
use crate::domain::cycle_count::apply::ApplyCount;
use crate::domain::cycle_count::cancel::CancelCount;
use crate::domain::cycle_count::record::RecordCount;
use crate::domain::cycle_count::recount::Recount;
use crate::domain::cycle_count::request::RequestCount;
use crate::domain::cycle_count::review::ReviewCount;
use crate::domain::cycle_count::{CountAnswer, CycleCount, Scope};
use crate::domain::ids::{ActorId, Bin, CountId, LocationId, Sku};

/// Bins of one request.
const BINS_MAX: usize = 100;

const PATH: &str = "/v1/counts/";

/// Asks that units of SKUs at a location be counted
///
/// What the books say at this moment is kept with it, and not told to whoever counts.
#[utoipa::path(post, path = "/v1/counts", operation_id = "requestCount", tag = "Counts",
    params(CommandHeaders), request_body = contract::RequestCountRequest,
    responses(
        (status = 201, description = "It is to be counted", body = contract::Count, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was asked for before"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "ID_CONFLICT"),
    ))]
pub(super) async fn request(
    State(api): Api,
    call: Call,
    inquiry: Inquiry,
    request: Json<contract::RequestCountRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let mut command = parse_request(&call, request.value)?;
    if !command.scope.bins.is_empty() {
        let query = SkusInBins { location: command.location.clone(), bins: command.scope.bins.clone() };
        command.in_bins = api.queries.ask(inquiry.ask(query)).await?.answer;
    }
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let id = answered.answer.count_id.clone();
    Ok(changed(StatusCode::CREATED, answered).location(PATH, id.as_str()))
}

/// Says how many units were there
///
/// All units, whatever their condition and whoever they are promised to. The same number by the same person again changes
/// nothing; another number needs a recount.
#[utoipa::path(post, path = "/v1/counts/{countId}/record", operation_id = "recordCount", tag = "Counts",
    params(("countId" = String, Path), CommandHeaders), request_body = contract::RecordCountRequest,
    responses(
        (status = 200, description = "It is recorded", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_COUNT"),
        (status = 422, description = "NOT_IN_COUNT"),
        (status = 409, description = "COUNTED_ALREADY; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn record(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::RecordCountRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let count_id = path_count(&id)?;
    let mut fields = Fields::default();
    let by = actor(&mut fields, &call, request.value.by.as_deref());
    let mut counted = Vec::with_capacity(request.value.lines.len());
    for (place, line) in request.value.lines.iter().enumerate() {
        let sku = fields.take(format_args!("/lines/{place}/sku"), Sku::parse(&line.sku));
        counted.extend(sku.map(|sku| (sku, line.quantity)));
    }
    let command = fields.finish(by.map(|by| RecordCount { count_id, by, counted }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Asks that SKUs be counted once more
#[utoipa::path(post, path = "/v1/counts/{countId}/recount", operation_id = "recount", tag = "Counts",
    params(("countId" = String, Path), CommandHeaders), request_body = contract::RecountRequest,
    responses(
        (status = 200, description = "They are to be counted", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_COUNT"),
        (status = 422, description = "NOT_IN_COUNT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn recount(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::RecountRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let count_id = path_count(&id)?;
    let mut fields = Fields::default();
    let by = actor(&mut fields, &call, request.value.by.as_deref());
    let skus = request.value.skus.as_ref().map(|texts| skus(&mut fields, texts));
    if skus.as_ref().is_some_and(BTreeSet::is_empty) {
        fields.wrong("/skus", "is empty: name SKUs, or leave it out for all of them");
    }
    let command = fields.finish(by.map(|by| Recount { count_id, by, skus }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Finds the differences right
///
/// If one is beyond the tolerance, by somebody who did not count.
#[utoipa::path(post, path = "/v1/counts/{countId}/review", operation_id = "reviewCount", tag = "Counts",
    params(("countId" = String, Path), CommandHeaders), request_body = Option<contract::CountActRequest>,
    responses(
        (status = 200, description = "It is reviewed", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_COUNT"),
        (status = 409, description = "NEEDS_ANOTHER_REVIEWER with `expected` and `actual`; \
            WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn review(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::CountActRequest>,
) -> Result<Reply, Problem> {
    let count_id = path_count(&id)?;
    let mut fields = Fields::default();
    let said = request.value.unwrap_or_default();
    let by = actor(&mut fields, &call, said.by.as_deref());
    let command = fields.finish(by.map(|by| ReviewCount { count_id, by }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Lets the books follow the differences, all of them or none
///
/// By the difference found, so that what was sold or received since the count is counted once. Refused where less would be
/// left than is promised, and where the books were corrected since.
#[utoipa::path(post, path = "/v1/counts/{countId}/apply", operation_id = "applyCount", tag = "Counts",
    params(("countId" = String, Path), CommandHeaders), request_body = Option<contract::CountActRequest>,
    responses(
        (status = 200, description = "The books have followed", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_COUNT"),
        (status = 409, description = "STOCK_PROMISED; STOCK_OUT_OF_RANGE; UNITS_KEPT_UNSOLD; CORRECTED_SINCE with `expected` \
            and `actual`; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn apply(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::CountActRequest>,
) -> Result<Reply, Problem> {
    let count_id = path_count(&id)?;
    let mut fields = Fields::default();
    let said = request.value.unwrap_or_default();
    let by = actor(&mut fields, &call, said.by.as_deref());
    let command = fields.finish(by.map(|by| ApplyCount { count_id, by }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Gives a count up
#[utoipa::path(post, path = "/v1/counts/{countId}/cancel", operation_id = "cancelCount", tag = "Counts",
    params(("countId" = String, Path), CommandHeaders), request_body = Option<contract::CancelCountRequest>,
    responses(
        (status = 200, description = "Nothing follows from it", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_COUNT"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn cancel(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: OptionalJson<contract::CancelCountRequest>,
) -> Result<Reply, Problem> {
    let count_id = path_count(&id)?;
    let mut fields = Fields::default();
    let said = request.value.unwrap_or_default();
    let by = actor(&mut fields, &call, said.by.as_deref());
    let reason = said.reason.as_deref().map(Into::into);
    let command = fields.finish(by.map(|by| CancelCount { count_id, by, reason }))?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Reads a count as whoever counts may see it: without what the books expect
#[utoipa::path(get, path = "/v1/counts/{countId}", operation_id = "getCount", tag = "Counts",
    params(("countId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The count", body = contract::Count,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_COUNT"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    answer(&api, &path_count(&id)?, &inquiry, |id, count| Reply::json(StatusCode::OK, &shapes::count(id, count))).await
}

/// Reads what a count has found: for whoever reviews it
#[utoipa::path(get, path = "/v1/counts/{countId}/differences", operation_id = "getCountDifferences", tag = "Counts",
    params(("countId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Expected, booked and counted units, SKU by SKU", body = contract::CountDifferences,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_COUNT"),
    ))]
pub(super) async fn differences(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let written = |id: &CountId, count: &CycleCount| Reply::json(StatusCode::OK, &shapes::differences(id, count));
    answer(&api, &path_count(&id)?, &inquiry, written).await
}

/// Which counts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CountParams {
    /// Only counts in this state.
    state: Option<contract::CountState>,
    /// Only counts of this location.
    location_id: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists counts in the order of their ids
#[utoipa::path(get, path = "/v1/counts", operation_id = "listCounts", tag = "Counts", params(CountParams, QueryHeaders),
    responses((status = 200, description = "A part of all counts", body = contract::Page<contract::CountSummary>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<CountParams>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let location = parse::location(&mut fields, "?locationId", params.location_id.as_deref());
    let page = parse::page(params.limit, params.cursor.as_deref())?;
    let state = params.state.map(shapes::read_state);
    let query = fields.finish(Some(ListCounts { state, location, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    Ok(Reply::json(StatusCode::OK, &parse::written(told.answer, shapes::summary)?).token(&told.token))
}

async fn answer(
    api: &Served,
    id: &CountId,
    inquiry: &Inquiry,
    written: impl FnOnce(&CountId, &CycleCount) -> Reply,
) -> Result<Reply, Problem> {
    let told = api.queries.ask(inquiry.ask(CountById { count_id: id.clone() })).await?;
    let Some((count, version)) = told.answer else { return Err(problems::unknown_count(id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(written(id, &count).etag(tag).token(&told.token))
}

fn changed(status: StatusCode, answered: Answered<CountAnswer>) -> Reply {
    let Answered { answer: CountAnswer { count_id, count, repeated }, token, version, replayed } = answered;
    let body = shapes::count(&count_id, &count);
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || repeated)
}

fn parse_request(call: &Call, request: contract::RequestCountRequest) -> Result<RequestCount, Problem> {
    let mut fields = Fields::default();
    let count_id = match &request.count_id {
        Some(id) => CountId::parse(id),
        None => CountId::parse(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer())),
    };
    let count_id = fields.take("/countId", count_id);
    let location = parse::location(&mut fields, "/locationId", request.location_id.as_deref());
    let skus = skus(&mut fields, &request.skus);
    let mut bins = BTreeSet::new();
    for (place, bin) in request.bins.iter().enumerate() {
        bins.extend(fields.take(format_args!("/bins/{place}"), Bin::parse(bin)));
    }
    if bins.len() > BINS_MAX {
        fields.wrong("/bins", format_args!("has {} bins: name at most 100", bins.len()));
    }
    let by = actor(&mut fields, call, request.by.as_deref());
    let command = count_id.zip(by).map(|(count_id, by)| RequestCount {
        count_id,
        location: location.unwrap_or_else(LocationId::main),
        scope: Scope { skus, bins },
        in_bins: BTreeSet::new(),
        tolerance: request.tolerance.unwrap_or(0),
        by,
    });
    fields.finish(command)
}

fn skus(fields: &mut Fields, texts: &[String]) -> BTreeSet<Sku> {
    let parsed = texts.iter().enumerate();
    parsed.filter_map(|(place, text)| fields.take(format_args!("/skus/{place}"), Sku::parse(text))).collect()
}

/// Who does it: whoever the credential says. Only where nobody need be known is it what the body says.
fn actor(fields: &mut Fields, call: &Call, said: Option<&str>) -> Option<ActorId> {
    match (call.actor(), said) {
        (Some(known), said) if said.is_none_or(|said| said == known) => fields.take("/by", ActorId::parse(known)),
        (Some(known), Some(_)) => {
            fields.wrong("/by", format_args!("is not whom your credential names, which is {known}: leave it out"));
            None
        }
        (None, Some(said)) => fields.take("/by", ActorId::parse_of_client(said)),
        (_, None) => {
            fields.wrong("/by", "is missing: say who does it, as there is no credential that would");
            None
        }
    }
}
