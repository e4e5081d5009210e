//! The HTTP interface of webhooks: `/v1/webhooks` of one context.

mod deliveries;
mod endpoints;
mod parse;
mod secrets;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use comanda_web::{ContextParam, Problem, is_meant, kinds};
use utoipa::OpenApi;

use super::problems;
use super::workers::Webhooks;

type Api = State<Arc<Webhooks>>;

/// The webhooks, if `context` names no other context than theirs.
///
/// # Errors
/// 400 naming the context that is served here.
fn meant<'a>(webhooks: &'a Webhooks, context: Option<&str>) -> Result<&'a Webhooks, Problem> {
    is_meant(context, webhooks.context()).map(|()| webhooks)
}

/// Every route of a context's webhooks. Put [`comanda_web::edge`] around what is served.
pub fn router(webhooks: Arc<Webhooks>) -> Router {
    Router::new()
        .route("/v1/webhooks", post(endpoints::register).get(endpoints::list))
        .route("/v1/webhooks/{webhookId}", get(endpoints::read).patch(endpoints::update).delete(endpoints::delete))
        .route("/v1/webhooks/{webhookId}/rotate-secret", post(secrets::rotate))
        .route("/v1/webhooks/{webhookId}/deliveries", get(deliveries::list))
        .route("/v1/webhooks/{webhookId}/redeliver", post(deliveries::redeliver))
        .with_state(webhooks)
}

/// The description of every route, made from the code.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = Description::openapi();
    let kinds: Vec<_> = kinds::ALL.iter().chain(problems::ALL).copied().collect();
    comanda_web::openapi::complete(&mut api, &kinds);
    api
}

#[derive(OpenApi)]
#[openapi(
    paths(
        endpoints::register, endpoints::list, endpoints::read, endpoints::update, endpoints::delete,
        secrets::rotate, deliveries::list, deliveries::redeliver,
    ),
    tags((name = "Webhooks", description = "Addresses that are told of contract events.")),
)]
struct Description;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_code_declared_once() {
        let json = serde_json::to_value(openapi()).unwrap();
        let mut operations = Vec::new();
        for (path, item) in json["paths"].as_object().unwrap() {
            operations.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
        }
        operations.sort_unstable();
        assert_eq!(
            operations,
            [
                "delete /v1/webhooks/{webhookId}",
                "get /v1/webhooks",
                "get /v1/webhooks/{webhookId}",
                "get /v1/webhooks/{webhookId}/deliveries",
                "patch /v1/webhooks/{webhookId}",
                "post /v1/webhooks",
                "post /v1/webhooks/{webhookId}/redeliver",
                "post /v1/webhooks/{webhookId}/rotate-secret",
            ]
        );
        let mut codes: Vec<_> = problems::ALL.iter().chain(kinds::ALL).map(|kind| kind.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for kind in problems::ALL {
            assert_eq!(kind.uri, format!("/problems/{}", kind.code.to_lowercase().replace('_', "-")));
        }
    }
}
