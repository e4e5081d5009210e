//! Requests whose context runs in another process: passed on as they are, and no wait outlives this process.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use comanda_web::feed;
use tokio::sync::watch;

use super::{COMPOSED, Peer, unavailable};

/// Where requests go, and what says that this process stops.
#[derive(Clone)]
struct Onward {
    peer: Peer,
    stopping: watch::Receiver<()>,
}

/// `paths`, passed on to `peer` whatever the method; without those that the gateway answers itself.
pub(crate) fn these(peer: Peer, paths: &[String], stopping: watch::Receiver<()>) -> Router {
    let paths = paths.iter().filter(|path| !COMPOSED.contains(&path.as_str()));
    let router = paths.fold(Router::new(), |router, path| router.route(path, any(pass_on)));
    router.with_state(Onward { peer, stopping })
}

/// Every path, passed on to `peer`.
pub(crate) fn all(peer: Peer, stopping: watch::Receiver<()>) -> Router {
    Router::new().fallback(pass_on).with_state(Onward { peer, stopping })
}

async fn pass_on(State(onward): State<Onward>, request: Request) -> Response {
    let waits = request.method() == Method::GET && request.uri().path() == feed::PATH;
    let answered = if waits { onward.poll(request).await } else { onward.peer.forward(request).await };
    answered.unwrap_or_else(|why| unavailable(&why).into_response())
}

impl Onward {
    /// A long poll. When this process stops it is asked again without the wait: what is there now, and where to go on.
    async fn poll(&self, request: Request) -> Result<Response, String> {
        let mut stopping = self.stopping.clone();
        let at_once = without_wait(&request);
        tokio::select! {
            biased;
            answered = self.peer.forward(request) => answered,
            _told = stopping.changed() => self.peer.forward(at_once).await,
        }
    }
}

fn without_wait(request: &Request) -> Request {
    let mut pairs: Vec<&str> = request.uri().query().unwrap_or_default().split('&').collect();
    pairs.retain(|pair| !pair.starts_with("timeout="));
    let mut same = Request::new(Body::empty());
    // A part of what was an address is one.
    *same.uri_mut() =
        format!("{}?{}", feed::PATH, pairs.join("&")).parse().unwrap_or_else(|_| Uri::from_static(feed::PATH));
    *same.headers_mut() = request.headers().clone();
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_that_is_asked_again_keeps_all_but_its_wait() {
        for (asked, again) in [
            ("/v1/events?context=inventory&timeout=30&after=a.b", "/v1/events?context=inventory&after=a.b"),
            ("/v1/events?timeout=30", "/v1/events?"),
            ("/v1/events", "/v1/events?"),
        ] {
            let request = Request::builder().uri(asked).header("traceparent", "t").body(Body::empty()).unwrap();
            let same = without_wait(&request);
            assert_eq!((same.uri().to_string().as_str(), same.headers().len()), (again, 1));
        }
    }
}
