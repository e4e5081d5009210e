//! The repository as the checks see it: the files git knows or would know, and the graph of dependencies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::graph::Graph;
use super::source::{Kind, only};
use crate::sh::Cmd;

/// Files by their path from the root, with `/` between folders, and the dependencies of the workspace.
#[derive(Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
    /// Who depends on whom.
    pub(crate) graph: Graph,
}

impl Tree {
    /// Reads what is tracked, and what is new and not ignored.
    ///
    /// # Errors
    /// When git or cargo cannot answer, or a file cannot be read.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let listed = Cmd::new("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .stdout(Duration::from_secs(60))
            .context("tidy needs a git checkout to know which files are ours")?;
        let mut files = BTreeMap::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // A tracked file that was deleted, or a folder of another repository, has no text.
            let Ok(bytes) = fs::read(root.join(path)) else { continue };
            files.insert(path.to_owned(), String::from_utf8(bytes).unwrap_or_default());
        }
        Ok(Self { files, graph: Graph::load()? })
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Every file: path and text (empty when it is no UTF-8).
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file, empty when there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// The Rust files and their code: comments and the insides of strings are blank.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, String)> {
        let rust = self.files().filter(|(path, _)| path.ends_with(".rs"));
        rust.map(|(path, text)| (path, only(text, &[Kind::Code])))
    }

    /// Whether a file or a folder is at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let inside = self.files.range(folder.clone()..).next().is_some_and(|(first, _)| first.starts_with(&folder));
        path.is_empty() || inside || self.files.contains_key(path)
    }

    /// Where the manifest of one of our packages names a dependency: path and line.
    pub(crate) fn manifest_line(&self, package: &str, dependency: &str) -> (String, usize) {
        let name = format!("name = \"{package}\"");
        let manifest = self.files().find(|(path, text)| path.ends_with("Cargo.toml") && text.contains(&name));
        let (path, text) = manifest.unwrap_or(("Cargo.toml", ""));
        let line = text.lines().position(|line| {
            let rest = line.trim_start().strip_prefix(dependency);
            rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        });
        (path.to_owned(), line.map_or(1, |line| line + 1))
    }
}

/// Made-up trees for the tests of the checks.
#[cfg(test)]
impl Tree {
    /// Adds a file.
    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Adds one of our packages with the packages it depends on.
    pub(crate) fn with_package(mut self, name: &str, dependencies: &[&str]) -> Self {
        self.graph.add(name, dependencies);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_there_and_prefixes_are_not() {
        let tree = Tree::default().with("docs/guides/a.md", "");
        assert!(tree.has("docs") && tree.has("docs/guides/") && tree.has("docs/guides/a.md"));
        assert!(!tree.has("doc") && !tree.has("docs/guides/a") && !tree.has("docs/b.md"));
    }

    #[test]
    fn a_manifest_line_is_found_by_the_whole_name() {
        let manifest =
            "[package]\nname = \"load\"\n[dependencies]\nserde_json.workspace = true\nserde.workspace = true\n";
        let tree = Tree::default().with("crates/load/Cargo.toml", manifest);
        assert_eq!(tree.manifest_line("load", "serde"), ("crates/load/Cargo.toml".to_owned(), 5));
    }

    #[test]
    fn the_real_repository_loads() {
        let tree = Tree::load(crate::sh::root()).unwrap();
        assert!(tree.has("xtask/src/main.rs") && tree.has("crates"));
        // The graph sees through our packages to foreign ones, and what our manifests ask of them.
        assert!(tree.graph.reached("comanda").contains_key("libsqlite3-sys"));
        assert!(tree.graph.features_asked("comanda-load", "hyper").iter().any(|feature| feature == "client"));
        assert!(tree.manifest_line("comanda-load", "hyper").1 > 1);
        assert!(!tree.has("target"));
    }
}
