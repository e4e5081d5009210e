//! The edge: what applies to every request, put around a whole router as one layer.
//!
//! One layer and not many, because each layer costs every request an allocation or two. In order: header limits,
//! correlation, then the handler under a deadline and a panic guard, then the metrics.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Sleep;
use tower::{Layer, Service};

use crate::correlation::Correlation;
use crate::feed;
use crate::kinds;
use crate::metrics::RouteMetrics;
use crate::problem::Problem;

/// The bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct EdgeLimits {
    /// A request not answered by then is given up. One to [`feed::PATH`] has [`feed::WAIT_MAX`] more: it may ask to wait.
    pub deadline: Duration,
    /// The bytes of all header names and values together.
    pub header_bytes_max: usize,
    /// The bytes of the request target.
    pub uri_bytes_max: usize,
}

impl Default for EdgeLimits {
    /// 30 s, 16 KiB, 8 KiB.
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), header_bytes_max: 16 * 1024, uri_bytes_max: 8 * 1024 }
    }
}

/// `router` with everything that applies to every request. The metrics recorder must be installed before the first one.
pub fn edge(router: Router, limits: EdgeLimits) -> Router {
    edge_around(refusing(router), limits)
}

/// As [`edge`], around a router that says itself what it refuses.
pub(crate) fn edge_around(router: Router, limits: EdgeLimits) -> Router {
    router
        // Resolved once here: without it every request would put the layers around its handler anew.
        .with_state(())
        .layer(EdgeLayer { limits })
}

/// `router` that answers a problem to a path or a method it does not have, and to OPTIONS which methods a path has.
///
/// [`edge`] sees to it for a whole server; a router that is asked by a handler of another one needs it for itself.
pub fn refusing(router: Router) -> Router {
    router
        .fallback(async || Problem::new(kinds::NOT_FOUND, "No resource has this path: see `/openapi.json`."))
        // The router adds `Allow` to what this answers.
        .method_not_allowed_fallback(async |method: Method| {
            if method == Method::OPTIONS {
                return StatusCode::NO_CONTENT.into_response();
            }
            let detail = format!("{method} is not possible here: `Allow` says what is.");
            Problem::new(kinds::METHOD_NOT_ALLOWED, detail).into_response()
        })
}

#[derive(Clone, Copy)]
struct EdgeLayer {
    limits: EdgeLimits,
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, limits: self.limits, metrics: Arc::default() }
    }
}

#[derive(Clone)]
struct Edge<S> {
    inner: S,
    limits: EdgeLimits,
    /// Those of the one route this service stands before.
    metrics: Arc<RouteMetrics>,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = EdgeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let correlation = Some(Correlation::settle(request.headers_mut()));
        let route = request.extensions().get::<MatchedPath>().cloned();
        let method = request.method().clone();
        let deadline = self.limits.deadline_of(&request);
        let work = match self.limits.refuse(&request) {
            Some(problem) => Work::Refused(problem),
            None => Work::Handler(self.inner.call(request)),
        };
        EdgeFuture {
            work,
            deadline,
            sleep: None,
            correlation,
            metrics: Arc::clone(&self.metrics),
            route,
            method,
            started,
        }
    }
}

impl EdgeLimits {
    /// By path and not by route: a gateway passes a poll on without having a route for it.
    fn deadline_of(&self, request: &Request) -> Duration {
        if request.uri().path() == feed::PATH { self.deadline + feed::WAIT_MAX } else { self.deadline }
    }

    fn refuse(&self, request: &Request) -> Option<Problem> {
        let uri_bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if uri_bytes > self.uri_bytes_max {
            let detail = format!("The request target has {uri_bytes} bytes; {} are taken.", self.uri_bytes_max);
            return Some(Problem::new(kinds::URI_TOO_LONG, detail));
        }
        let header_bytes = bytes_of(request.headers());
        if header_bytes > self.header_bytes_max {
            let detail = format!("The headers have {header_bytes} bytes; {} are taken.", self.header_bytes_max);
            return Some(Problem::new(kinds::HEADERS_TOO_LARGE, detail));
        }
        // Before anything is done: a command whose answer the client does not take must not have its effect.
        let kind = answered_with(request.uri().path())?;
        let mut wanted = request.headers().get_all(ACCEPT).iter().peekable();
        wanted.peek()?;
        let taken = wanted.filter_map(|value| value.to_str().ok()).any(|ranges| takes(ranges, kind));
        (!taken).then(|| {
            Problem::at(
                kinds::NOT_ACCEPTABLE,
                "Accept",
                format!("leaves out `{kind}`, and this path answers nothing else"),
            )
        })
    }
}

/// What the paths of the interface answer with; none where it is no JSON, as in `/docs`, which is answered as it is.
fn answered_with(path: &str) -> Option<&'static str> {
    const JSON: [&str; 3] = ["/v1/", "/inventory", "/orders"];
    match path {
        feed::PATH => Some(feed::CONTENT_TYPE),
        _ => JSON.iter().any(|root| path.starts_with(root)).then_some("application/json"),
    }
}

/// Whether one of the media ranges of an `Accept` header is, or includes, `kind`.
fn takes(ranges: &str, kind: &str) -> bool {
    let whole = kind.split('/').next().unwrap_or_default();
    ranges.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0)));
        let any_of = named.strip_suffix("/*").is_some_and(|root| root == "*" || root.eq_ignore_ascii_case(whole));
        !refused && (any_of || named.eq_ignore_ascii_case(kind))
    })
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// A request on its way through the edge.
struct EdgeFuture<F> {
    work: Work<F>,
    deadline: Duration,
    /// Set only once the handler has to wait: many answers are ready at the first poll.
    sleep: Option<Pin<Box<Sleep>>>,
    correlation: Option<Correlation>,
    metrics: Arc<RouteMetrics>,
    route: Option<MatchedPath>,
    method: Method,
    started: Instant,
}

enum Work<F> {
    Handler(F),
    Refused(Problem),
}

impl<F: Future<Output = Result<Response, Infallible>> + Unpin> Future for EdgeFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = match this.poll_work(cx) {
            Poll::Ready(response) => response,
            Poll::Pending => match this.poll_deadline(cx) {
                Poll::Ready(problem) => problem.into_response(),
                Poll::Pending => return Poll::Pending,
            },
        };
        if let Some(correlation) = this.correlation.take() {
            correlation.echo(response.headers_mut());
        }
        let route = this.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        this.metrics.record(route, &this.method, response.status(), this.started.elapsed());
        Poll::Ready(Ok(response))
    }
}

impl<F: Future<Output = Result<Response, Infallible>> + Unpin> EdgeFuture<F> {
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Response> {
        let handler = match &mut self.work {
            Work::Refused(problem) => return Poll::Ready(problem.clone().into_response()),
            Work::Handler(handler) => handler,
        };
        // Nothing of a handler that panicked is used again: it is dropped with this future.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(handler).poll(cx))) {
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(response),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => {
                let cause = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let cause = cause.or_else(|| panic.downcast_ref::<String>().cloned());
                let problem = Problem::internal(&format!("a handler panicked: {}", cause.unwrap_or_default()));
                Poll::Ready(problem.into_response())
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Problem> {
        let left = self.deadline.saturating_sub(self.started.elapsed());
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
        sleep.as_mut().poll(cx).map(|()| {
            let detail = format!(
                "No answer within {} ms. If this was a command its outcome is unknown: repeat it with the same ids.",
                self.deadline.as_millis()
            );
            Problem::new(kinds::DEADLINE_EXCEEDED, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_range_takes_what_it_names_or_includes() {
        let json = |ranges| takes(ranges, "application/json");
        for ranges in ["*/*", "application/*", "application/json", "Application/JSON;q=0.5", "text/html, */*;q=0.1"] {
            assert!(json(ranges), "{ranges}");
        }
        for ranges in ["", "text/html", "text/*", "application/json;q=0", "application/xml, text/plain", "json"] {
            assert!(!json(ranges), "{ranges}");
        }
    }

    #[test]
    fn only_paths_of_the_interface_answer_json_and_nothing_else() {
        assert_eq!(answered_with("/v1/skus"), Some("application/json"));
        assert_eq!(answered_with("/inventory/TEA"), Some("application/json"));
        assert_eq!(answered_with("/v1/events"), Some("application/cloudevents-batch+json"));
        for path in ["/docs/", "/metrics", "/openapi.json", "/"] {
            assert_eq!(answered_with(path), None);
        }
    }
}
