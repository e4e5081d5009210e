//! Secrets of webhooks: a new one, told once.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::CommandHeaders;
use comanda_web::{Call, Fields, OptionalJson, Params, PathParam, Problem, Reply};
use cqrs::Dispatch;

use super::super::domain::rotate_secret::{RotateSecret, Rotated};
use super::{Api, ContextParam, meant, parse};

/// Gives a webhook a new secret
///
/// It is in this answer and in no other. Deliveries are signed with the old secrets as well until `overlapSeconds` are over.
#[utoipa::path(post, path = "/v1/webhooks/{webhookId}/rotate-secret", operation_id = "rotateWebhookSecret",
    tag = "Webhooks", params(("webhookId" = String, Path), ContextParam, CommandHeaders),
    request_body = Option<contract::RotateWebhookSecret>,
    responses(
        (status = 200, description = "The new secret", body = contract::WebhookSecret),
        (status = 404, description = "UNKNOWN_WEBHOOK"),
    ))]
pub(super) async fn rotate(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    call: Call,
    request: OptionalJson<contract::RotateWebhookSecret>,
) -> Result<Reply, Problem> {
    let webhooks = meant(&api, context.as_deref())?;
    let webhook = parse::in_path(&id)?;
    let mut fields = Fields::default();
    let overlap = parse::overlap(&mut fields, request.value.unwrap_or_default().overlap_seconds);
    let overlap = fields.finish(overlap)?;
    let command = RotateSecret { webhook: webhook.clone(), secret: parse::new_secret_id()?, overlap };
    let answered = webhooks.commands.dispatch(call.envelope(command, &request.raw)).await?;
    webhooks.changed.send_replace(());
    let Rotated(secret) = answered.answer;
    let body = contract::WebhookSecret {
        secret_id: secret.as_str().to_owned(),
        secret: webhooks.key.secret(&webhook, &secret).reveal(),
    };
    Ok(Reply::json(StatusCode::OK, &body).token(&answered.token).replayed(answered.replayed))
}
