//! The binary under test: started as a server on a folder of its own, stopped, killed and started again.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use comanda_contracts::{Page, Stock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Request};
use crate::wait::{self, PATIENCE};

/// A command that ends by itself has ended by then.
const RUN_WAIT: Duration = Duration::from_secs(100);

/// The binary, with nothing of the environment that it would listen to.
pub(crate) fn comanda() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comanda"));
    for variable in
        ["API_KEY", "AUTH", "CONFIG", "DATA_DIR", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_JWKS", "KEYS", "LISTEN", "LOG"]
    {
        command.env_remove(format!("COMANDA_{variable}"));
    }
    command.env("NO_COLOR", "1");
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end, which must come within [`RUN_WAIT`].
pub(crate) fn run(arguments: &[&str]) -> Output {
    finished(comanda().args(arguments))
}

/// Runs `command` to its end; kills it, and fails, if that does not come.
pub(crate) fn finished(command: &mut Command) -> Output {
    let said = tempfile::tempdir().unwrap();
    let (stdout, stderr) = (said.path().join("stdout"), said.path().join("stderr"));
    command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > RUN_WAIT {
            child.kill().unwrap();
            panic!("{command:?} did not end within {RUN_WAIT:?}");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    };
    Output { status, stdout: fs::read(stdout).unwrap(), stderr: fs::read(stderr).unwrap() }
}

/// All that a finished process said on standard error, on one line, as its wrapping depends on nothing that matters.
pub(crate) fn complaint(output: &Output) -> String {
    unwrapped(&String::from_utf8_lossy(&output.stderr))
}

fn unwrapped(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "│" | "|" | "╰─▶" | "×" | "x"));
    words.collect::<Vec<_>>().join(" ")
}

/// A running server. Killed when dropped; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    child: Child,
    data: PathBuf,
    /// What it says on standard error.
    errors: PathBuf,
    temporary: Option<TempDir>,
    /// What every request carries, if anything.
    credential: Option<String>,
}

impl Server {
    /// On a new folder.
    pub(crate) fn start() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(&temporary.path().join("data"), &temporary.path().join("stderr.txt"));
        server.temporary = Some(temporary);
        server
    }

    /// On a folder that may have data; `errors` is where its standard error goes.
    pub(crate) fn start_on(data: &Path, errors: &Path) -> Self {
        Self::start_by(comanda(), data, errors)
    }

    /// Started by `command`, which runs the binary with the arguments it is given.
    pub(crate) fn start_by(command: Command, data: &Path, errors: &Path) -> Self {
        let server = Self::announced(command, data, errors);
        wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
        server
    }

    /// As [`Server::start_by`], given back as soon as it has said where it serves.
    pub(crate) fn announced(mut command: Command, data: &Path, errors: &Path) -> Self {
        command.arg("serve").args(["--listen", "127.0.0.1:0"]);
        Self::serving(command, data, errors)
    }

    /// As [`Server::announced`], by a whole command line of which only the folder is missing.
    pub(crate) fn serving(mut command: Command, data: &Path, errors: &Path) -> Self {
        command.arg("--data").arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(errors).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        // The guard comes first, so that a server that does not start is killed as well.
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let (data, errors) = (data.to_owned(), errors.to_owned());
        let mut server = Self { addr: unknown, child, data, errors, temporary: None, credential: None };
        let (told, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            // Nobody listens any more if the test has ended.
            let _ended = told.send(lines.next().and_then(Result::ok).unwrap_or_default());
            lines.for_each(drop);
        });
        let line = line.recv_timeout(PATIENCE).unwrap_or_default();
        let rest = line.strip_prefix("comanda serves http").map(|rest| rest.trim_start_matches('s'));
        let rest = rest.and_then(|rest| rest.strip_prefix("://")?.split_once(" from "));
        let Some((addr, folder)) = rest else { panic!("it said {line:?} and {}", server.complaints()) };
        assert_eq!(folder, server.data.to_str().unwrap());
        server.addr = addr.parse().unwrap();
        if server.addr.ip().is_unspecified() {
            server.addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        server
    }

    /// Has it take `folder` along when it goes.
    pub(crate) fn keep(&mut self, folder: TempDir) {
        self.temporary = Some(folder);
    }

    /// The folder it was given.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Has every request from now on carry `credential`.
    pub(crate) fn come_with(&mut self, credential: &str) {
        self.credential = Some(credential.to_owned());
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let request = Request::new(self.addr, method, path);
        match &self.credential {
            Some(credential) => request.bearer(credential),
            None => request,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// What `path` shows once the view has seen all that `token` stands for.
    pub(crate) fn get_after(&self, path: &str, token: &str) -> Answer {
        self.request("GET", path).header("consistency-token", token).send()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// A POST without a body.
    pub(crate) fn poke(&self, path: &str) -> Answer {
        self.request("POST", path).send()
    }

    /// Registers `sku` with `units` at `main`; returns a token of that.
    #[track_caller]
    pub(crate) fn stocked(&self, sku: &str, units: i64) -> String {
        self.post("/v1/skus", &json!({"sku": sku})).is(201);
        self.received(sku, "main", units)
    }

    /// Adds `units` of `sku` at `location`; returns a token of that.
    #[track_caller]
    pub(crate) fn received(&self, sku: &str, location: &str, units: i64) -> String {
        let body = json!({"sku": sku, "locationId": location, "delta": units, "reasonCode": "received"});
        self.post("/v1/stock/adjustments", &body).is(201).token()
    }

    /// Asks for `quantity` of `sku` under `id`.
    pub(crate) fn reserve(&self, id: &str, sku: &str, quantity: i64) -> Answer {
        self.post("/v1/reservations", &json!({"reservationId": id, "lines": [{"sku": sku, "quantity": quantity}]}))
    }

    /// The stock of `sku` as everything acknowledged by now has made it.
    #[track_caller]
    pub(crate) fn stock(&self, sku: &str) -> Stock {
        self.settle();
        self.get(&format!("/v1/stock/{sku}")).is(200).read()
    }

    /// `(on hand, reserved, committed, available)` of `sku`.
    #[track_caller]
    pub(crate) fn counters(&self, sku: &str) -> (i64, i64, i64, i64) {
        let stock = self.stock(sku);
        (stock.on_hand, stock.reserved, stock.committed, stock.available)
    }

    /// Waits until the views have read all that is in the log.
    #[track_caller]
    pub(crate) fn settle(&self) {
        wait::until("the views have read the log", || {
            (self.get("/ready").json()["viewsBehindEvents"] == 0).then_some(())
        });
    }

    /// Every row of stock and every ledger entry: what must be the same when nothing was changed.
    #[track_caller]
    pub(crate) fn everything(&self) -> Vec<Value> {
        self.settle();
        let stock = self.get("/v1/stock?limit=200").is(200);
        let skus = stock.read::<Page<Stock>>().items;
        let ledger = |sku: &Stock| self.get(&format!("/v1/stock/{}/ledger?limit=200", sku.sku)).is(200).json();
        std::iter::once(stock.json()).chain(skus.iter().map(ledger)).collect()
    }

    /// What it has said on standard error so far, on one line.
    pub(crate) fn complaints(&self) -> String {
        unwrapped(&fs::read_to_string(&self.errors).unwrap_or_default())
    }

    /// Kills it (-9) and returns what is needed to go on with its folder.
    pub(crate) fn kill(mut self) -> Stopped {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stopped()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop and does not wait.
    pub(crate) fn terminate(&self) {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status().unwrap();
        assert!(kill.success());
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait::until("the server ends", || self.child.try_wait().unwrap())
    }

    /// Asks it to stop, and sees that it does so in good order.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Stopped {
        self.terminate();
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.complaints());
        self.stopped()
    }

    fn stopped(&mut self) -> Stopped {
        Stopped { data: self.data.clone(), errors: self.errors.clone(), temporary: self.temporary.take() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// The folder of a server that runs no more.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) data: PathBuf,
    errors: PathBuf,
    temporary: Option<TempDir>,
}

impl Stopped {
    pub(crate) fn start(self) -> Server {
        let mut server = Server::start_on(&self.data, &self.errors);
        server.temporary = self.temporary;
        server
    }

    /// `comanda verify` on the folder.
    pub(crate) fn verify(&self) -> Output {
        run(&["verify", "--data", self.data.to_str().unwrap()])
    }

    #[track_caller]
    pub(crate) fn verifies(&self) {
        let verified = self.verify();
        assert!(verified.status.success(), "{} {}", String::from_utf8_lossy(&verified.stdout), complaint(&verified));
    }
}
