//! The gateway: one address for both contexts, wherever they run, and the one answer that is put together from both.

mod order;
mod peer;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
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
    // A route for all that is left, not a fallback: the edge has a fallback of its own, which would win.
    let rest = Router::new().route("/{*rest}", any(pass_on)).with_state(Arc::clone(&state));
    if elsewhere { router.merge(rest).layer(from_fn_with_state(state, asked_for)) } else { router }
}

/// Passes on what names a context that runs elsewhere, though this process has the path for its own.
async fn asked_for(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    match gateway.named(request.uri().query()) {
        Some(peer @ Peer::There(_)) => forwarded(peer, request).await,
        _ => next.run(request).await,
    }
}

async fn pass_on(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    forwarded(gateway.of(request.uri().path()), request).await
}

async fn forwarded(peer: &Peer, request: Request) -> Response {
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

    /// Who answers for a path that one context alone has.
    fn of(&self, path: &str) -> &Peer {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or_default();
        let resource = if first == "v1" { parts.next().unwrap_or_default() } else { first };
        if FULFILLMENT_PATHS.contains(&resource) { &self.fulfillment } else { &self.inventory }
    }

    /// Whom a query names, on paths that both contexts have (feeds, webhooks, dead letters).
    fn named(&self, query: Option<&str>) -> Option<&Peer> {
        let name = query?.split('&').find_map(|pair| pair.strip_prefix("context="))?;
        match name {
            "inventory" => Some(&self.inventory),
            "fulfillment" => Some(&self.fulfillment),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use comanda_web::{EdgeLimits, edge};
    use tower::ServiceExt;

    use super::*;

    /// A gateway with Fulfillment in it, and Inventory in another process.
    async fn gateway() -> Router {
        let there = Router::new().fallback(async || "there");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, there).await });
        let here = Router::new().route("/v1/events", get(async || "here")).route("/v1/waves", get(async || "here"));
        let peers = Gateway { inventory: Peer::there("inventory", at), fulfillment: Peer::Here(here.clone()) };
        edge(around(peers, here), EdgeLimits::default())
    }

    async fn ask(router: &Router, method: &str, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_path_of_the_other_process_is_passed_on_through_the_edge() {
        let router = gateway().await;
        assert_eq!(ask(&router, "POST", "/v1/skus").await, (StatusCode::OK, "there".to_owned()));
        assert_eq!(ask(&router, "GET", "/v1/waves").await.1, "here");
        assert_eq!(ask(&router, "POST", "/v1/waves").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn where_both_have_a_path_the_context_named_answers() {
        let router = gateway().await;
        assert_eq!(ask(&router, "GET", "/v1/events?context=inventory&limit=1").await.1, "there");
        assert_eq!(ask(&router, "GET", "/v1/events?context=fulfillment").await.1, "here");
    }
}
