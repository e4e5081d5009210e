//! `cargo xtask tidy`: the house rules, each a check that has been seen to fail.
//!
//! A check is one file and one function from the tree to what is wrong with it. It comes with a test in which it passes
//! and a test in which it barks on a made-up tree. To add one, write the file and add a line to [`CHECKS`].

mod composition_root;
mod contexts_apart;
mod contexts_need_no_adapter;
mod domain_is_pure;
mod file_shape;
mod finding;
mod graph;
mod guards_have_subjects;
mod library_knows_nobody;
mod licences;
mod links;
mod load_is_fair;
mod machine_paths;
mod quotes;
mod root_is_clean;
mod source;
mod tests_do_not_sleep;
mod traits_have_examples;
mod tree;
mod unfinished_work;

use anyhow::{Result, ensure};
use finding::Finding;
use tree::Tree;

use crate::sh::root;

type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: &[Check] = &[
    guards_have_subjects::check,
    // The invariants of the architecture.
    contexts_apart::check,
    contexts_need_no_adapter::check,
    domain_is_pure::check,
    library_knows_nobody::check,
    composition_root::check,
    load_is_fair::check,
    // The rules of the house.
    file_shape::check,
    unfinished_work::check,
    tests_do_not_sleep::check,
    root_is_clean::check,
    machine_paths::check,
    links::check,
    quotes::check,
    traits_have_examples::check,
    licences::check,
];

/// Checks the repository and prints every finding.
///
/// # Errors
/// When there is any.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::load(root())?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    findings.iter().for_each(|finding| println!("{finding}"));
    ensure!(findings.is_empty(), "{} finding(s) above; repeat with: cargo xtask tidy", findings.len());
    println!("{} files, {} checks, nothing to say", tree.len(), CHECKS.len());
    Ok(())
}
