//! Waves: release, read, list.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, etag};
use cqrs::{Dispatch, Inquire, InvalidId};
use serde::Deserialize;
use uuid::Uuid;

use super::{Api, parse, problems};
use crate::application::waves::{BOARD_MAX, FoundWave, ListWaves, Progress, WaveById};
use crate::domain::ids::{LocationId, WaveId};
use crate::domain::pick_list::PickListId;
use crate::domain::wave::batch::Stop;
use crate::domain::wave::release::ReleaseWave;
use crate::domain::wave::{LeftOut, ReleasedWave};

/// Gives pick lists of one location to the floor together
///
/// A list that cannot be released is left out and named; the others go. The same id with the same lists gives the same
/// answer again.
#[utoipa::path(post, path = "/v1/waves", operation_id = "releaseWave", tag = "Waves",
    params(CommandHeaders), request_body = contract::ReleaseWaveRequest,
    responses(
        (status = 201, description = "It is released", body = contract::WaveReleased, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was released before"))),
        (status = 409, description = "ID_CONFLICT: another wave has this id; NOTHING_TO_PICK: none of the lists can go"),
    ))]
pub(super) async fn release(
    State(api): Api,
    call: Call,
    request: Json<contract::ReleaseWaveRequest>,
) -> Result<Reply, Problem> {
    let command = parse_release(&request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let answer = answered.answer;
    let body = contract::WaveReleased {
        wave_id: answer.wave_id.as_str().to_owned(),
        pick_list_ids: answer.lists.iter().map(ToString::to_string).collect(),
        left_out: left_out(&answer.left_out),
    };
    let reply = Reply::json(StatusCode::CREATED, &body).etag(etag(answered.version, 0)).token(&answered.token);
    Ok(reply.location("/v1/waves/", answer.wave_id.as_str()).replayed(answered.replayed || answer.repeated))
}

/// Reads a wave: how far it has come, and what is to be picked
///
/// One stop for each SKU and bin, in the order of the route, with the total and whose units they are.
#[utoipa::path(get, path = "/v1/waves/{waveId}", operation_id = "getWave", tag = "Waves",
    params(("waveId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The wave", body = contract::Wave,
            headers(("ETag" = String, description = "Made of its content"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_WAVE"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let wave_id = fields.take("{waveId}", WaveId::parse(&id));
    let wave_id = fields.finish(wave_id)?;
    let told = api.queries.ask(inquiry.ask(WaveById { wave_id: wave_id.clone() })).await?;
    let Some(found) = told.answer else {
        return Err(Problem::new(problems::UNKNOWN_WAVE, format!("Wave {wave_id} does not exist.")));
    };
    Ok(inquiry.by_content(&wave(&found)).token(&told.token))
}

/// Which waves.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaveParams {
    /// Only those of this location.
    location: Option<String>,
    /// At most so many items, 1 to 20; 20 unless given.
    #[param(minimum = 1, maximum = 20, default = 20)]
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists waves with how far each has come, the latest first
#[utoipa::path(get, path = "/v1/waves", operation_id = "listWaves", tag = "Waves",
    params(WaveParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::WaveSummary>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<WaveParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let most = i64::try_from(BOARD_MAX).unwrap_or(i64::MAX);
    let page = parse::page(list, Some(params.limit.unwrap_or(most)), params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let location = fields.take_optional("?location", params.location.as_deref().map(LocationId::parse));
    let query = fields.finish(Some(ListWaves { location, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let item = |(row, progress): (crate::read_models::waves::WaveRow, Progress)| {
        summary(&row.wave_id, &row.released, progress)
    };
    let page = parse::written(list, told.answer, item)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

fn parse_release(request: &contract::ReleaseWaveRequest) -> Result<ReleaseWave, Problem> {
    let mut fields = Fields::default();
    let wave_id = fields.take("/waveId", request.wave_id.as_deref().map_or_else(new_id, WaveId::parse));
    let location = fields.take("/locationId", LocationId::parse(&request.location_id));
    let mut lists = Vec::with_capacity(request.pick_list_ids.len());
    for (place, id) in request.pick_list_ids.iter().enumerate() {
        lists.extend(fields.take(format_args!("/pickListIds/{place}"), PickListId::parse(id)));
    }
    fields.finish(wave_id.zip(location).map(|(wave_id, location)| ReleaseWave { wave_id, location, lists }))
}

/// An id for a client that did not bring its own.
fn new_id() -> Result<WaveId, InvalidId> {
    WaveId::parse(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

fn wave(found: &FoundWave) -> contract::Wave {
    contract::Wave {
        summary: summary(&found.wave_id, &found.released, found.progress),
        left_out: left_out(&found.released.left_out),
        stops: found.stops.iter().map(stop).collect(),
    }
}

fn left_out(lists: &[LeftOut]) -> Vec<contract::LeftOutOfWave> {
    let lists = lists.iter().map(|left_out| contract::LeftOutOfWave {
        pick_list_id: left_out.list.to_string(),
        reason: left_out.reason.as_str().to_owned(),
    });
    lists.collect()
}

fn summary(wave_id: &WaveId, released: &ReleasedWave, progress: Progress) -> contract::WaveSummary {
    contract::WaveSummary {
        wave_id: wave_id.as_str().to_owned(),
        location_id: released.location.as_str().to_owned(),
        status: progress.status().as_str().to_owned(),
        released_at: released.released_at.to_rfc3339(),
        released: progress.released,
        in_progress: progress.in_progress,
        completed: progress.completed,
        cancelled: progress.cancelled,
        quantity: progress.quantity,
        picked: progress.picked,
        short: progress.short,
    }
}

fn stop(stop: &Stop) -> contract::WaveStop {
    let split = stop.split.iter().map(|(list, task)| contract::WaveShare {
        pick_list_id: list.to_string(),
        task_id: task.line_id.as_str().to_owned(),
        quantity: task.quantity,
        open: task.open(),
    });
    contract::WaveStop {
        sku: stop.sku.as_str().to_owned(),
        bin: stop.bin.as_ref().map(|bin| bin.as_str().to_owned()),
        quantity: stop.quantity,
        open: stop.open(),
        split: split.collect(),
    }
}
