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

/// `router` with the composed order; a path that it does not have is passed on to the context that answers for it elsewhere.
pub(crate) fn around(gateway: Gateway, router: Router) -> Router {
    let elsewhere = gateway.has_elsewhere();
    let state = Arc::new(gateway);
    let composed = Router::new()
        .route("/v1/orders/{orderId}", get(order::read))
        .route("/orders/{orderId}", get(order::read))
        .with_state(Arc::clone(&state));
    let router = router.merge(composed);
    if elsewhere { router.fallback_service(Router::new().fallback(pass_on).with_state(state)) } else { router }
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
    fn has_elsewhere(&self) -> bool {
        [&self.inventory, &self.fulfillment].into_iter().any(|peer| matches!(peer, Peer::There(_)))
    }

    /// Who answers for a path. Where both do (feeds, webhooks, dead letters), `?context=` says which.
    fn of(&self, path: &str, query: Option<&str>) -> &Peer {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or_default();
        let resource = if first == "v1" { parts.next().unwrap_or_default() } else { first };
        let asked = query.into_iter().flat_map(|query| query.split('&')).any(|pair| pair == "context=fulfillment");
        if asked || FULFILLMENT_PATHS.contains(&resource) { &self.fulfillment } else { &self.inventory }
    }
}
