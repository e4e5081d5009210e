//! The gateway: one address for both contexts, wherever they run, and the one answer that is put together from both.

mod order;
pub(crate) mod pass_on;
mod peer;

use std::sync::Arc;

use axum::Router;
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

/// What the gateway answers itself.
const COMPOSED: [&str; 2] = ["/v1/orders/{orderId}", "/orders/{orderId}"];

/// The order put together from both contexts.
pub(crate) fn composed(gateway: Gateway) -> Router {
    let routes = COMPOSED.iter().fold(Router::new(), |router, path| router.route(path, get(order::read)));
    routes.with_state(Arc::new(gateway))
}

fn unavailable(why: &str) -> Problem {
    Problem::new(CONTEXT_UNAVAILABLE, why)
}
