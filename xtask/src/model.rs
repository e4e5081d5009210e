//! The model check of the order process: it must hold, be as large as it should be, and see every control.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sh::{Cmd, step};

/// The most time it may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Three policies, each with six things that can happen to an order.
const MODELS: usize = 18;

/// A model with fewer states has lost something that can happen.
const STATES_MIN: u64 = 500;

/// Guards that are taken away, one at a time.
const CONTROLS: usize = 4;

/// Runs it, as a step, and shows what it says.
pub(crate) fn run() -> Result<()> {
    let command = Cmd::cargo(["run", "--quiet", "--locked", "--package", "comanda", "--example", "order_model"]);
    step("model check of the order process", || {
        let output = command.stdout(LIMIT)?;
        print!("{output}");
        judge(&output).with_context(|| format!("repeat with: {command}"))
    })
}

fn judge(output: &str) -> Result<()> {
    let counts: Vec<u64> = output.lines().filter_map(states).collect();
    ensure!(counts.len() == MODELS, "{} models were checked, not {MODELS}", counts.len());
    let smallest = counts.iter().min().copied().unwrap_or_default();
    ensure!(smallest >= STATES_MIN, "a model has only {smallest} states: it has lost something that can happen");
    let caught = output.lines().filter(|line| line.starts_with("control ") && line.contains(": caught")).count();
    ensure!(caught == CONTROLS, "{caught} controls were caught, not {CONTROLS}");
    Ok(())
}

/// The number of states in a line about a model.
fn states(line: &str) -> Option<u64> {
    let (_, counts) = line.strip_prefix("model ")?.split_once(": ")?;
    counts.split_once(" states")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(models: usize, states: u64, controls: usize) -> String {
        let model = format!("model Backorder, one SKU twice, Inbox: {states} states, 10 steps, 0.1 s\n");
        let control = "control NoDedupe: caught, a claim fails after 5 steps: []\n";
        model.repeat(models) + &control.repeat(controls)
    }

    #[test]
    fn a_whole_model_passes() {
        judge(&output(MODELS, STATES_MIN, CONTROLS)).unwrap();
    }

    #[test]
    fn a_model_that_is_missing_or_small_and_a_control_that_is_not_caught_are_noticed() {
        for output in [
            output(MODELS - 1, STATES_MIN, CONTROLS),
            output(MODELS, STATES_MIN - 1, CONTROLS),
            output(MODELS, STATES_MIN, CONTROLS - 1),
            String::new(),
        ] {
            assert!(judge(&output).is_err(), "{output}");
        }
    }
}
