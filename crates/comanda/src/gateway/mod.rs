//! The gateway: one address for both contexts, wherever they run, and the one answer that is put together from both.

mod order;
mod peer;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use comanda_web::{Problem, kinds};

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

/// What starts the paths that both contexts answer for: `?context=` says which.
const SHARED_PATHS: &[&str] = &["events", "webhooks", "dead-letters"];

/// `router` with the composed order; a path that it does not have is passed on to the context that answers for it elsewhere.
pub(crate) fn around(gateway: Gateway, router: Router) -> Router {
    let elsewhere = gateway.has_elsewhere();
    let state = Arc::new(gateway);
    let composed = Router::new()
        .route("/v1/orders/{orderId}", get(order::read))
        .route("/orders/{orderId}", get(order::read))
        .with_state(Arc::clone(&state));
    let router = router.merge(composed);
    if !elsewhere {
        return router;
    }
    // A route and no fallback: what stands around all routes has a fallback of its own.
    let others = Router::new().route("/{*path}", any(pass_on)).with_state(Arc::clone(&state));
    router.layer(from_fn_with_state(state, asked_of)).merge(others)
}

async fn pass_on(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    match gateway.of(request.uri().path(), request.uri().query()) {
        // It would have been found here.
        Peer::Here(_) => {
            Problem::new(kinds::NOT_FOUND, "No resource has this path: see `/openapi.json`.").into_response()
        }
        there => forward(there, request).await,
    }
}

/// Passes on what asks with `?context=` for a context that is elsewhere, though the path is here too.
async fn asked_of(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    match gateway.asked(resource(request.uri().path()), request.uri().query()) {
        Some(there @ Peer::There(_)) => forward(there, request).await,
        _ => next.run(request).await,
    }
}

async fn forward(peer: &Peer, request: Request) -> Response {
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

    /// Who answers for a path.
    fn of(&self, path: &str, query: Option<&str>) -> &Peer {
        let resource = resource(path);
        let whose = if FULFILLMENT_PATHS.contains(&resource) { &self.fulfillment } else { &self.inventory };
        self.asked(resource, query).unwrap_or(whose)
    }

    /// The context that `?context=` names, where both answer.
    fn asked(&self, resource: &str, query: Option<&str>) -> Option<&Peer> {
        let mut pairs = query.filter(|_| SHARED_PATHS.contains(&resource))?.split('&');
        pairs.find_map(|pair| match pair {
            "context=inventory" => Some(&self.inventory),
            "context=fulfillment" => Some(&self.fulfillment),
            _ => None,
        })
    }
}

/// What starts a path, behind its version.
fn resource(path: &str) -> &str {
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    parts.next().unwrap_or_default()
}
