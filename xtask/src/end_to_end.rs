//! The checks that need the release binary: what a user would type, and what must be true of its answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::interface::{self, Asked};
use crate::sh::{Cmd, step};

/// One command line of the binary, and the judge of what it prints.
struct Check {
    name: &'static str,
    /// How it is built.
    build: &'static [&'static str],
    args: &'static [&'static str],
    limit: Duration,
    judge: fn(&str) -> Result<()>,
}

/// Add a line here for a check that a user could repeat by hand.
const CHECKS: &[Check] = &[
    Check {
        name: "comanda demo sells exactly what there is",
        build: &["--release"],
        args: &["demo", "--exit", "--json"],
        limit: Duration::from_secs(180),
        judge: demo_is_sound,
    },
    Check {
        name: "comanda load crash: killed again and again, it keeps what it acknowledged",
        build: &["--release"],
        args: &["load", "crash", "--kills", "20"],
        limit: Duration::from_secs(180),
        judge: |output| says(output, "every acknowledged command is there, once"),
    },
    Check {
        name: "the control of that test: answers before the commit are caught",
        build: &["--features", "faults"],
        args: &["load", "crash", "--control", "--kills", "10"],
        limit: Duration::from_secs(180),
        judge: |output| says(output, "the control was caught"),
    },
    Check {
        name: "comanda load faults: both contexts killed and their messages harmed, nothing is lost, doubled or stuck",
        build: &["--features", "faults"],
        args: &["load", "faults", "--seeds", "2", "--orders-per-seed", "300"],
        limit: Duration::from_secs(300),
        judge: |output| says(output, "every message had one effect"),
    },
    Check {
        name: "its first control: a message that comes again has its effect again, and that is caught",
        build: &["--features", "faults"],
        args: &["load", "faults", "--control", "dedupe-off", "--seeds", "1", "--orders-per-seed", "300"],
        limit: Duration::from_secs(180),
        judge: |output| says(output, "the control was caught"),
    },
    Check {
        name: "its second control: a missing message that nobody notices is caught",
        build: &["--features", "faults"],
        args: &["load", "faults", "--control", "gap-check-off", "--seeds", "1", "--orders-per-seed", "300"],
        limit: Duration::from_secs(180),
        judge: |output| says(output, "the control was caught"),
    },
];

/// Builds the release binary, has schemathesis ask it, and runs every check.
pub(crate) fn run() -> Result<()> {
    interface(None, None)?;
    CHECKS.iter().try_for_each(|check| {
        let run = ["run", "--quiet", "--locked", "--package", "comanda"];
        let command = Cmd::cargo(run.iter().chain(check.build).chain(&["--"]).chain(check.args).copied());
        step(check.name, || {
            let output = command.stdout(check.limit)?;
            (check.judge)(&output).with_context(|| format!("wrong answer; repeat with: {command}"))
        })
    })
}

/// Builds the release binary and has schemathesis ask it, with the seed and as often as is said.
pub(crate) fn interface(seed: Option<u64>, examples: Option<u64>) -> Result<()> {
    step("release build", || Cmd::cargo(["build", "--locked", "--release", "--package", "comanda"]).run())?;
    let usual = Asked::default();
    interface::run(&Asked { seed: seed.unwrap_or(usual.seed), examples: examples.unwrap_or(usual.examples) })
}

fn says(output: &str, words: &str) -> Result<()> {
    ensure!(output.contains(words), "it does not say `{words}`: {output}");
    Ok(())
}

/// The last line is the demo's summary: something sold, something refused, nothing oversold, the books in order.
fn demo_is_sound(output: &str) -> Result<()> {
    let line = output.lines().next_back().context("it printed nothing")?;
    let summary: Value = serde_json::from_str(line).with_context(|| format!("its last line is no JSON: {line}"))?;
    let count = |name: &str| {
        let value = summary.pointer(&format!("/flashSale/{name}")).and_then(Value::as_u64);
        value.with_context(|| format!("no count `flashSale.{name}` in: {line}"))
    };
    ensure!(count("oversold")? == 0, "it oversold: {line}");
    ensure!(count("accepted")? > 0 && count("accepted")? <= count("stock")?, "it sold nothing, or too much: {line}");
    ensure!(count("rejected")? > 0, "nobody was refused, so the sale was no test: {line}");
    ensure!(summary.pointer("/verify/ok") == Some(&Value::Bool(true)), "the log and the books differ: {line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(accepted: u64, rejected: u64, oversold: u64, ok: bool) -> String {
        format!(
            "a table\n{{\"flashSale\":{{\"stock\":500,\"accepted\":{accepted},\"rejected\":{rejected},\
             \"oversold\":{oversold}}},\"verify\":{{\"ok\":{ok}}}}}\n"
        )
    }

    #[test]
    fn a_sound_sale_passes() {
        demo_is_sound(&sale(500, 4500, 0, true)).unwrap();
    }

    #[test]
    fn an_unsound_sale_is_caught() {
        let unsound =
            [sale(500, 4500, 1, true), sale(501, 4499, 0, true), sale(0, 5000, 0, true), sale(500, 0, 0, true)];
        for output in unsound.iter().chain([&sale(500, 4500, 0, false)]) {
            assert!(demo_is_sound(output).is_err(), "{output}");
        }
        for output in ["", "no JSON", "{}", "{\"flashSale\":{\"oversold\":0},\"verify\":{\"ok\":true}}"] {
            assert!(demo_is_sound(output).is_err(), "{output}");
        }
    }
}
