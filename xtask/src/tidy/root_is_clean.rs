//! Nothing lies in the root that does not belong there.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::Tree;

const BELONGS: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "STYLE.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "xtask",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let names: BTreeSet<&str> = tree.files().filter_map(|(path, _)| path.split('/').next()).collect();
    let strange = names.into_iter().filter(|name| !BELONGS.contains(name));
    strange
        .map(|name| Finding {
            path: name.to_owned(),
            line: 1,
            what: "this does not belong in the root".into(),
            why: "the root is a newcomer's first page",
            fix: "delete it, move it, ignore it in .gitignore, or name it in xtask/src/tidy/root_is_clean.rs",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_passes() {
        let tree = Tree::default().with("README.md", "").with("crates/notes.txt", "");
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_leftover_is_found() {
        let tree = Tree::default().with("out.json", "").with("scratch/a.rs", "").with("scratch/b.rs", "");
        assert_eq!(check(&tree).iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["out.json", "scratch"]);
    }
}
