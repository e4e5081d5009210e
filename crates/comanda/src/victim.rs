//! A server of this very program in a process of its own, there to be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use comanda_load::{Call, Client};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A server that does not answer by then has failed to start.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often it is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// A server that will be killed. It dies with this value.
pub(crate) struct Victim {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Victim {
    /// Starts this very program as a server on `dir` with more arguments, and waits until it is ready.
    pub(crate) async fn start(dir: &Path, listen: &str, more: &[&str]) -> Result<Self> {
        let program = std::env::current_exe().into_diagnostic()?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(dir).args(["--listen", listen]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().into_diagnostic()?;
        let addr = tokio::time::timeout(START_WAIT_MAX, address(&mut child)).await.into_diagnostic()??;
        Ok(Self { child, addr })
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.into_diagnostic().wrap_err("the server could not be killed")
    }
}

/// Reads the address from the line the server prints once it listens, and asks until it is ready.
async fn address(child: &mut Child) -> Result<SocketAddr> {
    let stdout = child.stdout.take().ok_or_else(|| miette!("the server has no output"))?;
    let mut lines = BufReader::new(stdout).lines();
    let line = lines.next_line().await.into_diagnostic()?.ok_or_else(|| miette!("the server ended at its start"))?;
    let text = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
    let addr = text.and_then(|text| text.parse().ok()).ok_or_else(|| miette!("the server printed `{line}`"))?;
    let mut client = Client::new(addr);
    loop {
        if client.call(&Call::get("/ready")).await.is_ok_and(|answer| answer.is_success()) {
            return Ok(addr);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
