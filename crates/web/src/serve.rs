//! The server: takes connections from a socket, bounded in number and patience, and stops without dropping an answer.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service;

use crate::tls::Tls;

/// A pause after the system could not give another connection (out of file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The bytes a connection reads ahead; also the most a request's head may have.
const READ_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// The server's bounds.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections open at once; further ones wait in the system's backlog.
    pub connections_max: u32,
    /// A request's head must arrive within this time; an idle connection is closed after it too.
    pub header_wait: Duration,
    /// When the server stops, so long is waited for the answers to what it took.
    pub drain_wait: Duration,
}

impl Default for ServeLimits {
    /// 10,000 connections, 30 s, 20 s.
    fn default() -> Self {
        Self { connections_max: 10_000, header_wait: Duration::from_secs(30), drain_wait: Duration::from_secs(20) }
    }
}

/// What can be served: it answers every request with something.
pub trait Serves:
    Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Serves for S where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// Serves `service` (a [`Gate`](crate::Gate), or a router) on `listener` until `shutdown` completes; then stops accepting, answers what it took, and returns.
///
/// Returns how many connections had to be cut because they did not end within [`ServeLimits::drain_wait`].
pub async fn serve<S: Serves>(
    listener: TcpListener,
    service: S,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) -> u32 {
    serve_over(listener, None, service, limits, shutdown).await
}

/// As [`serve`], and with `tls` every connection is encrypted.
pub async fn serve_over<S: Serves>(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    service: S,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) -> u32 {
    let slots = Arc::new(Semaphore::new(limits.connections_max as usize));
    let (draining, drain) = watch::channel(());
    let accepting = accept(listener, service, tls, limits, Arc::clone(&slots), drain);
    tokio::select! {
        () = accepting => {}
        () = shutdown => {}
    }
    // The listener is gone by now. Dropping the sender tells every connection to end after its current request.
    drop(draining);
    let all = slots.acquire_many(limits.connections_max);
    match tokio::time::timeout(limits.drain_wait, all).await {
        Ok(_) => 0,
        Err(_) => limits.connections_max.saturating_sub(u32::try_from(slots.available_permits()).unwrap_or(0)),
    }
}

async fn accept<S: Serves>(
    listener: TcpListener,
    service: S,
    tls: Option<Arc<Tls>>,
    limits: ServeLimits,
    slots: Arc<Semaphore>,
    drain: watch::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_wait).max_buf_size(READ_BUFFER_BYTES_MAX);
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it the system may hold small answers back; if it cannot be set they only come later.
                let _later = stream.set_nodelay(true);
                let (http, service, drain) = (http.clone(), service.clone(), drain.clone());
                match tls.as_deref().map(Tls::acceptor) {
                    None => drop(tokio::spawn(connection(http, stream, service, limits, drain, slot))),
                    Some(acceptor) => drop(tokio::spawn(async move {
                        // Who does not shake hands in time, or not as agreed, is gone: it concerns nobody else.
                        let shaken = tokio::time::timeout(limits.header_wait, acceptor.accept(stream)).await;
                        if let Ok(Ok(stream)) = shaken {
                            connection(http, stream, service, limits, drain, slot).await;
                        }
                    })),
                }
            }
            // The client has gone again already: nobody's fault.
            Err(why) if matches!(why.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(why) => {
                tracing::error!(%why, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection<S: Serves>(
    http: http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
    limits: ServeLimits,
    mut drain: watch::Receiver<()>,
    slot: OwnedSemaphorePermit,
) {
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    // A connection's own error (a client that went away, bytes that are no HTTP) concerns nobody else.
    tokio::select! {
        biased;
        _ended = connection.as_mut() => {}
        _dropped = drain.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ended = tokio::time::timeout(limits.drain_wait, connection).await;
        }
    }
    drop(slot);
}
