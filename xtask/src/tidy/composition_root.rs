//! Only one file of `comanda` names concrete adapters: there the program is put together.

use super::finding::Finding;
use super::source::lines_with;
use super::tree::Tree;

/// Crates of adapters, and how the types of adapters begin.
const CRATES: &[&str] = &["comanda_stores", "comanda_messaging", "rusqlite", "tokio_postgres", "async_nats", "redis"];
const PREFIXES: &[&str] = &["Sqlite", "Postgres", "Nats", "JetStream", "Redis", "MemoryEvent", "MemoryRead"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let binary = tree.rust().filter(|(path, _)| path.starts_with("crates/comanda/src/"));
    let naming: Vec<(&str, usize)> = binary.filter_map(|(path, code)| Some((path, first_adapter(&code)?))).collect();
    if naming.len() < 2 {
        return Vec::new();
    }
    let paths: Vec<&str> = naming.iter().map(|(path, _)| *path).collect();
    let finding = |(path, line): &(&str, usize)| Finding {
        path: (*path).to_owned(),
        line: *line,
        what: format!("{} files name concrete adapters: {}", paths.len(), paths.join(", ")),
        why: "whoever adds a store must find one place to change, and everything else must work with any store",
        fix: "keep the adapters in one of these files and hand the others ports",
    };
    naming.iter().map(finding).collect()
}

/// The first line whose code names an adapter.
fn first_adapter(code: &str) -> Option<usize> {
    let crates = CRATES.iter().flat_map(|name| lines_with(code, name));
    let is_adapter = |word: &str| PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    let types = code.lines().zip(1..).filter(|(line, _)| line.split(|c: char| !c.is_alphanumeric()).any(is_adapter));
    crates.chain(types.map(|(_, line)| line)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSE: &str = "//! Puts it together.\nuse comanda_stores::SqliteFolder;\n";

    #[test]
    fn one_file_that_names_adapters_passes() {
        let tree = Tree::default()
            .with("crates/comanda/src/compose.rs", COMPOSE)
            .with("crates/comanda/src/serve.rs", "//! On SqliteFolder.\nfn serve(store: Arc<dyn EventStore>) {}\n")
            .with("crates/comanda/benches/quality.rs", COMPOSE);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_second_file_is_found() {
        let tree = Tree::default()
            .with("crates/comanda/src/compose.rs", COMPOSE)
            .with("crates/comanda/src/verify.rs", "//! Verifies.\n\nfn verify(folder: &SqliteFolder) {}\n");
        let findings = check(&tree);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 3]);
        assert!(findings[0].what.contains("compose.rs") && findings[0].what.contains("verify.rs"));
    }
}
