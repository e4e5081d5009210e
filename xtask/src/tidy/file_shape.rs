//! Each Rust file opens with a sentence that says what it is, and is short enough to read at one sitting.

use super::finding::Finding;
use super::tree::Tree;

const LINES_MAX: usize = 500;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".rs")) {
        let sentence = text.lines().next().and_then(|line| line.strip_prefix("//! ")).unwrap_or_default();
        if sentence.trim().is_empty() {
            findings.push(Finding {
                path: path.to_owned(),
                line: 1,
                what: "the first line is no `//! ` sentence".into(),
                why: "a reader decides from the first line whether this is the file he looks for",
                fix: "say in one sentence what the file is",
            });
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            findings.push(Finding {
                path: path.to_owned(),
                line: LINES_MAX + 1,
                what: format!("{lines} lines; at most {LINES_MAX} are allowed, 300 are usual"),
                why: "a long file holds more than one idea, and nobody reads it to the end",
                fix: "split it by use case or by idea, each with a name of its own",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_file_with_a_sentence_passes() {
        let longest = format!("//! Long.\n{}", "\n".repeat(LINES_MAX - 1));
        let tree = Tree::default().with("a.rs", "//! What it is.\n").with("b.rs", &longest).with("c.md", "# C\n");
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn a_file_without_a_sentence_is_found() {
        for text in ["", "//!\n", "//!  \n", "use a;\n", "#![allow(x)]\n//! Late.\n"] {
            assert_eq!(check(&Tree::default().with("a.rs", text)).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        let findings = check(&Tree::default().with("a.rs", &long));
        assert!(findings.len() == 1 && findings[0].what.starts_with("501 lines"));
    }
}
