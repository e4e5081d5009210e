//! `cargo xtask guards`: takes each guard out of a copy of the source, and shows that the test named for it then fails.

mod list;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::sh::{Cmd, root};
use list::GUARDS;

/// A guard, how it is taken out, and the test that must notice.
struct Guard {
    /// What it keeps from happening.
    against: &'static str,
    /// Where it stands.
    file: &'static str,
    /// Its text, once in the file.
    text: &'static str,
    /// What stands there when it is gone.
    without: &'static str,
    /// The package of the test.
    package: &'static str,
    /// The test's name, or its end.
    test: &'static str,
}

/// How nextest ends when tests were run and some failed.
const TESTS_FAILED: i32 = 100;

/// Takes out each guard whose purpose or test contains `only`, one at a time.
///
/// # Errors
/// A guard that is not where the list says, a test that fails with its guard in place, or passes without it.
pub(crate) fn run(only: &str) -> Result<()> {
    let chosen: Vec<&Guard> = GUARDS.iter().filter(|g| g.against.contains(only) || g.test.contains(only)).collect();
    ensure!(!chosen.is_empty(), "no guard is named `{only}`");
    let bench = Bench::set_up()?;
    bench.all_pass(&chosen)?;
    let mut silent = Vec::new();
    for guard in &chosen {
        let started = Instant::now();
        let barks = bench.barks_without(guard)?;
        let said = if barks { "is missed by" } else { "IS NOT MISSED by" };
        println!("{}: {said} {} ({:.0} s)", guard.against, guard.test, started.elapsed().as_secs_f64());
        if !barks {
            silent.push(guard.against);
        }
    }
    ensure!(silent.is_empty(), "nothing fails without the guard against: {}", silent.join(", "));
    println!("{} guards, each missed by its test", chosen.len());
    Ok(())
}

/// A copy of the source with a target folder of its own.
struct Bench {
    tree: PathBuf,
    target: PathBuf,
}

impl Bench {
    /// Copies what git tracks. A file that is the same already is left alone, so that cargo does not build it again.
    fn set_up() -> Result<Self> {
        let bench = Self { tree: root().join("target/guards/tree"), target: root().join("target/guards/target") };
        let listed = Cmd::new("git", ["ls-files"]).stdout(std::time::Duration::from_secs(60))?;
        for file in listed.lines() {
            let (from, to) = (root().join(file), bench.tree.join(file));
            // Tracked, and deleted in this working copy.
            let Ok(content) = fs::read(&from) else { continue };
            write_if_changed(&to, &content)?;
        }
        Ok(bench)
    }

    /// With every guard in place the tests pass: what fails later fails for the guard's sake.
    fn all_pass(&self, guards: &[&Guard]) -> Result<()> {
        let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        guards.iter().for_each(|guard| tests.entry(guard.package).or_default().push(guard.test));
        for (package, tests) in tests {
            match self.tested(package, &tests)? {
                Some(0) => {}
                code => bail!("with all guards in place the tests of {package} end with {code:?}"),
            }
        }
        Ok(())
    }

    fn barks_without(&self, guard: &Guard) -> Result<bool> {
        let path = self.tree.join(guard.file);
        let whole = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = whole.matches(guard.text).count();
        ensure!(found == 1, "{}: the guard against {} is found {found} times", guard.file, guard.against);
        fs::write(&path, whole.replacen(guard.text, guard.without, 1))?;
        let tested = self.tested(guard.package, &[guard.test]);
        fs::write(&path, whole)?;
        match tested? {
            Some(TESTS_FAILED) => Ok(true),
            Some(0) => Ok(false),
            code => bail!("{}: nothing was tested, nextest ended with {code:?}", guard.against),
        }
    }

    /// Runs tests of the copy; returns how nextest ended.
    fn tested(&self, package: &str, tests: &[&str]) -> Result<Option<i32>> {
        let names = tests.iter().map(|test| format!("test(/(^|::){test}$/)")).collect::<Vec<_>>().join(" | ");
        let args = ["nextest", "run", "--locked", "--package", package, "--no-fail-fast", "-E", &names];
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut command = Command::new(cargo);
        command.args(args).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        command.stdout(Stdio::null());
        let output = command.output().with_context(|| format!("cannot start nextest for {package}"))?;
        let code = output.status.code();
        if !matches!(code, Some(0 | TESTS_FAILED)) {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(code)
    }
}

fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_stands_once_where_the_list_says_and_its_test_exists() {
        for Guard { against, file, text, without, package, test } in GUARDS {
            let whole = fs::read_to_string(root().join(file)).unwrap_or_default();
            assert_eq!(whole.matches(text).count(), 1, "{against}: {text} in {file}");
            assert_ne!(text, without, "{against}");
            let folder = root().join("crates").join(package.trim_start_matches("comanda-"));
            assert!(declares(&folder, &format!("fn {test}(")), "{against}: no test {test} in {package}");
        }
    }

    fn declares(folder: &Path, text: &str) -> bool {
        let Ok(entries) = fs::read_dir(folder) else { return false };
        entries.flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return declares(&path, text);
            }
            path.extension().is_some_and(|kind| kind == "rs")
                && fs::read_to_string(&path).is_ok_and(|whole| whole.contains(text))
        })
    }
}
