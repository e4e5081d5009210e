//! Somebody who is told by webhooks: keeps what came, and answers as he was told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use comanda_contracts::events::CloudEvent;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Names are in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }

    #[track_caller]
    pub(crate) fn event(&self) -> CloudEvent {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server on a free port, until the test ends.
pub(crate) struct Receiver {
    addr: SocketAddr,
    ears: Arc<Mutex<Ears>>,
}

#[derive(Default)]
struct Ears {
    heard: Vec<Heard>,
    /// Answers to come; 204 when they are used up.
    answers: VecDeque<u16>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let ears = Arc::new(Mutex::new(Ears::default()));
        let hears = Arc::clone(&ears);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let ears = Arc::clone(&hears);
                // A caller who hangs up has heard his answer, or never will.
                std::thread::spawn(move || caller.ok().and_then(|caller| listen(&caller, &ears)));
            }
        });
        Self { addr, ears }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// The next answers; then it is 204 again.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.ears.lock().unwrap().answers.extend(statuses);
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.ears.lock().unwrap().heard.clone()
    }
}

/// Hears one request after the other until the caller hangs up.
fn listen(caller: &TcpStream, ears: &Mutex<Ears>) -> Option<()> {
    let mut reader = BufReader::new(caller);
    loop {
        let mut headers = Vec::new();
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_lowercase(), value.trim().to_owned()));
            }
            line.clear();
        }
        let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = {
            let mut ears = ears.lock().ok()?;
            ears.heard.push(Heard { headers, body });
            ears.answers.pop_front().unwrap_or(204)
        };
        let mut caller = caller;
        caller.write_all(format!("HTTP/1.1 {answer} So\r\ncontent-length: 0\r\n\r\n").as_bytes()).ok()?;
    }
}
