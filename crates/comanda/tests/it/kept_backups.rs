//! A backup stays as it was made: no command works in one, or makes anything in it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::server::{Server, complaint, run};

/// Every file below `folder`, with what is in it.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn no_command_works_in_a_backup() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.post("/v1/skus", &json!({"sku": "TEA"})).is(201);
    let (backup, data) = (folder.path().join("backup"), folder.path().join("data"));
    let within = backup.join("in");
    let [to, within, new] = [&backup, &within, &data].map(|path| path.to_str().unwrap());
    let made = run(&["backup", "--data", server.data().to_str().unwrap(), "--to", to]);
    assert!(made.status.success(), "{}", complaint(&made));
    let before = content(&backup);
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0", "--data", to][..],
        &["serve", "--listen", "127.0.0.1:0", "--data", within],
        &["demo", "--exit", "--data", within],
        &["restore", "--from", to, "--data", within],
        &["backup", "--data", server.data().to_str().unwrap(), "--to", within],
        &["backup", "--data", to, "--to", new],
        &["verify", "--data", to],
        &["projections", "list", "--data", to],
        &["projections", "rebuild", "stock", "--data", to],
        &["keys", "create", "--name", "shop", "--data", to],
        &["load", "crash", "--kills", "1", "--data", within],
    ] {
        let output = run(arguments);
        let said = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(&format!("{to} is a backup")), "{arguments:?}: {said}");
        assert!(said.contains("comanda restore --from"), "{arguments:?}: {said}");
        assert!(content(&backup) == before && !Path::new(within).exists(), "{arguments:?} changed it");
    }
    let restored = run(&["restore", "--from", to, "--data", new]);
    assert!(restored.status.success(), "{}", complaint(&restored));
}

#[test]
fn a_folder_beside_a_backup_is_none() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (backup, data) = (folder.path().join("backup"), folder.path().join("backup/../data"));
    let [to, new] = [&backup, &data].map(|path| path.to_str().unwrap());
    let made = run(&["backup", "--data", server.data().to_str().unwrap(), "--to", to]);
    assert!(made.status.success(), "{}", complaint(&made));
    let restored = run(&["restore", "--from", to, "--data", new]);
    assert!(restored.status.success(), "{}", complaint(&restored));
    assert!(folder.path().join("data").is_dir());
}
