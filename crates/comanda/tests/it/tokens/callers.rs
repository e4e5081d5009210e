//! What is done with a token: under whose name, how often, how much of it, and through which process.

use serde_json::{Value, json};

use super::issuer::{Issuer, get_with, served};
use crate::http::{Answer, Request};
use crate::server::{Server, comanda};
use crate::wait;

const ALL: &str = "queries commands operations";

fn post(server: &Server, token: &str, path: &str, body: &Value) -> Answer {
    Request::new(server.addr, "POST", path).bearer(token).json(body).send()
}

#[test]
fn ledger_and_events_name_the_subject_with_its_issuer() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    server.stocked("TEA", 10);
    let tom = issuer.token_for("tom", "default", ALL);
    let request = Request::new(server.addr, "POST", "/v1/stock/adjustments").bearer(&tom).header("actor", "key:owner");
    request.json(&json!({"sku": "TEA", "delta": -1, "reasonCode": "damaged"})).send().is(201);
    server.settle();
    let ledger = server.get("/v1/stock/TEA/ledger").is(200).json();
    let actors: Vec<_> = ledger["items"].as_array().unwrap().iter().map(|entry| &entry["actor"]).collect();
    let at = |subject: &str| format!("jwt:{subject}@{}", issuer.addr);
    assert_eq!(actors, [&json!(at("tom")), &json!(at("mia"))], "{ledger}");
    server.stop().verifies();
}

#[test]
fn each_subject_may_ask_as_often_as_is_said_whatever_tokens_it_has() {
    let issuer = Issuer::start();
    let server = served(&issuer, &["--jwt-rate", "1"]);
    let refused = wait::until("the rate is used up", || {
        // Two tokens of one subject, made at different times.
        let tokens = ["queries", "queries commands"].map(|scopes| issuer.token_for("tom", "default", scopes));
        tokens.iter().map(|token| get_with(&server, token)).find(|answer| answer.status == 429)
    });
    refused.problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = get_with(&server, &issuer.token_for("eve", "default", "queries")).is(200);
    assert_eq!(other.header("ratelimit-policy"), Some("\"key\";q=1;w=1"));
}

#[test]
fn each_subject_holds_no_more_than_is_said() {
    let issuer = Issuer::start();
    let server = served(&issuer, &["--jwt-units-held-max", "10", "--jwt-hold-seconds-max", "60"]);
    server.stocked("TEA", 100);
    let [mia, tom] = ["mia", "tom"].map(|subject| issuer.token_for(subject, "default", ALL));
    let reserve = |token: &str, id: &str, units: u64, seconds: u64| {
        let lines = json!([{"sku": "TEA", "quantity": units}]);
        let body = json!({"reservationId": id, "lines": lines, "ttlSeconds": seconds});
        post(&server, token, "/v1/reservations", &body)
    };
    reserve(&mia, "a", 10, 60).is(201);
    reserve(&mia, "b", 1, 60).problem(429, "HOLDS_TOO_MUCH");
    reserve(&issuer.token_for("mia", "default", "commands"), "b", 1, 60).problem(429, "HOLDS_TOO_MUCH");
    reserve(&tom, "c", 10, 60).is(201);
    let refused = reserve(&tom, "d", 1, 61).problem(422, "INVALID_FIELDS");
    assert_eq!(refused.errors[0].pointer, "/ttlSeconds");
}

#[test]
fn a_token_lacks_what_its_scopes_do_not_name() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let body = json!({"sku": "TEA"});
    for scopes in ["", "openid", "queries operations", "COMMANDS", "commands,queries"] {
        let refused = post(&server, &issuer.token_for("mia", "default", scopes), "/v1/skus", &body);
        refused.problem(403, "FORBIDDEN");
        let challenge = refused.header("www-authenticate").unwrap();
        assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"commands\"", "{scopes}");
    }
    post(&server, &issuer.token_for("mia", "default", "commands"), "/v1/skus", &body).is(201);
}

#[test]
fn keys_go_on_beside_tokens_and_nobody_comes_in_without_either() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    Request::new(server.addr, "GET", "/v1/stock").send().problem(401, "UNAUTHENTICATED");
    let made = crate::server::run(&["keys", "create", "--name", "shop", "--data", server.data().to_str().unwrap()]);
    let key = String::from_utf8(made.stdout).unwrap().trim_end().to_owned();
    wait::until("the key counts", || (get_with(&server, &key).status == 200).then_some(()));
    let description = server.get("/openapi.json").is(200).json();
    let scheme = &description["components"]["securitySchemes"]["credential"];
    assert_eq!((&scheme["scheme"], &scheme["bearerFormat"]), (&json!("bearer"), &json!("JWT")), "{scheme}");
}

#[test]
fn a_token_is_passed_on_between_processes_and_looked_at_by_each() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start();
    let start = |roles: &str, more: [&str; 2]| {
        let mut command = comanda();
        command.args(["serve", "--listen", "127.0.0.1:0", "--roles", roles]).args(more).args(issuer.arguments());
        let log = folder.path().join(format!("{roles}.log"));
        let mut server = Server::serving(command, &folder.path().join(roles), &log);
        server.come_with(&issuer.token());
        server
    };
    let inventory = start("inventory", ["--fulfillment-at", "http://127.0.0.1:9"]);
    let gateway = start("fulfillment,gateway", ["--inventory-at", &format!("http://{}", inventory.addr)]);
    wait::until("tokens count", || (gateway.get("/v1/stock").status == 200).then_some(()));
    gateway.stocked("TEA", 5);
    let ledger = wait::until("it is in the ledger", || {
        let ledger = inventory.get("/v1/stock/TEA/ledger");
        (ledger.status == 200 && ledger.json()["items"] != json!([])).then(|| ledger.json())
    });
    assert_eq!(ledger["items"][0]["actor"], json!(format!("jwt:mia@{}", issuer.addr)));
    get_with(&inventory, &issuer.token_for("mia", "default", "commands")).problem(403, "FORBIDDEN");
    // Each of them has the default tenant alone, and says so whoever asks for another.
    get_with(&gateway, &issuer.token_for("mia", "other", ALL)).problem(403, "FORBIDDEN");
}

#[test]
fn neither_log_nor_answers_nor_data_hold_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start();
    let mut command = comanda();
    command.env("COMANDA_LOG", "trace").args(["serve", "--listen", "127.0.0.1:0"]).args(issuer.arguments());
    let (data, log) = (folder.path().join("data"), folder.path().join("stderr.log"));
    let mut server = Server::serving(command, &data, &log);
    let token = issuer.token();
    server.come_with(&token);
    wait::until("tokens count", || (server.get("/v1/stock").status == 200).then_some(()));
    server.stocked("TEA", 5);
    let cut = &token[..token.len() - 1];
    let mut said = get_with(&server, cut).body;
    said.extend(server.get("/metrics").is(200).body);
    assert!(String::from_utf8_lossy(&said).contains("jwks_fetches_total"));
    server.stop();
    let parts: Vec<&str> = token.split('.').collect();
    let mut folders = vec![folder.path().to_owned()];
    let mut log_bytes = 0;
    while let Some(dir) = folders.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            log_bytes += if path == log { content.len() } else { 0 };
            said.extend(content);
        }
    }
    assert!(log_bytes > 500, "the log was looked through: {log_bytes} bytes");
    for part in [&parts[1][..40], &parts[2][..40]] {
        assert!(!said.windows(part.len()).any(|window| window == part.as_bytes()));
    }
}
