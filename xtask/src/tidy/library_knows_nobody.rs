//! `cqrs` does no I/O, and neither it nor the stores know a context.

use super::contexts_apart::CONTEXTS;
use super::contexts_need_no_adapter::ADAPTERS;
use super::finding::Finding;
use super::source::{Kind, lines_with, only};
use super::tree::Tree;

/// The packages beneath the contexts, with their folders.
const BENEATH: &[(&str, &str)] =
    &[("cqrs", "crates/cqrs/"), ("comanda-stores", "crates/stores/"), ("comanda-messaging", "crates/messaging/")];
const SERVERS: &[&str] = &["axum", "hyper", "hyper-util", "tower-http"];
const IO: &[&str] =
    &["std::fs", "std::net", "std::process", "std::os", "tokio::fs", "tokio::net", "tokio::process", "tokio::io"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = reached(tree, "cqrs", &[ADAPTERS, SERVERS].concat());
    findings.extend(io_by_name(tree));
    for (package, folder) in BENEATH {
        findings.extend(reached(tree, package, CONTEXTS));
        findings.extend(contexts_by_name(tree, folder));
    }
    findings
}

fn reached(tree: &Tree, package: &str, forbidden: &[&str]) -> Vec<Finding> {
    let reached = tree.graph.reached(package);
    let bad = forbidden.iter().filter_map(|name| reached.get(name));
    // A chain that goes on beneath a forbidden package says nothing new.
    let bad = bad.filter(|chain| !chain.iter().rev().skip(1).any(|name| forbidden.contains(name)));
    bad.map(|chain| {
        let (path, line) = tree.manifest_line(package, chain.get(1).unwrap_or(&package));
        Finding {
            path,
            line,
            what: format!("`{package}` must not depend on this: {}", chain.join(" -> ")),
            why: "the library serves any domain on any store; a store serves any context",
            fix: "turn the dependency round: a port in `cqrs`, its adapter in `stores` or `messaging`, wired in `comanda`",
        }
    })
    .collect()
}

fn io_by_name(tree: &Tree) -> Vec<Finding> {
    let library = tree.rust().filter(|(path, _)| path.starts_with("crates/cqrs/src/"));
    let names = library.flat_map(|(path, code)| {
        let lines = IO.iter().flat_map(move |name| lines_with(&code, name).into_iter().map(move |line| (line, *name)));
        lines.map(|(line, name)| (path.to_owned(), line, name)).collect::<Vec<_>>()
    });
    names
        .map(|(path, line, name)| Finding {
            path,
            line,
            what: format!("the library does I/O: `{name}`"),
            why: "everything in `cqrs` can be tested, and simulated, without a disk or a network",
            fix: "put it behind a port and implement that in an adapter crate",
        })
        .collect()
}

/// Looks at code and strings, not at comments: a sentence may give an example.
fn contexts_by_name(tree: &Tree, folder: &str) -> Vec<Finding> {
    let rust = tree.files().filter(|(path, _)| path.starts_with(folder) && path.ends_with(".rs"));
    rust.flat_map(|(path, text)| {
        let said = only(text, &[Kind::Code, Kind::Text]).to_lowercase();
        let names = ["inventory", "fulfillment"].into_iter();
        let lines = said.lines().zip(1..).filter(|(line, _)| names.clone().any(|name| line.contains(name)));
        lines.map(|(_, line)| line).collect::<Vec<usize>>().into_iter().map(move |line| Finding {
            path: path.to_owned(),
            line,
            what: "a context is named beneath the contexts".into(),
            why: "what lies beneath must work for a context that does not exist yet",
            fix: "take the name as a value; in a test invent a small domain of your own",
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_without_io_and_a_store_without_a_context_pass() {
        let tree = Tree::default()
            .with_package("cqrs", &["tokio", "tower"])
            .with_package("comanda-stores", &["cqrs", "rusqlite"])
            .with("crates/cqrs/src/lib.rs", "//! As Inventory does with std::fs.\nuse std::sync::Arc;\n")
            .with("crates/stores/src/lib.rs", "//! Files.\nuse std::fs;\n");
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn io_in_the_library_is_found() {
        let tree = Tree::default().with_package("axum", &["hyper"]).with_package("cqrs", &["rusqlite", "axum"]);
        assert_eq!(check(&tree).len(), 2, "{:?}", check(&tree));
        let tree = Tree::default().with("crates/cqrs/src/lib.rs", "//! Lib.\nuse std::fs::File;\n");
        assert_eq!(check(&tree).first().map(|finding| finding.line), Some(2));
    }

    #[test]
    fn a_context_known_beneath_is_found() {
        let tree = Tree::default().with_package("comanda-stores", &["comanda-inventory"]);
        assert_eq!(check(&tree).len(), 1);
        for text in ["//! A.\nconst NAME: &str = \"inventory\";\n", "//! A.\nstruct FulfillmentStore;\n"] {
            let tree = Tree::default().with("crates/stores/src/a.rs", text);
            assert_eq!(check(&tree).first().map(|finding| finding.line), Some(2), "{text}");
        }
    }
}
