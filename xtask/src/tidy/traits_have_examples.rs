//! Every public trait of the crates that strangers build on shows, in code that the doc tests compile, how it is used.

use super::finding::Finding;
use super::source::{Kind, only};
use super::tree::Tree;

/// The crates whose documentation is read without ours.
const LIBRARIES: &[&str] = &["crates/cqrs/src/", "crates/stores/src/"];

/// What may stand behind the fence of a block that rustdoc compiles.
const COMPILED: &[&str] = &["", "rust", "no_run", "should_panic", "compile_fail"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = |path: &str| path.ends_with(".rs") && LIBRARIES.iter().any(|library| path.starts_with(library));
    tree.files().filter(|(path, _)| ours(path)).flat_map(|(path, text)| bare_traits(path, text)).collect()
}

fn bare_traits(path: &str, text: &str) -> Vec<Finding> {
    let (code, lines) = (only(text, &[Kind::Code]), text.lines().collect::<Vec<_>>());
    let traits = code.lines().enumerate().filter_map(|(at, line)| Some((at, line.trim().strip_prefix("pub trait ")?)));
    traits
        .filter(|(at, _)| !has_example(lines.get(..*at).unwrap_or_default()))
        .map(|(at, rest)| Finding {
            path: path.to_owned(),
            line: at + 1,
            what: format!("trait `{}` has no compiled example", name(rest)),
            why: "a trait is what a stranger has to write; signatures alone do not show how",
            fix: "add a ``` block to its documentation that compiles",
        })
        .collect()
}

fn name(rest: &str) -> &str {
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Whether the documentation that ends `above` opens a block that is compiled.
fn has_example(above: &[&str]) -> bool {
    let of_item = |line: &&&str| line.trim().starts_with("///") || line.trim().starts_with("#[");
    let mut fences: Vec<&str> = above
        .iter()
        .rev()
        .take_while(of_item)
        .filter_map(|line| line.trim().strip_prefix("///")?.trim().strip_prefix("```"))
        .collect();
    fences.reverse();
    // Every other fence closes a block.
    fences.iter().step_by(2).any(|label| COMPILED.contains(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let tree = Tree::default().with("crates/cqrs/src/a.rs", text);
        check(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_trait_with_a_compiled_example_passes() {
        for label in COMPILED {
            let text = format!(
                "//! A.\n/// A port.\n///\n/// ```{label}\n/// a();\n/// ```\n#[async_trait]\npub trait A {{}}\n"
            );
            assert!(found(&text).is_empty(), "{label}");
        }
    }

    #[test]
    fn a_trait_without_one_is_found() {
        assert_eq!(found("//! A.\n/// A port.\npub trait A {}\n"), [3]);
        assert_eq!(found("//! A.\n/// ```text\n/// a -> b\n/// ```\npub trait A: B {}\n"), [5]);
        // The example of its neighbour is not its own.
        assert_eq!(found("//! A.\n/// ```\n/// a();\n/// ```\npub trait A {}\n\n/// Bare.\npub trait B {}\n"), [8]);
    }

    #[test]
    fn private_traits_and_other_crates_may_go_without() {
        assert!(found("//! A.\npub(crate) trait A {}\ntrait B {}\n// pub trait C {}\n").is_empty());
        let context = Tree::default().with("crates/inventory/src/a.rs", "//! A.\npub trait A {}\n");
        assert!(check(&context).is_empty());
    }
}
