//! The HTTP interface of webhooks: `/v1/webhooks`, for every context that is served at one address.

mod deliveries;
mod endpoints;
mod parse;
mod secrets;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use comanda_web::{Problem, kinds};
use serde::Deserialize;
use utoipa::OpenApi;

use super::problems;
use super::workers::Webhooks;

type Api = State<Arc<Served>>;

/// The contexts whose webhooks are served at this address.
struct Served(Vec<Arc<Webhooks>>);

impl Served {
    /// The webhooks of `context`, which may be left out where there is only one.
    fn of(&self, context: Option<&str>) -> Result<&Webhooks, Problem> {
        let named = |webhooks: &&Arc<Webhooks>| context.is_none_or(|context| webhooks.context() == context);
        let mut found = self.0.iter().filter(named);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            _ => {
                let names: Vec<_> = self.0.iter().map(|webhooks| webhooks.context()).collect();
                let detail = format!("must be one of: {}", names.join(", "));
                Err(Problem::at(kinds::INVALID_PARAMETER, "?context", detail))
            }
        }
    }
}

/// Whose webhooks are meant.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContextParam {
    /// The context whose events are told; needed only where this address serves several.
    context: Option<String>,
}

/// Whose, and which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// The context whose events are told; needed only where this address serves several.
    context: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Every route of webhooks. Put [`comanda_web::edge`] around what is served.
pub fn router(contexts: Vec<Arc<Webhooks>>) -> Router {
    Router::new()
        .route("/v1/webhooks", post(endpoints::register).get(endpoints::list))
        .route("/v1/webhooks/{webhookId}", get(endpoints::read).patch(endpoints::update).delete(endpoints::delete))
        .route("/v1/webhooks/{webhookId}/rotate-secret", post(secrets::rotate))
        .route("/v1/webhooks/{webhookId}/deliveries", get(deliveries::list))
        .route("/v1/webhooks/{webhookId}/redeliver", post(deliveries::redeliver))
        .with_state(Arc::new(Served(contexts)))
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
