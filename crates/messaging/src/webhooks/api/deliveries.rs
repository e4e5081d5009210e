//! Deliveries of webhooks: what was tried, and one event once more.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{QueryHeaders, RepeatHeaders};
use comanda_web::{Call, ContextPageParams, Inquiry, Json, List, Params, PathParam, Problem, Reply, page_limit};
use cqrs::{Dispatch, Inquire};

use super::super::domain::redeliver::Redeliver;
use super::super::list_deliveries::{DeliveryCursor, ListDeliveries, LoggedDelivery};
use super::super::problems;
use super::{Api, ContextParam, meant, parse};

/// Lists what a webhook was told, newest first
///
/// Every try with its answer, the failed ones as well.
#[utoipa::path(get, path = "/v1/webhooks/{webhookId}/deliveries", operation_id = "listWebhookDeliveries",
    tag = "Webhooks", params(("webhookId" = String, Path), ContextPageParams, QueryHeaders),
    responses(
        (status = 200, description = "A part of its deliveries", body = contract::Page<contract::WebhookDelivery>),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
    ))]
pub(super) async fn list(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(params): Params<ContextPageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, params.context.as_deref())?;
    let webhook = parse::in_path(&id)?;
    let after = params.cursor.as_deref().map(|cursor| list.place::<(u64, usize)>(cursor)).transpose()?;
    let after = after.map(|(version, place)| DeliveryCursor { version, place });
    let query = ListDeliveries { webhook: webhook.clone(), after, limit: page_limit(params.limit)? };
    let told = webhooks.queries.ask(inquiry.ask(query)).await?;
    let Some((deliveries, next)) = told.answer else { return Err(problems::unknown(&webhook)) };
    let next_cursor = next.map(|next| list.cursor(&(next.version, next.place))).transpose()?;
    let page = contract::Page { items: deliveries.into_iter().map(written).collect(), next_cursor };
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Sends one event to a webhook again
///
/// Once, out of order, and as soon as the breaker lets it through; `deliveries` says how that went.
#[utoipa::path(post, path = "/v1/webhooks/{webhookId}/redeliver", operation_id = "redeliverWebhook", tag = "Webhooks",
    params(("webhookId" = String, Path), ContextParam, RepeatHeaders), request_body = contract::RedeliverWebhook,
    responses(
        (status = 202, description = "It will be sent"),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
        (status = 409, description = "WEBHOOK_DISABLED; TOO_MANY_REDELIVERIES"),
    ))]
pub(super) async fn redeliver(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: Json<contract::RedeliverWebhook>,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let webhook = parse::in_path(&id)?;
    let event = parse::event_id(&request.value.event_id)?;
    let answered = webhooks.commands.dispatch(call.envelope(Redeliver { webhook, event }, &request.raw)).await?;
    webhooks.changed.send_replace(());
    Ok(Reply::empty(StatusCode::ACCEPTED).token(&answered.token).replayed(answered.replayed))
}

fn written(LoggedDelivery { attempt, redelivery }: LoggedDelivery) -> contract::WebhookDelivery {
    contract::WebhookDelivery {
        event_id: attempt.event.to_string(),
        kind: (*attempt.kind).to_owned(),
        attempt: attempt.number,
        redelivery,
        at: attempt.at.to_rfc3339(),
        succeeded: attempt.succeeded(),
        status_code: attempt.status,
        ms: attempt.ms,
        error: attempt.error.as_deref().map(ToOwned::to_owned),
    }
}
