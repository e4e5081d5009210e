//! `cargo xtask ci`: everything a change must pass before it lands, the cheapest step first.

use anyhow::Result;

use crate::sh::{Cmd, step};
use crate::test;

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    step("format", || Cmd::cargo(["fmt", "--all", "--check"]).run())?;
    step("lints", || Cmd::cargo(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]).run())?;
    test::run()?;
    step("documentation", || {
        Cmd::cargo(["doc", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").run()
    })
}
