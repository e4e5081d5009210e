//! A context as the gateway sees it: routes of this process, or another process over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::ServiceExt;

/// A longer answer than this is not put together: 4 MiB.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// How long another process may take to answer; long polls of a feed wait up to half a minute.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(40);

/// How long a part of a composed answer may take before the answer goes out without it.
const PART_WAIT_MAX: Duration = Duration::from_secs(2);

/// Connections to another process that are kept open without use.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// A context, here or there.
#[derive(Clone)]
pub(crate) enum Peer {
    /// In this process.
    Here(Router),
    /// In another one.
    There(Arc<Remote>),
}

/// Another process.
pub(crate) struct Remote {
    context: &'static str,
    authority: Authority,
    client: Client<HttpConnector, Body>,
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Peer {
    /// `context`, served at `authority` (`host:port`) by another process.
    pub(crate) fn there(context: &'static str, authority: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(PART_WAIT_MAX));
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(IDLE_CONNECTIONS_MAX).build(connector);
        Self::There(Arc::new(Remote { context, authority, client }))
    }

    /// Passes a request on; the error says who did not answer.
    pub(super) async fn forward(&self, request: Request) -> Result<Response, String> {
        match self {
            Self::Here(router) => match router.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Self::There(remote) => remote.forward(request).await,
        }
    }

    /// Asks for a part of a composed answer.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer, String> {
        let asked = async {
            let (head, body) = self.forward(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|why| format!("the answer could not be read: {why}"))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let late = |_| format!("no answer within {} ms", PART_WAIT_MAX.as_millis());
        tokio::time::timeout(PART_WAIT_MAX, asked).await.map_err(late)?
    }
}

impl Remote {
    async fn forward(&self, mut request: Request) -> Result<Response, String> {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from_parts(parts).map_err(|why| why.to_string())?;
        // They belong to the connection the request came on.
        for name in [CONNECTION, HOST, TRANSFER_ENCODING] {
            request.headers_mut().remove(name);
        }
        let Self { context, authority, .. } = self;
        let answered = tokio::time::timeout(ANSWER_WAIT_MAX, self.client.request(request)).await;
        let mut response = answered
            .map_err(|_| format!("{context} at {authority} has not answered in {} s", ANSWER_WAIT_MAX.as_secs()))?
            .map_err(|why| format!("{context} at {authority} cannot be reached: {}", innermost(&why)))?;
        for name in [CONNECTION, TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        Ok(response.map(Body::new))
    }
}

/// The cause at the bottom: what the layers above say of it is no news to anybody.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
