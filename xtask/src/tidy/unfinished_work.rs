//! No test that is skipped, no code that is missing, no trace of debugging.

use super::finding::Finding;
use super::source::{Kind, lines_with, only};
use super::tree::Tree;

const IN_CODE: &[(&str, &str)] = &[
    ("#[ignore", "a skipped test proves nothing and is never repaired"),
    ("todo!", "code that is not there panics in front of a user"),
    ("unimplemented!", "code that is not there panics in front of a user"),
    ("dbg!", "a trace of debugging writes to the user's stderr"),
];
// Written in two halves so that this file passes its own check.
const IN_COMMENTS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let rust = tree.files().filter(|(path, _)| path.ends_with(".rs"));
    rust.flat_map(|(path, text)| {
        unfinished(text)
            .into_iter()
            .map(|(line, word, why)| Finding {
                path: path.to_owned(),
                line,
                what: format!("unfinished: `{word}`"),
                why,
                fix: "finish it, or take it out and open an issue",
            })
            .collect::<Vec<_>>()
    })
    .collect()
}

fn unfinished(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let (code, comments) = (only(text, &[Kind::Code]), only(text, &[Kind::Comment]));
    let in_code =
        IN_CODE.iter().flat_map(|(word, why)| lines_with(&code, word).into_iter().map(|line| (line, *word, *why)));
    let noted = IN_COMMENTS.iter().flat_map(|word| lines_with(&comments, word).into_iter().map(|line| (line, *word)));
    in_code.chain(noted.map(|(line, word)| (line, word, "a note in the code is an issue that nobody finds"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_work_passes() {
        let text = "//! Finished, without todo!() or #[ignore].\nfn todo() { say(\"todo!\") }\n";
        assert!(check(&Tree::default().with("a.rs", text)).is_empty());
    }

    #[test]
    fn each_kind_of_unfinished_work_is_found() {
        let in_code = IN_CODE.iter().map(|(word, _)| format!("//! A.\n\n{word}()\n"));
        let in_comments = IN_COMMENTS.iter().map(|word| format!("//! A.\n\n// {word}: later\n"));
        for text in in_code.chain(in_comments) {
            let findings = check(&Tree::default().with("a.rs", &text));
            assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3], "{text}");
        }
    }
}
