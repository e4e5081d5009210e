//! Pick lists: read, list, release, pick, and what was not there.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders, one_of};
use comanda_web::{Call, Fields, Inquiry, List, Nothing, OptionalJson, Params, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch, Inquire};
use serde::Deserialize;
use utoipa::openapi::Object;

use super::parse::{self, path_order};
use super::warehouse_problems::unknown_pick_list;
use super::{Api, problems, written};
use crate::application::list_pick_lists::ListPickLists;
use crate::application::pick_list_by_id::{FoundPickList, PickListById, PickListsOfOrder};
use crate::domain::ids::{LineId, LocationId, Quantity, WaveId};
use crate::domain::order::Priority;
use crate::domain::pick_list::pick_task::PickUnits;
use crate::domain::pick_list::release::{PickListAnswer, ReleasePickList};
use crate::domain::pick_list::short_task::MissUnits;
use crate::domain::pick_list::{PickListId, PickListStatus, PickTask};
use crate::read_models::pick_lists::PickListEntry;

/// Which pick lists.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PickListParams {
    /// Only those of this location.
    location: Option<String>,
    /// Only those that are there: `DRAFT`, `RELEASED`, `IN_PROGRESS`, `COMPLETED` or `CANCELLED`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Only those of this wave.
    wave: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

fn statuses() -> Object {
    one_of(PickListStatus::ALL.iter().map(|status| status.as_str()))
}

/// Lists pick lists, the most urgent first
///
/// By service level, then promise, then age; those of orders on hold come last.
#[utoipa::path(get, path = "/v1/pick-lists", operation_id = "listPickLists", tag = "Picking",
    params(PickListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::PickListSummary>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<PickListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let told = api.queries.ask(inquiry.ask(params.query(list)?)).await?;
    let page = parse::written(list, told.answer, summary)?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Reads a pick list as it stands
///
/// Its tasks are in the order of the route. What its order has cancelled meanwhile is not among them.
#[utoipa::path(get, path = "/v1/pick-lists/{pickListId}", operation_id = "getPickList", tag = "Picking",
    params(("pickListId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The list", body = contract::PickList,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_PICK_LIST"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let id = path_list(&id)?;
    let told = api.queries.ask(inquiry.ask(PickListById { id: id.clone() })).await?;
    let Some(found) = told.answer else { return Err(unknown_pick_list(&id)) };
    let tag = etag(found.version, found.order_version);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &pick_list(&found)).etag(tag).token(&told.token))
}

/// Reads all that is picked for an order
///
/// There is something to pick as soon as units are reserved.
#[utoipa::path(get, path = "/v1/orders/{orderId}/pick-list", operation_id = "getPickListOfOrder", tag = "Picking",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its pick lists", body = contract::OrderPickLists,
            headers(("ETag" = String, description = "Made of its content"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "NOTHING_TO_PICK: nothing is reserved for it"),
    ))]
pub(super) async fn read_of_order(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let order_id = path_order(&id)?;
    let told = api.queries.ask(inquiry.ask(PickListsOfOrder { order_id: order_id.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_order(&order_id)) };
    let status = found.status.as_str().to_owned();
    if found.lists.is_empty() {
        let detail = format!("Order {order_id} is {status}: nothing is reserved for it.");
        return Err(Problem::new(problems::NOTHING_TO_PICK, detail).with(|problem| problem.state = Some(status)));
    }
    let pick_lists = found.lists.iter().map(pick_list).collect();
    let body = contract::OrderPickLists { order_id: order_id.as_str().to_owned(), status, pick_lists };
    Ok(inquiry.by_content(&body).token(&told.token))
}

/// Reads all that is picked for an order
#[utoipa::path(get, path = "/orders/{orderId}/pick-list", operation_id = "shortGetPickListOfOrder", tag = "Short paths",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its pick lists", body = contract::OrderPickLists,
            headers(("ETag" = String, description = "Made of its content"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "NOTHING_TO_PICK: nothing is reserved for it"),
    ))]
pub(super) async fn short_read_of_order(api: Api, id: PathParam<String>, inquiry: Inquiry) -> Result<Reply, Problem> {
    read_of_order(api, id, inquiry).await
}

/// Gives a pick list to the floor
#[utoipa::path(post, path = "/v1/pick-lists/{pickListId}/release", operation_id = "releasePickList", tag = "Picking",
    params(("pickListId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It is released", body = contract::PickListAnswer, headers(
            ("ETag" = String, description = "Its version"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was released before"))),
        (status = 404, description = "UNKNOWN_PICK_LIST"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`: of the list, or of an order on hold"),
    ))]
pub(super) async fn release(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = ReleasePickList { id: path_list(&id)? };
    Ok(changed(api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// Says how many units of a task are picked
///
/// In all, not since the last request: saying it again, or late, picks nothing twice. Without a body, all of them.
#[utoipa::path(post, path = "/v1/pick-lists/{pickListId}/tasks/{taskId}/pick", operation_id = "pickTask", tag = "Picking",
    params(("pickListId" = String, Path), ("taskId" = String, Path), CommandHeaders),
    request_body = Option<contract::PickRequest>,
    responses(
        (status = 200, description = "They are picked", body = contract::PickListAnswer, headers(
            ("ETag" = String, description = "The list's version"),
            ("Idempotent-Replayed" = bool, description = "`true` if they were picked before"))),
        (status = 404, description = "UNKNOWN_PICK_LIST; UNKNOWN_PICK_TASK"),
        (status = 409, description = "PICK_TASK_HAS_LESS; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn pick(
    State(api): Api,
    PathParam(path): PathParam<(String, String)>,
    call: Call,
    request: OptionalJson<contract::PickRequest>,
) -> Result<Reply, Problem> {
    let (id, task, quantity) = parse_task(&path, request.value.unwrap_or_default())?;
    let command = PickUnits { id, task, quantity };
    Ok(changed(api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Says how many units of a task are not there
///
/// In all, not since the last request. They are given back to Inventory and asked for at other locations; where nobody has
/// them, the order's policy decides. Without a body, all that is still to be picked.
#[utoipa::path(post, path = "/v1/pick-lists/{pickListId}/tasks/{taskId}/short", operation_id = "shortTask", tag = "Picking",
    params(("pickListId" = String, Path), ("taskId" = String, Path), CommandHeaders),
    request_body = Option<contract::PickRequest>,
    responses(
        (status = 200, description = "It is recorded", body = contract::PickListAnswer, headers(
            ("ETag" = String, description = "The list's version"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was recorded before"))),
        (status = 404, description = "UNKNOWN_PICK_LIST; UNKNOWN_PICK_TASK"),
        (status = 409, description = "PICK_TASK_HAS_LESS; WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn miss(
    State(api): Api,
    PathParam(path): PathParam<(String, String)>,
    call: Call,
    request: OptionalJson<contract::PickRequest>,
) -> Result<Reply, Problem> {
    let (id, task, quantity) = parse_task(&path, request.value.unwrap_or_default())?;
    let command = MissUnits { id, task, quantity };
    Ok(changed(api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

impl PickListParams {
    fn query(self, list: List) -> Result<ListPickLists, Problem> {
        let page = parse::page(list, self.limit, self.cursor.as_deref())?;
        let mut fields = Fields::default();
        let location = fields.take_optional("?location", self.location.as_deref().map(LocationId::parse));
        let named = |text: &str| parse::status(text, &PickListStatus::ALL, PickListStatus::as_str);
        let status = fields.take_optional("?status", self.status.as_deref().map(named));
        let wave = fields.take_optional("?wave", self.wave.as_deref().map(WaveId::parse));
        fields.finish(Some(ListPickLists { location, status, wave, page }))
    }
}

fn path_list(text: &str) -> Result<PickListId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{pickListId}", PickListId::parse(text));
    fields.finish(id)
}

fn parse_task(
    (list, task): &(String, String),
    request: contract::PickRequest,
) -> Result<(PickListId, LineId, Option<Quantity>), Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{pickListId}", PickListId::parse(list));
    let task = fields.take("{taskId}", LineId::parse(task));
    let quantity = request.quantity.and_then(|units| parse::quantity(&mut fields, "/quantity", units));
    fields.finish(id.zip(task).map(|(id, task)| (id, task, quantity)))
}

fn changed(answered: Answered<PickListAnswer>) -> Reply {
    let Answered { answer, token, version, replayed } = answered;
    let body = contract::PickListAnswer {
        pick_list_id: answer.id.to_string(),
        status: answer.status.as_str().to_owned(),
        open: answer.open,
    };
    Reply::json(StatusCode::OK, &body).etag(etag(version, 0)).token(&token).replayed(replayed || answer.repeated)
}

fn pick_list(found: &FoundPickList) -> contract::PickList {
    let placed = found.order.placed();
    let release = found.list.release();
    contract::PickList {
        pick_list_id: found.id.to_string(),
        order_id: found.id.order_id.as_str().to_owned(),
        location_id: found.id.location.as_str().to_owned(),
        status: found.work.status.as_str().to_owned(),
        priority: written::priority(placed.map_or(Priority::default(), |placed| placed.priority)),
        promised_at: placed.and_then(|placed| placed.promised_at).map(cqrs::Timestamp::to_rfc3339),
        placed_at: placed.map(|placed| placed.placed_at).unwrap_or_default().to_rfc3339(),
        on_hold: found.order.on_hold().is_some(),
        wave_id: release.and_then(|release| release.wave.as_ref()).map(|wave| wave.as_str().to_owned()),
        released_at: release.map(|release| release.released_at.to_rfc3339()),
        tasks: found.work.tasks.iter().map(task).collect(),
    }
}

fn task(task: &PickTask) -> contract::PickTask {
    contract::PickTask {
        task_id: task.line_id.as_str().to_owned(),
        state: task.state().as_str().to_owned(),
        sku: task.sku.as_str().to_owned(),
        bin: task.bin.as_ref().map(|bin| bin.as_str().to_owned()),
        quantity: task.quantity,
        picked: task.picked,
        short: task.short,
        open: task.open(),
        put_back: task.put_back,
    }
}

fn summary(entry: PickListEntry) -> contract::PickListSummary {
    let work = entry.work();
    let tasks = work.as_ref().map(|work| &*work.tasks).unwrap_or_default();
    let sum = |count: fn(&PickTask) -> i64| tasks.iter().map(count).sum();
    contract::PickListSummary {
        pick_list_id: entry.id.to_string(),
        order_id: entry.id.order_id.as_str().to_owned(),
        location_id: entry.id.location.as_str().to_owned(),
        status: work.as_ref().map_or(PickListStatus::Cancelled, |work| work.status).as_str().to_owned(),
        priority: written::priority(entry.urgency.priority),
        promised_at: entry.urgency.promised_at.map(cqrs::Timestamp::to_rfc3339),
        placed_at: entry.urgency.placed_at.to_rfc3339(),
        on_hold: entry.urgency.on_hold,
        wave_id: entry.list.release().and_then(|release| release.wave.as_ref()).map(|wave| wave.as_str().to_owned()),
        tasks: i64::try_from(tasks.len()).unwrap_or(i64::MAX),
        quantity: sum(|task| task.quantity),
        open: sum(PickTask::open),
    }
}
