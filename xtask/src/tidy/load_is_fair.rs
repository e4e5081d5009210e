//! The judge cannot cheat: `load` has no path to the code it judges.

use super::contexts_need_no_adapter::ADAPTERS;
use super::finding::Finding;
use super::tree::Tree;

const JUDGE: &str = "comanda-load";
/// The only package of ours that the judge may know.
const PUBLISHED: &str = "comanda-contracts";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let reached = tree.graph.reached(JUDGE);
    let bad = reached.iter().filter(|(name, _)| {
        let ours = tree.graph.is_ours(name) && **name != PUBLISHED;
        ours || ADAPTERS.contains(name)
    });
    bad.map(|(_, chain)| {
        let (path, line) = tree.manifest_line(JUDGE, chain.get(1).unwrap_or(&JUDGE));
        Finding {
            path,
            line,
            what: format!("the load generator reaches server code: {}", chain.join(" -> ")),
            why: "a judge that shares code or state with the judged can agree with its mistakes",
            fix: "speak HTTP and the shapes of `contracts`; count again what you need to know",
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_and_http_pass() {
        let tree = Tree::default()
            .with_package("comanda-contracts", &["serde"])
            .with_package("comanda-load", &["comanda-contracts", "hyper/client"])
            .with_package("comanda", &["comanda-load", "cqrs"]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn server_code_and_a_database_are_found() {
        let tree = Tree::default()
            .with_package("cqrs", &[])
            .with_package("comanda-contracts", &["cqrs"])
            .with_package("comanda-load", &["comanda-contracts", "rusqlite"]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().any(|f| f.what.ends_with("comanda-load -> comanda-contracts -> cqrs")));
    }
}
