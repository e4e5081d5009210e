//! schemathesis in a virtual environment under `target/`: installed once, and anew when its requirements change.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::sh::{Cmd, root};

/// What is installed: exact versions, each known by its hash.
const REQUIREMENTS: &str = "xtask/schemathesis/requirements.txt";

/// A program of the environment.
pub(super) fn program(name: &str) -> String {
    folder().join("bin").join(name).display().to_string()
}

fn folder() -> PathBuf {
    root().join("target/schemathesis")
}

/// Installs it unless it is there as the requirements say.
pub(crate) fn provide() -> Result<()> {
    let wanted =
        fs::read_to_string(root().join(REQUIREMENTS)).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let stamp = folder().join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let missing = "schemathesis, which asks the server what its description allows, cannot be installed: it needs \
                   Python 3.10 or newer with venv (on Debian the package python3-venv), and PyPI";
    let environment = folder().display().to_string();
    Cmd::new("python3", ["-m", "venv", "--clear", &environment]).run().context(missing)?;
    let install = ["install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS];
    Cmd::new(&program("pip"), install).run().context(missing)?;
    // Last, so that half an installation counts as none.
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
