//! `cargo xtask shapes`: locks new stored events in `docs/events`, unless one that is locked can no longer be read as it was.

use anyhow::Result;

use crate::sh::{Cmd, step};

/// The packages that store events.
const PACKAGES: [&str; 4] = ["cqrs", "comanda-inventory", "comanda-fulfillment", "comanda-messaging"];

/// Adds samples of new events to the lock, and checks all that is in it.
pub(crate) fn run() -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    step("stored events", || {
        let arguments = ["test", "--locked"].into_iter().chain(packages).chain(["--test", "it", "shape"]);
        Cmd::cargo(arguments).env("SHAPE_LOCK_WRITE", "1").run()
    })
}
