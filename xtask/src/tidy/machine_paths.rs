//! No file names a folder of the machine it was written on.

use super::finding::Finding;
use super::tree::Tree;

/// First folders of absolute paths that exist on one machine only.
const FOLDERS: &[&str] = &["work", "root", "home", "Users"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let lines =
        tree.files().flat_map(|(path, text)| text.lines().zip(1..).map(move |(line, number)| (path, line, number)));
    lines
        .filter_map(|(path, line, number)| Some((path, number, machine_folder(line)?)))
        .map(|(path, line, folder)| Finding {
            path: path.to_owned(),
            line,
            what: format!("a path of one machine: /{folder}/…"),
            why: "it does not exist on anybody else's machine",
            fix: "write the path from the root of the repository, or take it from an argument",
        })
        .collect()
}

fn machine_folder(line: &str) -> Option<&'static str> {
    FOLDERS.iter().copied().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            // After a letter, a dot or a brace it is the middle of a path that starts elsewhere.
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_and_addresses_pass() {
        let text = "see crates/work/a.rs, ../root/x, https://example.org/home/x, $HOME, ~/work/x";
        let tree = Tree::default().with("README.md", text);
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn an_absolute_path_is_found() {
        for folder in FOLDERS {
            let text = format!("first\nopen(\"/{folder}/me/file\")\n");
            let findings = check(&Tree::default().with("a.txt", &text));
            assert_eq!(findings.first().map(|finding| finding.line), Some(2), "{folder}");
        }
    }
}
