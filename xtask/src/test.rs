//! `cargo xtask test`: every test there is, from the house rules to the release binary.

use anyhow::Result;

use crate::sh::{Cmd, step};
use crate::{end_to_end, examples, model, needs, tidy};

/// Runs every test and stops at the first step that fails.
pub(crate) fn run() -> Result<()> {
    step("what the tests need", needs::provide)?;
    step("tidy", tidy::run)?;
    step("unit and integration tests", || unit_and_integration().run())?;
    // nextest cannot run doc tests, so they are a step of their own.
    step("doc tests", || Cmd::cargo(["test", "--locked", "--workspace", "--doc"]).run())?;
    // Nothing else builds them, and a table nobody can print is no table.
    step("the benches build", || Cmd::cargo(["build", "--locked", "--workspace", "--benches"]).run())?;
    examples::run()?;
    model::run()?;
    end_to_end::run()
}

fn unit_and_integration() -> Cmd {
    if needs::on_path("cargo-nextest") {
        Cmd::cargo(["nextest", "run", "--locked", "--workspace"])
    } else {
        Cmd::cargo(["test", "--locked", "--workspace", "--lib", "--bins", "--tests"])
    }
}
