//! The gateway: one address for both contexts, wherever they run, and the one answer that is put together from both.

mod order;
mod peer;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use comanda_web::Problem;

pub(crate) use peer::Peer;

comanda_web::kinds! {
    CONTEXT_UNAVAILABLE = 503, "context-unavailable", "A part of the system cannot be reached",
        "The context that answers for this path runs in another process, which does not answer. Try again a little later.";
}

/// Where each context is reached.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) inventory: Peer,
    pub(crate) fulfillment: Peer,
}

/// What starts the paths that Fulfillment answers for; all others are Inventory's.
const FULFILLMENT_PATHS: &[&str] =
    &["orders", "backorders", "late-orders", "demand", "pick-lists", "waves", "packages", "shipments", "returns"];

/// The composed order, and every other path passed on to the context that answers for it.
pub(crate) fn router(gateway: Gateway) -> Router {
    let composed = get(order::read).fallback(pass_on);
    Router::new()
        .route("/v1/orders/{orderId}", composed.clone())
        .route("/orders/{orderId}", composed)
        .fallback(pass_on)
        .with_state(Arc::new(gateway))
}

async fn pass_on(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let peer = gateway.of(request.uri().path(), request.uri().query());
    match peer.forward(request).await {
        Ok(response) => response,
        Err(why) => unavailable(&why).into_response(),
    }
}

fn unavailable(why: &str) -> Problem {
    Problem::new(CONTEXT_UNAVAILABLE, why)
}

impl Gateway {
    /// Who answers for a path. Where both do (feeds, webhooks, dead letters), `?context=` says which.
    fn of(&self, path: &str, query: Option<&str>) -> &Peer {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or_default();
        let resource = if first == "v1" { parts.next().unwrap_or_default() } else { first };
        let asked = query.into_iter().flat_map(|query| query.split('&')).any(|pair| pair == "context=fulfillment");
        if asked || FULFILLMENT_PATHS.contains(&resource) { &self.fulfillment } else { &self.inventory }
    }
}
