//! `cargo xtask bench`: prints comparator, ours, ratio, bar and verdict, all measured in one run.

use anyhow::Result;

use crate::sh::Cmd;

/// Runs the bench; `args` choose what it measures. With the features of the whole workspace, as everything else is built.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let fixed = ["bench", "--locked", "--workspace", "--bench", "quality", "--"];
    Cmd::cargo(fixed.into_iter().chain(args.iter().map(String::as_str))).run()
}
