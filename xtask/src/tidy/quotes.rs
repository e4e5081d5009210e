//! Code quoted in a document is the code in the file: a block that opens with `// path` repeats lines of that file.

use super::finding::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.files().filter(|(path, _)| path.ends_with(".md"));
    let quotes = documents.flat_map(|(path, text)| quotes(text).into_iter().map(move |quote| (path, quote)));
    quotes
        .filter(|(_, quote)| !tree.has(quote.source) || !repeats(tree.text(quote.source), &quote.lines))
        .map(|(path, quote)| Finding {
            path: path.to_owned(),
            line: quote.line,
            what: format!("this is not what `{}` says", quote.source),
            why: "a reader copies what a document shows, and should get what we would write today",
            fix: "copy the lines again, or drop the path if they are no quotation",
        })
        .collect()
}

struct Quote<'a> {
    source: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// The fenced blocks whose first line is a comment that is a path of a Rust file.
fn quotes(text: &str) -> Vec<Quote<'_>> {
    let mut quotes = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((opening, _)) = lines.next() {
        if !opening.starts_with("```") {
            continue;
        }
        let block: Vec<(&str, usize)> = lines.by_ref().take_while(|(line, _)| !line.starts_with("```")).collect();
        let Some(((first, line), rest)) = block.split_first() else { continue };
        let source = first.strip_prefix("// ").filter(|source| source.ends_with(".rs") && !source.contains(' '));
        let rest = rest.iter().map(|(line, _)| line.trim()).collect();
        quotes.extend(source.map(|source| Quote { source, line: *line, lines: rest }));
    }
    quotes
}

/// Whether the lines stand in the file, one after the other; how far they are indented does not matter.
fn repeats(file: &str, quoted: &[&str]) -> bool {
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    !quoted.is_empty() && lines.windows(quoted.len()).any(|window| window == quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(block: &str) -> Tree {
        let file = "//! A.\nmod a {\n    fn one() {}\n\n    fn two() {}\n}\n";
        Tree::default().with("crates/a.rs", file).with("A.md", &format!("# A\n\n```rust\n{block}\n```\nfn one() {{\n"))
    }

    #[test]
    fn a_true_quotation_passes_and_so_does_a_block_of_its_own() {
        for block in ["// crates/a.rs\nfn one() {}\n\nfn two() {}", "// an idea\nfn three() {}", "fn three() {}", ""] {
            assert!(check(&tree(block)).is_empty(), "{block}");
        }
    }

    #[test]
    fn a_quotation_that_is_no_longer_true_is_found() {
        for block in ["// crates/a.rs\nfn one() {}\nfn two() {}", "// crates/gone.rs\nfn one() {}", "// crates/a.rs"] {
            assert_eq!(check(&tree(block)).first().map(|finding| finding.line), Some(4), "{block}");
        }
    }
}
