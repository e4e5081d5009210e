//! HTTP by hand: requests as they are typed, answers with every header, so that nothing between test and server helps.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use comanda_contracts::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A server that has not answered by then will not.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names are in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn token(&self) -> String {
        self.header("consistency-token").expect("the answer has a consistency token").to_owned()
    }

    #[track_caller]
    pub(crate) fn etag(&self) -> String {
        self.header("etag").expect("the answer has an ETag").to_owned()
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.read()
    }

    /// The body as the contract's `T`.
    #[track_caller]
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// The answer, if its status is `status`.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The problem, if the answer is one with this status and code and of the right shape.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Problem {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Problem = self.read();
        assert_eq!((self.status, problem.code.as_ref()), (status, code), "{problem:?}");
        assert_eq!(problem.status, status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{problem:?}");
        assert_eq!(problem.problem_type, format!("/problems/{}", code.to_lowercase().replace('_', "-")));
        problem
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    addr: SocketAddr,
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(addr: SocketAddr, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n");
        Self { addr, head, body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    pub(crate) fn bearer(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        self.try_send().expect("the server answers")
    }

    /// `None` if the server is gone or goes before it has answered.
    pub(crate) fn try_send(self) -> Option<Answer> {
        let Self { addr, mut head, body } = self;
        write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
        let mut wire = Wire::over(TcpStream::connect_timeout(&addr, ANSWER_WAIT).ok()?);
        wire.send_regardless(head.as_bytes());
        wire.send_regardless(&body);
        if head.starts_with("HEAD ") {
            let (status, headers) = wire.try_head()?;
            return Some(Answer { status, headers, body: wire.rest() });
        }
        wire.try_answer()
    }
}

/// A connection on which anything can be sent.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// Read and not yet used.
    ahead: Vec<u8>,
}

impl Wire {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&addr, ANSWER_WAIT).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(ANSWER_WAIT)).unwrap();
        stream.set_write_timeout(Some(ANSWER_WAIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes what is sent");
    }

    /// Sends what the server may refuse to read to its end.
    pub(crate) fn send_regardless(&mut self, bytes: &[u8]) {
        let _refused = self.stream.write_all(bytes);
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        // The server may have closed already.
        let _closed = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer on this connection.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().unwrap_or_else(|| panic!("no answer, but {:?}", String::from_utf8_lossy(&self.ahead)))
    }

    /// The next answer, or `None` if the connection ends before it is whole.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let (status, headers) = self.try_head()?;
        assert!(!headers.iter().any(|(name, _)| name == "transfer-encoding"), "answers come in one piece");
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
        while self.ahead.len() < length {
            self.more()?;
        }
        let body = self.ahead.drain(..length).collect();
        Some(Answer { status, headers, body })
    }

    /// The status of a head without a body, such as `100 Continue`.
    #[track_caller]
    pub(crate) fn status(&mut self) -> u16 {
        self.try_head().expect("a status line").0
    }

    fn try_head(&mut self) -> Option<(u16, Vec<(String, String)>)> {
        let end = loop {
            match self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("a head is ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        Some((status.parse().expect("a status"), headers))
    }

    /// Everything until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more().is_some() {}
        std::mem::take(&mut self.ahead)
    }

    fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk).unwrap_or(0);
        self.ahead.extend_from_slice(&chunk[..count]);
        (count > 0).then_some(())
    }
}
