//! Keys for tests: made by the program itself, on a folder whose server may run.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::http::Answer;
use crate::server::{Server, comanda, complaint, run};

/// A key, with its secret.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) text: String,
}

/// `comanda keys …` on `data`.
pub(super) fn keys(data: &Path, arguments: &[&str]) -> Output {
    run(&[&["keys"][..], arguments, &["--data", data.to_str().unwrap()]].concat())
}

/// The key that `comanda keys …` prints.
#[track_caller]
pub(super) fn printed(output: &Output) -> Key {
    assert!(output.status.success(), "{}", complaint(output));
    let text = String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned();
    let id = text.strip_prefix("cmd_").and_then(|rest| rest.split_once('_')).expect("a key").0.to_owned();
    assert!(!text.contains(char::is_whitespace), "the key and nothing else: {text}");
    Key { id, text }
}

#[track_caller]
pub(super) fn create(data: &Path, name: &str, more: &[&str]) -> Key {
    printed(&keys(data, &[&["create", "--name", name][..], more].concat()))
}

/// Every key, as `comanda keys list --json` shows it.
#[track_caller]
pub(super) fn listed(data: &Path) -> Vec<Value> {
    let output = keys(data, &["list", "--json"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    listed["keys"].as_array().unwrap().clone()
}

/// What `server` answers to a GET that comes with `credential`.
pub(super) fn get_with(server: &Server, path: &str, credential: &str) -> Answer {
    crate::http::Request::new(server.addr, "GET", path).bearer(credential).send()
}

/// A server with a key for everything, which its requests carry.
pub(super) fn locked() -> (Server, Key) {
    locked_by(&[])
}

/// The same, started with more arguments.
pub(super) fn locked_by(more: &[&str]) -> (Server, Key) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = create(&data, "owner", &["--scopes", "queries,commands,operations"]);
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(more);
    let mut server = Server::serving(command, &data, &folder.path().join("stderr.txt"));
    server.keep(folder);
    server.come_with(&key.text);
    crate::wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
    (server, key)
}
