//! An issuer of tokens on a free port: publishes its keys, counts who asks, and can be away.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::signer::Signer;
use crate::http::Request;
use crate::server::{Server, comanda};
use crate::wait;

pub(super) const AUDIENCE: &str = "comanda";

const EVERYTHING: &str = "queries commands operations";

/// How the issuer answers.
#[derive(Clone)]
pub(super) enum Manner {
    /// With this document, to be kept for so many seconds.
    Publish(String, u64),
    /// With this status line and header, and no document.
    Say(&'static str, String),
    /// Not at all: the connection ends.
    Away,
    /// Not until it is told to answer in another manner.
    Late,
}

struct Shared {
    manner: Mutex<Manner>,
    asked: AtomicUsize,
    over: AtomicBool,
}

/// The issuer. Gone when dropped.
pub(crate) struct Issuer {
    pub(super) addr: SocketAddr,
    pub(super) signer: Signer,
    shared: Arc<Shared>,
}

impl Issuer {
    /// One with a key of its own.
    pub(crate) fn start() -> Self {
        let signer = Signer::p256("first");
        let manner = Manner::Publish(document(&[&signer]), 600);
        let shared = Shared { manner: Mutex::new(manner), asked: AtomicUsize::new(0), over: AtomicBool::new(false) };
        let (listener, shared) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(shared));
        let addr = listener.local_addr().unwrap();
        let its = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if its.over.load(Ordering::SeqCst) {
                    break;
                }
                let its = Arc::clone(&its);
                std::thread::spawn(move || answer(connection, &its));
            }
        });
        Self { addr, signer, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(super) fn does(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// Publishes the keys of `signers`, to be kept for as short as is taken.
    pub(super) fn publishes(&self, signers: &[&Signer]) {
        self.does(Manner::Publish(document(signers), 0));
    }

    /// How often its keys were asked for.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Claims that are right in every way.
    pub(super) fn claims(&self) -> Value {
        json!({"iss": self.url(), "aud": AUDIENCE, "sub": "mia", "tenant": "default", "scope": EVERYTHING, "exp": now() + 600})
    }

    /// A token of `subject` of `tenant`, with `scopes`.
    pub(crate) fn token_for(&self, subject: &str, tenant: &str, scopes: &str) -> String {
        let mut claims = self.claims();
        (claims["sub"], claims["tenant"], claims["scope"]) = (json!(subject), json!(tenant), json!(scopes));
        self.signer.token(&claims)
    }

    /// A token of mia of the default tenant, for everything.
    pub(crate) fn token(&self) -> String {
        self.signer.token(&self.claims())
    }

    /// The arguments that have a server take its tokens.
    pub(super) fn arguments(&self) -> Vec<String> {
        ["--jwt-issuer", &self.url(), "--jwt-audience", AUDIENCE].map(str::to_owned).into()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes it so that it sees that.
        let _gone = TcpStream::connect(self.addr);
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The JWKS document with the keys of `signers`.
pub(super) fn document(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.published()).collect::<Vec<_>>() }).to_string()
}

fn answer(mut connection: TcpStream, shared: &Shared) {
    connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"GET /"), "keys are read");
    assert!(!head.to_ascii_lowercase().windows(14).any(|part| part == b"authorization:"), "nothing secret is sent");
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let manner = || shared.manner.lock().unwrap().clone();
    let spoken = match manner() {
        Manner::Late => wait::until("it is told to answer", || match manner() {
            Manner::Late if !shared.over.load(Ordering::SeqCst) => None,
            other => Some(other),
        }),
        spoken => spoken,
    };
    let said = match spoken {
        Manner::Publish(document, age) => format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ncache-control: public, max-age={age}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{document}",
            document.len()
        ),
        Manner::Say(status, header) => {
            format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Manner::Away | Manner::Late => return,
    };
    // The server may have given up.
    let _given_up = connection.write_all(said.as_bytes());
}

/// A server that takes tokens of `issuer`, started with `more`; its requests come with one for everything.
pub(crate) fn served(issuer: &Issuer, more: &[&str]) -> Server {
    let mut server = starting(issuer, more);
    server.come_with(&issuer.token());
    wait::until("tokens count", || (server.get("/v1/stock").status == 200).then_some(()));
    server
}

/// The same, which may not have seen the issuer yet.
pub(super) fn starting(issuer: &Issuer, more: &[&str]) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(issuer.arguments()).args(more);
    let mut server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
    server.keep(folder);
    wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
    server
}

/// What a GET of the stock with `token` is answered with.
pub(super) fn get_with(server: &Server, token: &str) -> crate::http::Answer {
    Request::new(server.addr, "GET", "/v1/stock").bearer(token).send()
}
