//! Paths that every context has for itself (events, webhooks, dead letters, projections): `?context=` says whose are meant.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use comanda_web::{Caller, Problem, kinds};
use tower::ServiceExt;

/// The routes of each context, by its name.
type Routers = Arc<Vec<(&'static str, Router)>>;

/// Serves `paths`, each with the methods it has, by whichever of `routers` is asked for. Where there is one only, nobody need say so.
pub(crate) fn router(paths: &[(String, MethodFilter)], mut routers: Vec<(&'static str, Router)>) -> Router {
    if routers.len() < 2 {
        return routers.pop().map(|(_, only)| only).unwrap_or_default();
    }
    let all = paths.iter().fold(Router::new(), |all, (path, methods)| all.route(path, on(*methods, chosen)));
    all.with_state(Arc::new(routers))
}

async fn chosen(State(routers): State<Routers>, mut request: Request) -> Response {
    let mut pairs = request.uri().query().unwrap_or_default().split('&');
    let asked = pairs.find_map(|pair| pair.strip_prefix("context="));
    let Some((_, router)) = routers.iter().find(|(name, _)| Some(*name) == asked) else {
        let names = routers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let detail = format!("must be one of those served here: {names}");
        return Problem::at(kinds::INVALID_PARAMETER, "?context", detail).into_response();
    };
    // What this path's pattern has found would be counted among what the context's own pattern finds.
    let caller = request.extensions_mut().remove::<Arc<Caller>>();
    request.extensions_mut().clear();
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
