//! A program of ours that serves: started, known by the address it prints, and ended with the step that needs it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sh::{Cmd, root};

/// It has said where it serves by then.
const START_WAIT: Duration = Duration::from_secs(60);

/// A running program. Killed when dropped.
pub(super) struct Process {
    child: Child,
    /// `http://127.0.0.1:` and a port.
    pub(super) url: String,
}

impl Process {
    /// Starts `program` and waits for the line that names its address.
    pub(super) fn start(program: &str, args: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(args).current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        // The guard comes first, so that what does not start is killed as well.
        let mut process = Self { child, url: String::new() };
        let (told, line) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            told.send(lines.next().and_then(Result::ok).unwrap_or_default()).ok();
            lines.for_each(drop);
        });
        let line = line.recv_timeout(START_WAIT).unwrap_or_default();
        let url = line.split(' ').find(|word| word.starts_with("http://"));
        process.url = url.with_context(|| format!("{program} {} said `{line}`", args.join(" ")))?.to_owned();
        Ok(process)
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        Cmd::new("kill", ["-TERM".to_owned(), self.child.id().to_string()]).run()?;
        let status = self.child.wait().context("cannot wait for the server")?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
