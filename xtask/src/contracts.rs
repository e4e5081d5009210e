//! `cargo xtask contracts`: writes `docs/contracts` anew from the types, unless something released would break.

use anyhow::Result;

use crate::sh::{Cmd, step};

/// Writes the documents; with `release` today's schemas become those that later ones are compared with.
pub(crate) fn run(release: bool) -> Result<()> {
    step("nothing released changes incompatibly", || tests("nothing_released", "").run())?;
    step("documents", || tests("the_documents", "write").run())?;
    if release { step("released", || tests("nothing_released", "release").run()) } else { Ok(()) }
}

fn tests(filter: &str, mode: &str) -> Cmd {
    let features = ["--features", "openapi", "--test", "it", filter];
    Cmd::cargo(["test", "--locked", "--package", "comanda-contracts"].into_iter().chain(features))
        .env("COMANDA_CONTRACTS", mode)
}
