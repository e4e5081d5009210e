//! Runs one outside command, times a step, and names the command to repeat when it fails.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// The most that is read of a command's output, in bytes.
const OUTPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The workspace's folder: where every command runs.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Runs one step of a task and prints how long it took.
pub(crate) fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let start = Instant::now();
    let result = run();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {verdict}, {:.1} s", start.elapsed().as_secs_f64());
    result.with_context(|| format!("step `{name}` failed"))
}

/// A command line; its `Display` is what a reader may paste into a shell.
pub(crate) struct Cmd {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    folder: PathBuf,
    /// Whether success is what is wanted; a control wants failure.
    succeeds: bool,
}

impl Cmd {
    /// A program and its arguments.
    pub(crate) fn new<S: Into<String>>(program: &str, args: impl IntoIterator<Item = S>) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            folder: root().to_owned(),
            succeeds: true,
        }
    }

    /// The cargo that runs this task, with these arguments.
    pub(crate) fn cargo<S: Into<String>>(args: impl IntoIterator<Item = S>) -> Self {
        Self::new("cargo", args)
    }

    /// Sets an environment variable for this command.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it there, and not in the workspace's folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Has it count as right that this command fails, and as wrong that it succeeds.
    pub(crate) fn fails(mut self) -> Self {
        self.succeeds = false;
        self
    }

    /// Runs to the end with our own input and output.
    ///
    /// # Errors
    /// When it cannot start or does not succeed; the message is the command to repeat.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.command().status().with_context(|| format!("cannot start `{self}`"))?;
        if status.success() == self.succeeds { Ok(()) } else { Err(self.failure(&status.to_string())) }
    }

    /// Runs to the end, within `limit`, and returns what it wrote to stdout; stderr stays on the screen.
    ///
    /// # Errors
    /// When it cannot start, does not succeed, writes no UTF-8 or takes too long (it is then killed).
    pub(crate) fn stdout(&self, limit: Duration) -> Result<String> {
        let mut child =
            self.command().stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{self}`"))?;
        let pipe = child.stdout.take().context("the child has no stdout")?;
        // The pipe closes when the child ends: waiting for the reader waits for the child, and can be bounded.
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            let read = pipe.take(OUTPUT_BYTES_MAX).read_to_string(&mut text);
            sender.send(read.map(|_| text)).ok();
        });
        let Ok(read) = receiver.recv_timeout(limit) else {
            child.kill().ok();
            child.wait().ok();
            bail!("did not end within {} s; repeat with: {self}", limit.as_secs());
        };
        let status = child.wait().with_context(|| format!("cannot wait for `{self}`"))?;
        if status.success() != self.succeeds {
            // What it has said is why.
            print!("{}", read.unwrap_or_default());
            return Err(self.failure(&status.to_string()));
        }
        read.with_context(|| format!("cannot read the output of `{self}`"))
    }

    fn failure(&self, status: &str) -> anyhow::Error {
        anyhow!("{status}; repeat with: {self}")
    }

    fn command(&self) -> Command {
        // Cargo names itself to what it runs; a second toolchain on PATH is then never mixed in.
        let own_cargo = std::env::var("CARGO").ok().filter(|_| self.program == "cargo");
        let mut command = Command::new(own_cargo.as_deref().unwrap_or(&self.program));
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.folder);
        command
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_to_repeat() {
        let error = Cmd::new("sh", ["-c", "exit 3"]).env("A", "b c").run().unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("A='b c' sh -c 'exit 3'"), "{error}");
    }

    #[test]
    fn output_is_returned_and_a_failing_command_returns_none() {
        assert_eq!(Cmd::new("sh", ["-c", "echo yes"]).stdout(Duration::from_secs(60)).unwrap(), "yes\n");
        assert!(Cmd::new("sh", ["-c", "echo yes; exit 1"]).stdout(Duration::from_secs(60)).is_err());
    }

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let error = Cmd::new("sh", ["-c", "exec sleep 60"]).stdout(Duration::from_millis(1)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
    }
}
