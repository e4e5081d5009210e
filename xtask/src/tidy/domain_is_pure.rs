//! Nothing under `domain/` waits, reads a clock, draws a random number or logs: time and ids come in as values.

use super::finding::Finding;
use super::source::lines_with;
use super::tree::Tree;

/// What a domain file may not say, and what it would be doing.
const IMPURE: &[(&str, &str)] = &[
    ("async", "waits"),
    (".await", "waits"),
    ("tokio", "waits"),
    ("std::thread", "waits"),
    ("SystemTime", "reads a clock"),
    ("Instant", "reads a clock"),
    ("Clock", "reads a clock"),
    ("SystemClock", "reads a clock"),
    ("::now", "reads a clock"),
    (".now()", "reads a clock"),
    ("rand", "draws a random number"),
    ("new_v4", "draws a random number"),
    ("now_v7", "draws a random number"),
    ("RandomState", "draws a random number"),
    ("tracing", "logs"),
    ("log::", "logs"),
    ("metrics", "logs"),
    ("print!", "logs"),
    ("println!", "logs"),
    ("eprint!", "logs"),
    ("eprintln!", "logs"),
    ("std::fs", "touches the disk"),
    ("std::env", "reads its surroundings"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, code) in tree.rust().filter(|(path, _)| path.contains("/src/domain/")) {
        for (word, deed) in IMPURE {
            findings.extend(lines_with(&code, word).into_iter().map(|line| Finding {
                path: path.to_owned(),
                line,
                what: format!("the domain {deed}: `{word}`"),
                why: "a decision must give the same answer when the log is replayed, and be tested without a runtime",
                fix: "take the time, the id or the number as a value of the command; act in `application/` or `api/`",
            }));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "crates/inventory/src/domain/stock_item/reserve.rs";

    #[test]
    fn a_pure_decision_passes_whatever_its_comments_say() {
        let code =
            "//! Never async; reads no SystemTime.\nfn decide(at: Timestamp) { let s = \"tracing\"; operand(at) }\n";
        let elsewhere = "//! A query.\nasync fn ask() { clock.now(); tracing::info!(); }\n";
        let tree = Tree::default().with(DOMAIN, code).with("crates/inventory/src/application/ask.rs", elsewhere);
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn every_impurity_is_found_on_its_line() {
        for (word, _) in IMPURE {
            let tree = Tree::default().with(DOMAIN, &format!("//! Reserve.\nfn decide() {{ x{word} {word} }}\n"));
            assert!(check(&tree).iter().any(|finding| finding.line == 2), "{word}");
        }
        let tree = Tree::default().with(DOMAIN, "//! Reserve.\nlet id = Uuid::new_v4();\nlet t = clock.now();\n");
        assert_eq!(check(&tree).iter().map(|finding| finding.line).collect::<Vec<_>>(), [3, 2]);
    }
}
