//! Which scope a request needs: one table for all routes. What it does not name needs one by its method, so a new route is
//! never open by oversight.

use axum::http::Method;

use crate::caller::Scope;

/// Paths that anybody may read: whether the server lives, and how to talk to it.
const OPEN: [&str; 6] = ["/health", "/ready", "/openapi.json", "/asyncapi.json", "/docs", "/problems"];

/// Paths for those who see after the system.
const OPERATIONS: [&str; 4] = ["/metrics", "/v1/dead-letters", "/v1/webhooks", "/v1/projections"];

/// What a POST that only reads ends with.
const QUERY: &str = ":query";

/// The scope that a request needs; `None` if it needs no credential at all.
///
/// `path` may be a route's pattern just as well: patterns and paths begin and end alike.
#[must_use]
pub fn needed(method: &Method, path: &str) -> Option<Scope> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if OPERATIONS.iter().any(|root| is_under(path, root)) {
        Some(Scope::Operations)
    } else if reads && OPEN.iter().any(|root| is_under(path, root)) {
        None
    } else if reads || (*method == Method::POST && path.ends_with(QUERY)) {
        Some(Scope::Queries)
    } else {
        Some(Scope::Commands)
    }
}

/// Whether `path` is `root`, something below it (`/`) or something done to it (`:`).
fn is_under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_needs_its_scope() {
        for (method, path, scope) in [
            (Method::GET, "/health", None),
            (Method::HEAD, "/ready", None),
            (Method::GET, "/problems/overloaded", None),
            (Method::GET, "/openapi.json", None),
            (Method::GET, "/docs/swagger-ui.css", None),
            (Method::POST, "/docs", Some(Scope::Commands)),
            (Method::GET, "/v1/stock/{sku}", Some(Scope::Queries)),
            (Method::GET, "/v1/events", Some(Scope::Queries)),
            (Method::POST, "/v1/availability:query", Some(Scope::Queries)),
            (Method::DELETE, "/v1/availability:query", Some(Scope::Commands)),
            (Method::POST, "/v1/reservations", Some(Scope::Commands)),
            (Method::POST, "/v1/reservations:batch", Some(Scope::Commands)),
            (Method::PUT, "/health", Some(Scope::Commands)),
            (Method::OPTIONS, "/v1/skus", Some(Scope::Commands)),
            (Method::GET, "/healthy", Some(Scope::Queries)),
            (Method::GET, "/metrics", Some(Scope::Operations)),
            (Method::GET, "/v1/webhooks/w/deliveries", Some(Scope::Operations)),
            (Method::DELETE, "/v1/webhooks/w", Some(Scope::Operations)),
            (Method::POST, "/v1/dead-letters:retry", Some(Scope::Operations)),
            (Method::POST, "/v1/dead-letters:query", Some(Scope::Operations)),
            (Method::GET, "/v1/dead-letters-of-others", Some(Scope::Queries)),
        ] {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
    }
}
