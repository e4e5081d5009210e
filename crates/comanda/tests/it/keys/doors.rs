//! Who comes in: every path of the description is tried without a credential, with too little, and with just enough.

use serde_json::Value;

use super::ring::{Key, create, get_with, keys, locked};
use crate::http::{Answer, Request};
use crate::server::{Server, comanda};
use crate::tokens::{Issuer, served};
use crate::wait;

/// Operations of the description, as requests: method, path, scope.
fn described(server: &Server) -> Vec<(String, String, String)> {
    let description = server.get("/openapi.json").is(200).json();
    let mut all = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let asked: String =
            path.split(['{', '}']).enumerate().map(|(n, part)| if n % 2 == 0 { part } else { "GONE" }).collect();
        let query = if shared(path) { "?context=inventory" } else { "" };
        for (method, operation) in operations.as_object().unwrap() {
            let scope = operation["security"][0]["credential"][0].as_str();
            let scope = scope.unwrap_or_else(|| panic!("{method} {path} does not say which scope it needs"));
            all.push((method.to_uppercase(), format!("{asked}{query}"), scope.to_owned()));
        }
    }
    assert!(all.len() > 60, "{} operations", all.len());
    all
}

/// Whether both contexts have it for themselves.
fn shared(path: &str) -> bool {
    ["/v1/events", "/v1/webhooks", "/v1/dead-letters"].iter().any(|own| path.starts_with(own))
}

fn ask(server: &Server, method: &str, path: &str, credential: Option<&Key>) -> Answer {
    let request = Request::new(server.addr, method, path);
    let request = credential.iter().fold(request, |request, key| request.bearer(&key.text));
    request.send()
}

#[test]
fn every_path_asks_for_a_credential_with_its_scope_and_for_no_more() {
    let (server, _) = locked();
    each_path_asks_for_its_scope(&server, |scopes| {
        create(server.data(), &scopes.replace(',', "-"), &["--scopes", scopes])
    });
}

#[test]
fn every_path_asks_for_a_token_with_its_scope_and_for_no_more() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    each_path_asks_for_its_scope(&server, |scopes| Key {
        id: String::new(),
        text: issuer.token_for("mia", "default", &scopes.replace(',', " ")),
    });
}

/// `with` makes a credential with the scopes it is told.
fn each_path_asks_for_its_scope(server: &Server, with: impl Fn(&str) -> Key) {
    let scopes = ["queries", "commands", "operations"];
    let only = scopes.map(&with);
    let but = ["commands,operations", "queries,operations", "queries,commands"].map(&with);
    for key in only.iter().chain(&but) {
        wait::until("the key counts", || (ask(server, "GET", "/v1/nothing", Some(key)).status != 401).then_some(()));
    }
    let mut operations = described(server);
    operations.push(("GET".to_owned(), "/metrics".to_owned(), "operations".to_owned()));
    let mut seen = [0; 3];
    for (method, path, scope) in operations {
        let nobody = ask(server, &method, &path, None);
        nobody.problem(401, "UNAUTHENTICATED");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        assert!(nobody.header("x-correlation-id").is_some());

        let place = scopes.iter().position(|known| *known == scope).unwrap();
        seen[place] += 1;
        let too_little = ask(server, &method, &path, Some(&but[place]));
        assert!(too_little.problem(403, "FORBIDDEN").detail.contains(&scope), "{method} {path}");
        let challenge = too_little.header("www-authenticate").unwrap();
        assert_eq!(challenge, format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""));

        let enough = ask(server, &method, &path, Some(&only[place]));
        assert!(![401, 403].contains(&enough.status) && enough.status < 500, "{method} {path}: {enough:?}");
    }
    assert!(seen.iter().all(|count| *count > 1), "{seen:?}");
}

#[test]
fn paths_that_do_not_exist_tell_strangers_nothing() {
    let (server, key) = locked();
    for path in ["/", "/v2/skus", "/v1/stock/TEA/nothing", "/healthy", "//health", "/health%2f..%2fv1"] {
        ask(&server, "GET", path, None).problem(401, "UNAUTHENTICATED");
        ask(&server, "GET", path, Some(&key)).problem(404, "NOT_FOUND");
    }
    ask(&server, "DELETE", "/v1/skus", None).problem(401, "UNAUTHENTICATED");
}

#[test]
fn anybody_may_know_that_it_lives_and_how_to_talk_to_it() {
    let (server, _) = locked();
    for path in
        ["/health", "/ready", "/openapi.json", "/asyncapi.json", "/docs/", "/problems", "/problems/unauthenticated"]
    {
        ask(&server, "GET", path, None).is(200);
    }
    ask(&server, "POST", "/health", None).problem(401, "UNAUTHENTICATED");
}

#[test]
fn what_is_no_key_opens_nothing_and_is_not_repeated() {
    let (server, key) = locked();
    let mut other = key.text.clone();
    let last = if other.ends_with('0') { "1" } else { "0" };
    other.replace_range(other.len() - 1.., last);
    let foreign = create(&tempfile::tempdir().unwrap().path().join("data"), "owner", &[]);
    let cut = &key.text[..key.text.len() - 1];
    for wrong in
        [other.as_str(), cut, &foreign.text, "cmd_", "secret", "eyJhbGciOiJub25lIn0.e30.", &key.text.to_uppercase()]
    {
        let refused = get_with(&server, "/v1/stock", wrong);
        refused.problem(401, "UNAUTHENTICATED");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert!(!String::from_utf8_lossy(&refused.body).contains(wrong), "{refused:?}");
    }
    // Not from anywhere but the header.
    let by_query = Request::new(server.addr, "GET", &format!("/v1/stock?access_token={}", key.text)).send();
    by_query.problem(401, "UNAUTHENTICATED");
    let twice = Request::new(server.addr, "GET", "/v1/stock").bearer(&key.text).bearer(&key.text).send();
    twice.problem(401, "UNAUTHENTICATED");
    Request::new(server.addr, "GET", "/v1/stock")
        .header("authorization", &format!("bearer {}", key.text))
        .send()
        .is(200);
}

#[test]
fn loopback_is_open_until_there_is_a_key_and_closed_from_then_on() {
    let mut server = Server::start();
    server.stocked("TEA", 3);
    let key = create(server.data(), "first", &[]);
    wait::until("strangers are refused", || (ask(&server, "GET", "/v1/stock/TEA", None).status == 401).then_some(()));
    server.come_with(&key.text);
    assert_eq!(server.counters("TEA"), (3, 0, 0, 3));
    // It stays closed when its last key is gone.
    assert!(keys(server.data(), &["revoke", &key.id]).status.success());
    wait::until("the key is refused", || (server.get("/v1/stock/TEA").status == 401).then_some(()));
    std::fs::remove_file(server.data().join("keys.json")).unwrap();
    let marker = create(server.data(), "marker", &[]);
    wait::until("the file was read again", || {
        (get_with(&server, "/v1/stock/TEA", &marker.text).status == 200).then_some(())
    });
    ask(&server, "GET", "/v1/stock/TEA", None).problem(401, "UNAUTHENTICATED");
}

#[test]
fn with_auth_required_nobody_comes_in_without_a_key_that_there_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0", "--auth", "required"]);
    let server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
    ask(&server, "GET", "/v1/stock", None).problem(401, "UNAUTHENTICATED");
    let key = create(server.data(), "first", &[]);
    wait::until("the key counts", || (ask(&server, "GET", "/v1/stock", Some(&key)).status == 200).then_some(()));
}

#[test]
fn a_key_file_that_cannot_be_read_lets_nobody_in_by_mistake() {
    let (mut server, key) = locked();
    let file = server.data().join("keys.json");
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"{\"keys\": [").unwrap();
    wait::until("it is told", || server.complaints().contains("keys.json is damaged").then_some(()));
    ask(&server, "GET", "/v1/stock", None).problem(401, "UNAUTHENTICATED");
    ask(&server, "GET", "/v1/stock", Some(&key)).is(200);
    let stopped = {
        server.terminate();
        server.ended();
        crate::server::run(&["serve", "--listen", "127.0.0.1:0", "--data", server.data().to_str().unwrap()])
    };
    assert_eq!(stopped.status.code(), Some(2));
    assert!(crate::server::complaint(&stopped).contains("bring it back from a copy"));
    std::fs::write(&file, good).unwrap();
    let again = Server::start_on(server.data(), &server.data().join("stderr.txt"));
    ask(&again, "GET", "/v1/stock", Some(&key)).is(200);
    let problem: Value = ask(&again, "GET", "/v1/stock", None).json();
    assert_eq!(problem["code"], "UNAUTHENTICATED");
}
