//! Tests wait for a condition, never for a length of time.

use super::finding::Finding;
use super::source::lines_with;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .flat_map(|(path, code)| {
            let tests_from = first_test_line(path, &code);
            let sleeps = lines_with(&code, "sleep(").into_iter().filter(move |line| *line >= tests_from);
            sleeps
                .map(|line| Finding {
                    path: path.to_owned(),
                    line,
                    what: "a test sleeps".into(),
                    why: "a sleep is too short on a busy machine and too long on every other",
                    fix: "wait on a channel, a notification or a bounded poll of the condition; or move a manual clock",
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// From which line on a file is test code.
fn first_test_line(path: &str, code: &str) -> usize {
    if path.contains("/tests/") || path.ends_with("/tests.rs") {
        return 1;
    }
    lines_with(code, "#[cfg(test)]").into_iter().next().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_off_in_the_program_passes() {
        let text = "//! A.\nfn retry() { thread::sleep(PAUSE) }\n#[cfg(test)]\nmod tests { /* no sleep */ }\n";
        let tree = Tree::default().with("crates/a/src/a.rs", text);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_test_that_sleeps_is_found() {
        let sleeps = ["std::thread::sleep(SECOND);", "tokio::time::sleep(SECOND).await;", "sleep(SECOND).await;"];
        for sleep in sleeps {
            let outside = Tree::default().with("crates/a/tests/it/main.rs", &format!("//! A.\n{sleep}\n"));
            assert_eq!(check(&outside).first().map(|finding| finding.line), Some(2), "{sleep}");
            let inside = format!("//! A.\nfn a() {{}}\n#[cfg(test)]\nmod tests {{\n{sleep}\n}}\n");
            let inside = Tree::default().with("crates/a/src/a.rs", &inside);
            assert_eq!(check(&inside).first().map(|finding| finding.line), Some(5), "{sleep}");
        }
    }
}
