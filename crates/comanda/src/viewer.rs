//! `/docs`: the OpenAPI document as pages to read and try, with nothing loaded from anywhere else.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use comanda_web::{Problem, kinds};
use utoipa_swagger_ui::{Config, serve};

/// The pages may load what is beside them, and nothing else. The viewer sets styles on its own elements, and its icons
/// stand in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Viewer = State<Arc<Config<'static>>>;

/// The viewer's pages.
pub(crate) fn router() -> Router {
    // Without a validator: it would tell a server of others where this one is.
    let config = Config::from("/openapi.json").validator_url("none").deep_linking(true);
    Router::new()
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|viewer: Viewer| async move { page(&viewer, "index.html") }))
        .route("/docs/{*file}", get(|viewer: Viewer, Path(file): Path<String>| async move { page(&viewer, &file) }))
        .with_state(Arc::new(config))
}

fn page(State(config): &Viewer, file: &str) -> Response {
    match serve(file, Arc::clone(config)) {
        Ok(Some(found)) => {
            let headers = [
                (CONTENT_TYPE, found.content_type.as_str()),
                (CONTENT_SECURITY_POLICY, POLICY),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (CACHE_CONTROL, "max-age=3600"),
            ];
            (headers, found.bytes.into_owned()).into_response()
        }
        Ok(None) => Problem::new(kinds::NOT_FOUND, format!("The viewer has no file {file}.")).into_response(),
        Err(why) => Problem::internal(&format!("the viewer's file {file}: {why}")).into_response(),
    }
}
