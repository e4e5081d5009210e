//! Inventory and Fulfillment never depend on each other: they meet in `contracts`.

use super::finding::Finding;
use super::tree::Tree;

/// The bounded contexts, by package.
pub(super) const CONTEXTS: &[&str] = &["comanda-inventory", "comanda-fulfillment"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for context in CONTEXTS {
        let reached = tree.graph.reached(context);
        for chain in CONTEXTS.iter().filter_map(|other| reached.get(other)) {
            let (path, line) = tree.manifest_line(context, chain.get(1).unwrap_or(context));
            findings.push(Finding {
                path,
                line,
                what: format!("one context depends on another: {}", chain.join(" -> ")),
                why: "a context that knows another's code can no longer change, or run, without it",
                fix: "move the shared shape to `contracts` and translate it in publish.rs or react.rs",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_that_meet_in_the_contracts_pass() {
        let tree = Tree::default()
            .with_package("comanda-contracts", &["serde"])
            .with_package("comanda-inventory", &["comanda-contracts", "cqrs"])
            .with_package("comanda-fulfillment", &["comanda-contracts", "cqrs"]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_context_that_reaches_the_other_is_found() {
        let tree = Tree::default()
            .with_package("comanda-inventory", &[])
            .with_package("helpers", &["comanda-inventory"])
            .with_package("comanda-fulfillment", &["helpers"])
            .with(
                "crates/fulfillment/Cargo.toml",
                "[package]\nname = \"comanda-fulfillment\"\nhelpers.workspace = true\n",
            );
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].path.as_str(), findings[0].line), ("crates/fulfillment/Cargo.toml", 3));
        assert!(findings[0].what.contains("comanda-fulfillment -> helpers -> comanda-inventory"));
    }
}
