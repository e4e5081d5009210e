//! Every guard has something to watch: a renamed crate must not silence the rules about it.

use super::finding::Finding;
use super::tree::Tree;

const PACKAGES: &[&str] =
    &["comanda", "comanda-contracts", "comanda-inventory", "comanda-load", "comanda-stores", "cqrs"];
const FOLDERS: &[&str] = &["crates/comanda/src", "crates/cqrs/src", "crates/inventory/src/domain", "crates/stores/src"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let packages = PACKAGES.iter().filter(|name| !tree.graph.is_ours(name)).map(|name| format!("no package `{name}`"));
    let folders = FOLDERS.iter().filter(|path| !tree.has(path)).map(|path| format!("no folder `{path}`"));
    let finding = |what| Finding {
        path: "xtask/src/tidy/guards_have_subjects.rs".into(),
        line: 1,
        what,
        why: "checks about it would pass because they find nothing to look at",
        fix: "if it was renamed or moved, rename it in xtask/src/tidy as well",
    };
    packages.chain(folders).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Tree {
        let tree = PACKAGES.iter().fold(Tree::default(), |tree, name| tree.with_package(name, &[]));
        FOLDERS.iter().fold(tree, |tree, path| tree.with(&format!("{path}/a.rs"), ""))
    }

    #[test]
    fn the_crates_we_have_pass() {
        assert!(check(&whole()).is_empty());
    }

    #[test]
    fn a_missing_crate_or_folder_is_found() {
        assert_eq!(check(&Tree::default()).len(), PACKAGES.len() + FOLDERS.len());
        let renamed = Tree::default().with_package("comanda-stock", &[]);
        assert!(check(&renamed).iter().any(|finding| finding.what.contains("comanda-inventory")));
    }
}
