//! A server as a process of its own: Comanda, or this program once more as a comparator. It ends with its owner.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use comanda_load::{Call, Client};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A server that is not ready by then has failed to start.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// A server that has not stopped by then is killed.
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a starting server is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// A running server; killed when dropped.
pub(crate) struct Process {
    child: Child,
    addr: SocketAddr,
    ready_after: Duration,
    /// Kept open: a server whose output is closed could stumble over it.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// `comanda serve` on the data in `dir`, once it is ready.
    pub(crate) async fn comanda(dir: &Path) -> Result<Self> {
        let args = [OsStr::new("serve"), "--data".as_ref(), dir.as_ref(), "--listen".as_ref(), "127.0.0.1:0".as_ref()];
        Self::start(Path::new(env!("CARGO_BIN_EXE_comanda")), &args, true).await
    }

    /// This program as a comparator, once it listens.
    pub(crate) async fn comparator(args: &[&OsStr]) -> Result<Self> {
        Self::start(&std::env::current_exe().into_diagnostic()?, args, false).await
    }

    async fn start(program: &Path, args: &[&OsStr], asks_ready: bool) -> Result<Self> {
        let mut command = Command::new(program);
        // A comparator ends when its input does, so it cannot outlive this process however that ends.
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn().into_diagnostic().wrap_err_with(|| format!("{}", program.display()))?;
        let stdout = child.stdout.take().ok_or_else(|| miette!("the server has no output"))?;
        let mut output = BufReader::new(stdout).lines();
        let ready = async {
            let line = output.next_line().await.into_diagnostic()?.ok_or_else(|| miette!("it ended at once"))?;
            let text = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
            let addr = text.and_then(|text| text.parse().ok()).ok_or_else(|| miette!("it printed `{line}`"))?;
            if asks_ready {
                until_ready(addr).await;
            }
            Ok::<SocketAddr, miette::Report>(addr)
        };
        let addr = timeout(START_WAIT_MAX, ready).await.into_diagnostic().wrap_err("the server did not start")??;
        Ok(Self { child, addr, ready_after: started.elapsed(), _output: output })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From the start of the process until it said it was ready.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The memory it occupies now, in MiB (VmRSS).
    pub(crate) fn rss_mib(&self) -> Result<f64> {
        let pid = self.child.id().ok_or_else(|| miette!("the server has ended"))?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).into_diagnostic()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        kib.map(|kib: f64| kib / 1024.0).ok_or_else(|| miette!("the system does not tell the server's memory"))
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().ok_or_else(|| miette!("the server has ended by itself"))?;
        let told = Command::new("kill").arg(pid.to_string()).status().await.into_diagnostic()?;
        let ended = timeout(STOP_WAIT_MAX, self.child.wait()).await;
        match ended {
            Ok(Ok(status)) if told.success() && status.success() => Ok(()),
            other => Err(miette!("the server did not stop cleanly: {other:?}")),
        }
    }

    /// Kills it (SIGKILL): nothing is flushed.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.into_diagnostic()
    }
}

impl Drop for Process {
    /// Waits for its end, so that it does not run on into the next measurement.
    fn drop(&mut self) {
        let _gone_already = self.child.start_kill();
        let killed = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && killed.elapsed() < STOP_WAIT_MAX {
            std::thread::sleep(ASK_EVERY);
        }
    }
}

async fn until_ready(addr: SocketAddr) {
    let mut client = Client::new(addr);
    while !client.call(&Call::get("/ready")).await.is_ok_and(|answer| answer.is_success()) {
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// For a comparator: says where it listens, serves, and ends when its standard input does.
pub(crate) async fn serve_as_child(router: axum::Router) -> Result<()> {
    use axum::serve::ListenerExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.into_diagnostic()?;
    println!("serves http://{}", listener.local_addr().into_diagnostic()?);
    let listener = listener.tap_io(|stream| {
        // Answers only come later without it.
        let _later = stream.set_nodelay(true);
    });
    let (gone, orphaned) = tokio::sync::oneshot::channel::<()>();
    // A plain thread, because a read of standard input cannot be called off.
    let watch = move || {
        let _read = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(gone);
    };
    std::thread::Builder::new().name("owner".into()).spawn(watch).into_diagnostic()?;
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served.into_diagnostic(),
        _ = orphaned => Ok(()),
    }
}
