//! Documents tell the truth about files: what they link to, and the paths that they or the documentation of code name, exist.

use super::finding::Finding;
use super::tree::Tree;

/// Where a path in a code span must start to be taken for a path of this repository.
const OURS: &[&str] = &["crates/", "docs/", "xtask/", ".ci/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.files().filter(|(path, _)| path.ends_with(".md"));
    let written = documents.flat_map(|(path, text)| dead_ends(tree, path, text));
    // Links in the documentation of code are rustdoc's to check; of paths it knows nothing.
    let code = tree.files().filter(|(path, _)| path.ends_with(".rs"));
    let documented = code.flat_map(|(path, text)| dead_ends(tree, path, &without_links(&documentation(text))));
    written.chain(documented).collect()
}

/// The doc comments of a Rust file, each on its line; all other lines are empty.
fn documentation(text: &str) -> String {
    let prose = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).unwrap_or_default().to_owned()
    };
    text.lines().map(prose).collect::<Vec<_>>().join("\n")
}

fn without_links(prose: &str) -> String {
    prose.replace("](", "] (").replace("]: ", "] : ")
}

fn dead_ends(tree: &Tree, document: &str, text: &str) -> Vec<Finding> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    let mut in_fence = false;
    for (line, number) in text.lines().zip(1..) {
        in_fence ^= line.trim_start().starts_with("```");
        if in_fence {
            continue;
        }
        let (prose, spans) = split_code(line);
        let linked = link_targets(&prose).into_iter().filter(|target| !exists(tree, folder, target));
        let named = spans.iter().filter(|span| is_our_path(span) && !exists(tree, "", span)).map(String::as_str);
        findings.extend(linked.chain(named).map(|target| Finding {
            path: document.to_owned(),
            line: number,
            what: format!("there is no `{target}`"),
            why: "a reader who follows a dead end stops trusting the page",
            fix: "name the file where it is now; a link starts from the folder of its document, a path from the root",
        }));
    }
    findings
}

/// A line without its code spans, and the spans.
fn split_code(line: &str) -> (String, Vec<String>) {
    let parts = || line.split('`').enumerate();
    let prose = parts().filter(|(at, _)| at % 2 == 0).map(|(_, part)| part).collect::<Vec<_>>().join("``");
    (prose, parts().filter(|(at, _)| at % 2 == 1).map(|(_, part)| part.to_owned()).collect())
}

/// The targets of `[text](target)` and of `[name]: target`.
fn link_targets(prose: &str) -> Vec<&str> {
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let reference = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(reference).collect()
}

fn is_our_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    span.chars().all(plain) && OURS.iter().any(|start| span.starts_with(start))
}

/// Whether a target is outside this repository, a place in the same document, or there.
fn exists(tree: &Tree, folder: &str, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    let outside = target.contains("://") || target.starts_with("mailto:");
    outside || path.is_empty() || resolve(folder, path).is_some_and(|path| tree.has(&path))
}

/// The path from the root; nothing when it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { folder };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::default().with("docs/guides/a.md", text).with("docs/b.md", "").with("crates/cqrs/src/lib.rs", "")
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[b](../b.md#part) [me](#here) [web](https://example.org/x.md) [d](..) `crates/cqrs/src/lib.rs`\n\
                    `[not](a-link.md)` and `crates/*/src` and [two `words`](../b.md)\n[r]: ../b.md\n```\n[x](gone.md)\n```\n";
        assert!(check(&tree(text)).is_empty(), "{:?}", check(&tree(text)));
    }

    #[test]
    fn dead_links_and_vanished_paths_are_found() {
        let dead = ["[b](b.md)", "[up](../../../b.md)", "[r]: gone.md", "see `crates/cqrs/src/gone.rs`", "![p](p.png)"];
        for text in dead {
            let findings = check(&tree(&format!("# A\n\n{text}\n")));
            assert_eq!(findings.first().map(|finding| finding.line), Some(3), "{text}");
        }
    }

    #[test]
    fn paths_in_the_documentation_of_code_are_found_and_its_links_left_to_rustdoc() {
        let found = |text: &str| check(&tree("").with("crates/a/src/a.rs", text)).len();
        assert_eq!(
            found(
                "//! See `docs/b.md` and [`B`](crate::B).\n// `docs/gone.md`\n/// [b]: B\nlet a = \"`docs/c.md`\";\n"
            ),
            0
        );
        assert_eq!(found("//! See `docs/gone.md`.\nstruct A;\n"), 1);
    }
}
