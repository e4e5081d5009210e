//! `/v1/dead-letters` of one context: which events had no effect here, and why; to be tried again, or given up.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use comanda_contracts as contract;
use cqrs::{
    DeadLetter, DeadLetterById, DeadLetterDesk, DeadLetterId, DeadLetters, DeskError, InboxRejection, Inquire,
    RETRY_ALL_MAX, Retried,
};
use serde::Deserialize;
use utoipa::OpenApi;

use crate::call::{Call, Inquiry};
use crate::context_param::{ContextParam, is_meant};
use crate::fields::Fields;
use crate::json::{Json, Nothing, OptionalJson};
use crate::openapi::{CommandHeaders, QueryHeaders};
use crate::page::{Params, decode_cursor, encode_cursor, page_limit};
use crate::path::PathParam;
use crate::problem::Problem;
use crate::reply::Reply;

crate::kinds! {
    UNKNOWN_DEAD_LETTER = 404, "unknown-dead-letter", "No such event waits",
        "No event of this name waits in an inbox: it never did, had its effect meanwhile, or was discarded.";
    NOT_FIRST = 409, "not-first", "Another event of its key waits before it",
        "Events of one key have their effect in order. Retry or discard first the one that the detail names.";
    NO_REACTION = 409, "no-reaction", "Nothing reacts to it any more",
        "This version has no such consumer. The event can only be discarded.";
}

type Desk = State<Arc<DeadLetterDesk>>;

/// Whose, which, and what part of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// The context that is meant; needed only where this address serves several.
    context: Option<String>,
    /// Only those of this consumer.
    consumer: Option<String>,
    /// Only events of this type.
    kind: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Every route of a context's dead letters. Put [`edge`](crate::edge) around what is served.
pub fn router(desk: DeadLetterDesk) -> Router {
    Router::new()
        .route("/v1/dead-letters", get(list))
        .route("/v1/dead-letters:retry", post(retry_all))
        .route("/v1/dead-letters/{deadLetterId}", get(read))
        .route("/v1/dead-letters/{deadLetterId}/retry", post(retry))
        .route("/v1/dead-letters/{deadLetterId}/discard", post(discard))
        .with_state(Arc::new(desk))
}

/// The description of every route: merge it into the document, then [`complete`](crate::openapi::complete).
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(list, read, retry, retry_all, discard),
    tags((name = "Dead letters", description = "Events of the other context that had no effect here."))
)]
struct Description;

/// Lists dead letters
///
/// Those of one key stand in the order they must pass in. `dead` says whether somebody has to look: the others are still
/// tried again by themselves.
#[utoipa::path(get, path = "/v1/dead-letters", operation_id = "listDeadLetters", tag = "Dead letters",
    params(ListParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::DeadLetter>)))]
async fn list(State(desk): Desk, Params(params): Params<ListParams>, inquiry: Inquiry) -> Result<Reply, Problem> {
    is_meant(params.context.as_deref(), desk.context())?;
    let after = params.cursor.as_deref().map(decode_cursor).transpose()?;
    let limit = page_limit(params.limit)?;
    let query = DeadLetters { consumer: params.consumer, kind: params.kind, after, limit };
    let told = desk.queries().ask(inquiry.ask(query)).await?;
    let items = told.answer.letters.iter().map(written).collect::<Result<_, _>>()?;
    let next_cursor = told.answer.next.map(|next| encode_cursor(&next)).transpose()?;
    Ok(Reply::json(StatusCode::OK, &contract::Page { items, next_cursor }).token(&told.token))
}

/// Reads a dead letter
#[utoipa::path(get, path = "/v1/dead-letters/{deadLetterId}", operation_id = "getDeadLetter", tag = "Dead letters",
    params(("deadLetterId" = String, Path), ContextParam, QueryHeaders),
    responses(
        (status = 200, description = "It waits", body = contract::DeadLetter),
        (status = 404, description = "UNKNOWN_DEAD_LETTER"),
    ))]
async fn read(
    State(desk): Desk,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    let id = in_path(&id)?;
    let told = desk.queries().ask(inquiry.ask(DeadLetterById { id: id.clone() })).await?;
    let letter = told.answer.ok_or_else(|| unknown(&id))?;
    Ok(Reply::json(StatusCode::OK, &written(&letter)?).token(&told.token))
}

/// Tries a dead letter again
///
/// Those of its key that wait behind it follow by themselves once it has passed.
#[utoipa::path(post, path = "/v1/dead-letters/{deadLetterId}/retry", operation_id = "retryDeadLetter",
    tag = "Dead letters", params(("deadLetterId" = String, Path), ContextParam, CommandHeaders),
    responses(
        (status = 200, description = "What became of it", body = contract::RetriedDeadLetter),
        (status = 404, description = "UNKNOWN_DEAD_LETTER"),
        (status = 409, description = "NOT_FIRST; NO_REACTION"),
    ))]
async fn retry(
    State(desk): Desk,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    let answered = desk.retry(call.envelope(in_path(&id)?, &request.raw)).await?;
    let body = match answered.answer {
        Retried::Passed => contract::RetriedDeadLetter { passed: true, cause: None, dead: None },
        Retried::Failed { cause, dead } => {
            contract::RetriedDeadLetter { passed: false, cause: Some((*cause).to_owned()), dead: Some(dead) }
        }
    };
    Ok(Reply::json(StatusCode::OK, &body).token(&answered.token).replayed(answered.replayed))
}

/// Tries all dead letters again, or those of one type
///
/// Those of one key in their order, until one fails. At most 1,000 in one request.
#[utoipa::path(post, path = "/v1/dead-letters:retry", operation_id = "retryDeadLetters", tag = "Dead letters",
    params(ContextParam), request_body = Option<contract::RetryDeadLetters>,
    responses((status = 200, description = "What became of them", body = contract::RetriedDeadLetters)))]
async fn retry_all(
    State(desk): Desk,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: OptionalJson<contract::RetryDeadLetters>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    let kind = request.value.unwrap_or_default().kind;
    let metadata = call.envelope((), &request.raw).metadata;
    let done = desk.retry_all(kind.as_deref(), RETRY_ALL_MAX, &metadata).await?;
    let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
    let body = contract::RetriedDeadLetters {
        passed: count(done.passed),
        failed: count(done.failed),
        behind: count(done.behind),
        more: done.more,
    };
    Ok(Reply::json(StatusCode::OK, &body))
}

/// Gives a dead letter up
///
/// It will have no effect. Those of its key that wait behind it follow by themselves.
#[utoipa::path(post, path = "/v1/dead-letters/{deadLetterId}/discard", operation_id = "discardDeadLetter",
    tag = "Dead letters", params(("deadLetterId" = String, Path), ContextParam, CommandHeaders),
    request_body = contract::DiscardDeadLetter,
    responses(
        (status = 204, description = "It is given up"),
        (status = 404, description = "UNKNOWN_DEAD_LETTER"),
    ))]
async fn discard(
    State(desk): Desk,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: Json<contract::DiscardDeadLetter>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    let asked = (in_path(&id)?, request.value.reason.into());
    let answered = desk.discard(call.envelope(asked, &request.raw)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(answered.replayed))
}

fn in_path(text: &str) -> Result<DeadLetterId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{deadLetterId}", text.parse::<DeadLetterId>());
    fields.finish(id)
}

fn written(letter: &DeadLetter) -> Result<contract::DeadLetter, Problem> {
    let (parked, message) = (&letter.parked, &letter.parked.message);
    let event = serde_json::to_value(&**message).and_then(serde_json::from_value);
    let event = event.map_err(|why| Problem::internal(&format!("a dead letter cannot be written: {why}")))?;
    Ok(contract::DeadLetter {
        dead_letter_id: letter.id().to_string(),
        consumer: (*letter.consumer).to_owned(),
        source: (*message.source).to_owned(),
        kind: (*message.kind).to_owned(),
        key: (*message.key).to_owned(),
        subject: (*message.subject).to_owned(),
        cause: (*parked.cause).to_owned(),
        attempts: parked.attempts,
        dead: parked.dead,
        since: parked.since.to_rfc3339(),
        event,
    })
}

fn unknown(id: &DeadLetterId) -> Problem {
    Problem::new(UNKNOWN_DEAD_LETTER, format!("No event {id} waits."))
}

impl From<InboxRejection> for Problem {
    fn from(rejection: InboxRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            InboxRejection::NotParked { .. } => Self::new(UNKNOWN_DEAD_LETTER, detail),
            InboxRejection::NotFirst { .. } => Self::new(NOT_FIRST, detail),
            // Only consumers get these.
            InboxRejection::Moved { .. } | InboxRejection::ForeignLog { .. } | InboxRejection::Full => {
                Self::internal(&detail)
            }
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NoReaction { .. } => Self::new(NO_REACTION, error.to_string()),
            DeskError::Query(why) => why.into(),
            DeskError::Command(why) => why.into(),
        }
    }
}
