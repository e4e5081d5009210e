//! A small HTTP/1.1 client: one kept-alive connection that reconnects when the server went away, and says so.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::call::{Answer, Call, CallError};
use crate::tls::{Stream, Tls};

/// A longer answer than this is an error: 8 MiB.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// How long a call may take before its outcome counts as unknown, unless set otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What every client of this process sends along, if anything.
static CREDENTIAL: OnceLock<HeaderValue> = OnceLock::new();

/// Has every client made from now on send `credential`: an API key or a token. Only the first call counts.
///
/// # Errors
/// [`CallError::Malformed`] if it cannot stand in a header; it is not repeated.
pub fn come_with(credential: &str) -> Result<(), CallError> {
    let header = HeaderValue::from_str(&format!("Bearer {credential}"));
    let mut header = header.map_err(|_| CallError::Malformed("the credential is not visible ASCII".to_owned()))?;
    header.set_sensitive(true);
    let _known = CREDENTIAL.set(header);
    Ok(())
}

/// One connection to one server, for one worker.
#[derive(Debug)]
pub struct Client {
    addr: SocketAddr,
    host: HeaderValue,
    credential: Option<HeaderValue>,
    tls: Option<Tls>,
    timeout: Duration,
    link: Option<Link>,
    connects: u64,
}

impl Client {
    /// A client of the server at `addr`; it connects with its first call.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        let host = HeaderValue::from_str(&addr.to_string()).unwrap_or(HeaderValue::from_static("localhost"));
        let (credential, tls) = (CREDENTIAL.get().cloned(), Tls::of_process());
        Self { addr, host, credential, tls, timeout: CALL_TIMEOUT, link: None, connects: 0 }
    }

    /// Waits at most `timeout` for each answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Names the server `host`, as it was typed, with its port: a proxy tells servers apart by it.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        if let Ok(host) = HeaderValue::from_str(host) {
            self.host = host;
        }
        self
    }

    /// The server's address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How often it had to connect again after its first connection.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.connects.saturating_sub(1)
    }

    /// Connects now, so that the first call need not.
    ///
    /// # Errors
    /// [`CallError::Unreachable`], [`CallError::TimedOut`]
    pub async fn connect(&mut self) -> Result<(), CallError> {
        if self.link.is_none() {
            let link = timeout(self.timeout, Link::open(self.addr, self.tls.as_ref()))
                .await
                .map_err(|_| self.timed_out())??;
            self.connects += 1;
            self.link = Some(link);
        }
        Ok(())
    }

    /// Sends one call and waits for its answer. A call that fails is not repeated: the caller knows whether it may be.
    ///
    /// If the returned future is dropped, the connection is closed: an answer to a call given up is never taken
    /// for the answer to the next.
    ///
    /// # Errors
    /// [`CallError`]
    pub async fn call(&mut self, call: &Call) -> Result<Answer, CallError> {
        let mut request = call.request(&self.host)?;
        if let Some(credential) = &self.credential {
            request.headers_mut().insert(AUTHORIZATION, credential.clone());
        }
        let limit = self.timeout;
        match timeout(limit, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out()),
        }
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
        // Taken out, and put back only when it can carry another call.
        let mut link = self.link.take();
        if let Some(open) = &mut link
            && !open.is_ready().await
        {
            link = None;
        }
        let mut link = match link {
            Some(link) => link,
            None => {
                let mut link = Link::open(self.addr, self.tls.as_ref()).await?;
                self.connects += 1;
                link.is_ready().await;
                link
            }
        };
        let answer = link.exchange(request).await.map_err(|broken| match broken {
            // What has spoken HTTP before may have acted.
            Broken::NotHttp(_) if !link.has_answered => CallError::NotHttp { addr: self.addr },
            Broken::Off(reason) | Broken::NotHttp(reason) => CallError::Lost { addr: self.addr, reason },
        })?;
        link.has_answered = true;
        if !link.over {
            self.link = Some(link);
        }
        Ok(answer)
    }

    fn timed_out(&self) -> CallError {
        CallError::TimedOut { addr: self.addr, after: self.timeout }
    }
}

/// Why a connection brought no answer.
enum Broken {
    /// It ended.
    Off(String),
    /// What came is not HTTP.
    NotHttp(String),
}

impl Broken {
    fn by(error: hyper::Error) -> Self {
        let reason = error.to_string();
        if error.is_parse() && !error.is_parse_too_large() { Self::NotHttp(reason) } else { Self::Off(reason) }
    }
}

/// An open connection, driven by whoever waits on it: no task of its own, so no hand-over per call.
#[derive(Debug)]
struct Link {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
    /// The connection has ended and must not be polled again.
    over: bool,
    has_answered: bool,
}

impl Link {
    async fn open(addr: SocketAddr, tls: Option<&Tls>) -> Result<Self, CallError> {
        let unreachable = |reason: String| CallError::Unreachable { addr, reason };
        let stream = TcpStream::connect(addr).await.map_err(|error| unreachable(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let stream = match tls {
            Some(tls) => tls.over(stream).await.map_err(|why| match why.kind() {
                // It is restarting, or something in between is.
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
                    unreachable(why.to_string())
                }
                _ => CallError::NoTls { addr, reason: why.to_string() },
            })?,
            None => Stream::Plain(stream),
        };
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { sender, connection, over: false, has_answered: false })
    }

    /// Whether another call may go out; false when the server has closed the connection meanwhile.
    async fn is_ready(&mut self) -> bool {
        let Self { sender, connection, over, .. } = self;
        matches!(drive(connection, over, sender.ready()).await, Some(Ok(())))
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Broken> {
        let Self { sender, connection, over, .. } = self;
        let closed = || Broken::Off("the server closed it".to_owned());
        let response = drive(connection, over, sender.send_request(request)).await.ok_or_else(closed)?;
        let (head, body) = response.map_err(Broken::by).map(Response::into_parts)?;
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect();
        let body =
            drive(connection, over, body).await.ok_or_else(closed)?.map_err(|error| Broken::Off(error.to_string()))?;
        Ok(Answer::new(&head, body.to_bytes()))
    }
}

/// Polls the connection while waiting for `wanted`; `None` when the connection ended without bringing it.
async fn drive<F: Future>(
    connection: &mut Connection<TokioIo<Stream>, Full<Bytes>>,
    over: &mut bool,
    wanted: F,
) -> Option<F::Output> {
    let mut wanted = pin!(wanted);
    poll_fn(|context| {
        if !*over && Pin::new(&mut *connection).poll(context).is_ready() {
            *over = true;
        }
        match wanted.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if *over => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
