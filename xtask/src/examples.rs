//! Runs every example of the library: an example that fails or panics fails the tests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::sh::{Cmd, root, step};

/// Runs `crates/cqrs/examples`, each as a step.
pub(crate) fn run() -> Result<()> {
    let folder = root().join("crates/cqrs/examples");
    let names = named(&folder)?;
    ensure!(!names.is_empty(), "no example in {}; add one, or drop this step from xtask/src/test.rs", folder.display());
    names.iter().try_for_each(|name| {
        step(&format!("example {name}"), || {
            Cmd::cargo(["run", "--quiet", "--locked", "--package", "cqrs", "--example", name]).run()
        })
    })
}

/// The names cargo gives the examples of a folder: `name.rs`, or `name/main.rs`.
fn named(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let is_example = path.extension().is_some_and(|ext| ext == "rs") || path.join("main.rs").is_file();
        names.extend(path.file_stem().filter(|_| is_example).map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_with_a_main_are_examples_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("switch.rs"), "").unwrap();
        fs::write(folder.path().join("notes.md"), "").unwrap();
        for (name, file) in [("library", "main.rs"), ("shared", "helper.rs")] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(file), "").unwrap();
        }
        assert_eq!(named(folder.path()).unwrap(), ["library", "switch"]);
        assert!(named(&folder.path().join("absent")).is_err());
    }
}
