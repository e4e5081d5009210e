//! Webhooks: register, list, read, change, delete.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, page_limit};
use cqrs::{Ask, Dispatch, Inquire};
use serde::Deserialize;

use super::super::by_id::WebhookById;
use super::super::domain::delete::Delete;
use super::super::domain::ids::{Kinds, WebhookId};
use super::super::domain::register::{Register, Registered};
use super::super::domain::update::Update;
use super::super::list::ListWebhooks;
use super::super::problems;
use super::super::workers::Webhooks;
use super::{Api, ContextParam, meant, parse};

const PATH: &str = "/v1/webhooks/";

/// Tells an address of contract events
///
/// From now on, or `fromStart`. Deliveries are signed as Standard Webhooks says; the secret is in this answer and in no other.
/// The same request under the same id again gives the same answer without it, marked `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "registerWebhook", tag = "Webhooks",
    params(ContextParam, CommandHeaders), request_body = contract::RegisterWebhook,
    responses(
        (status = 201, description = "It is told", body = contract::Webhook, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was registered before"))),
        (status = 409, description = "WEBHOOK_CONFLICT; TOO_MANY_WEBHOOKS"),
    ))]
pub(super) async fn register(
    State(api): Api,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: Json<contract::RegisterWebhook>,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let contract::RegisterWebhook { webhook_id, url, kinds, from_start } = request.value;
    let mut fields = Fields::default();
    let webhook = fields.take("/webhookId", WebhookId::parse(&webhook_id.unwrap_or_else(parse::new_id)));
    let url = parse::url(&mut fields, webhooks.settings.guard, &url);
    let kinds = fields.take("/kinds", Kinds::parse(&kinds));
    let (webhook, url, kinds) = fields.finish(webhook.zip(url).zip(kinds).map(|((w, u), k)| (w, u, k)))?;
    let cursor = if from_start { None } else { Some(now(webhooks).await?) };
    let command = Register { webhook: webhook.clone(), url, kinds, secret: parse::new_secret_id()?, cursor };
    let answered = webhooks.commands.dispatch(call.envelope(command, &request.raw)).await?;
    webhooks.changed.send_replace(());
    let Registered { endpoint, repeated } = answered.answer;
    let (at, pauses) = (webhooks.clock.now(), &webhooks.settings.pauses);
    let mut body = parse::written(webhook.as_str(), &endpoint, at, pauses);
    let newest = endpoint.secrets.first().filter(|_| !repeated);
    body.secret = newest.map(|secret| webhooks.key.secret(&webhook, &secret.id).reveal());
    Ok(Reply::json(StatusCode::CREATED, &body)
        .etag(parse::tag(answered.version, &endpoint, at, pauses))
        .location(PATH, webhook.as_str())
        .token(&answered.token)
        .replayed(answered.replayed || repeated))
}

/// Where the log ends now, as far as the views have read it.
async fn now(webhooks: &Webhooks) -> Result<Arc<str>, Problem> {
    let told = webhooks.queries.ask(Ask::new(ListWebhooks { enabled: None, after: None, limit: 1 })).await?;
    Ok(told.token.to_string().into())
}

/// Whose, and which of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WebhookListParams {
    /// The context that is meant; needed only where this address serves several.
    context: Option<String>,
    /// Only those that are enabled, or only those that are not.
    enabled: Option<bool>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists webhooks in the order of their ids
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "Webhooks",
    params(WebhookListParams, QueryHeaders),
    responses((status = 200, description = "A part of all webhooks", body = contract::Page<contract::Webhook>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<WebhookListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, params.context.as_deref())?;
    let after = params.cursor.as_deref().map(|cursor| list.place(cursor)).transpose()?;
    let query = ListWebhooks { enabled: params.enabled, after, limit: page_limit(params.limit)? };
    let told = webhooks.queries.ask(inquiry.ask(query)).await?;
    let page = told.answer;
    let written = |(id, endpoint): &(String, _)| parse::written(id, endpoint, page.at, &webhooks.settings.pauses);
    let items = page.webhooks.iter().map(written).collect();
    let next_cursor = page.next.map(|next| list.cursor(&next)).transpose()?;
    Ok(Reply::json(StatusCode::OK, &contract::Page { items, next_cursor }).token(&told.token))
}

/// Reads a webhook as it stands
#[utoipa::path(get, path = "/v1/webhooks/{webhookId}", operation_id = "getWebhook", tag = "Webhooks",
    params(("webhookId" = String, Path), ContextParam, ReadHeaders),
    responses(
        (status = 200, description = "The webhook", body = contract::Webhook,
            headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let webhook = parse::in_path(&id)?;
    let told = webhooks.queries.ask(inquiry.ask(WebhookById { webhook: webhook.clone() })).await?;
    let Some((endpoint, version, at)) = told.answer else { return Err(problems::unknown(&webhook)) };
    let pauses = &webhooks.settings.pauses;
    let tag = parse::tag(version, &endpoint, at, pauses);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let body = parse::written(webhook.as_str(), &endpoint, at, pauses);
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

/// Changes a webhook
///
/// What is given is changed, the rest stays. Enabled again it goes on where it stopped.
#[utoipa::path(patch, path = "/v1/webhooks/{webhookId}", operation_id = "updateWebhook", tag = "Webhooks",
    params(("webhookId" = String, Path), ContextParam, CommandHeaders), request_body = contract::UpdateWebhook,
    responses(
        (status = 200, description = "The webhook", body = contract::Webhook,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
    ))]
pub(super) async fn update(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: Json<contract::UpdateWebhook>,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let webhook = parse::in_path(&id)?;
    let contract::UpdateWebhook { url, kinds, enabled } = request.value;
    let mut fields = Fields::default();
    let url = url.and_then(|url| parse::url(&mut fields, webhooks.settings.guard, &url));
    let kinds = fields.take_optional("/kinds", kinds.as_deref().map(Kinds::parse));
    let now = now(webhooks).await?;
    let command = fields.finish(Some(Update { webhook: webhook.clone(), url, kinds, enabled, now }))?;
    let answered = webhooks.commands.dispatch(call.envelope(command, &request.raw)).await?;
    webhooks.changed.send_replace(());
    let (at, pauses) = (webhooks.clock.now(), &webhooks.settings.pauses);
    let body = parse::written(webhook.as_str(), &answered.answer, at, pauses);
    let tag = parse::tag(answered.version, &answered.answer, at, pauses);
    let reply = Reply::json(StatusCode::OK, &body).etag(tag);
    Ok(reply.token(&answered.token).replayed(answered.replayed))
}

/// Deletes a webhook
///
/// It is told nothing any more; its id stays taken.
#[utoipa::path(delete, path = "/v1/webhooks/{webhookId}", operation_id = "deleteWebhook", tag = "Webhooks",
    params(("webhookId" = String, Path), ContextParam, CommandHeaders),
    responses(
        (status = 204, description = "It is deleted, or was before"),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
    ))]
pub(super) async fn delete(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let command = Delete { webhook: parse::in_path(&id)? };
    let answered = webhooks.commands.dispatch(call.envelope(command, b"")).await?;
    webhooks.changed.send_replace(());
    Ok(Reply::empty(StatusCode::NO_CONTENT).token(&answered.token).replayed(answered.replayed))
}
