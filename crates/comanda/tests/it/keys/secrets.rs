//! A secret shows nowhere: not in a log at its most talkative, not in an answer, an argument, or the data.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::ring::{create, keys};
use crate::http::Request;
use crate::server::{Server, comanda};
use crate::wait;

fn files_under(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

fn holds(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn neither_log_nor_answers_nor_arguments_nor_data_hold_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (stock, orders) = (folder.path().join("stock"), folder.path().join("orders"));
    let ring = folder.path().join("keys.json");
    let shared = ["--keys", ring.to_str().unwrap()];
    let scopes = ["--scopes", "queries,commands,operations"];
    let owner = create(&stock, "owner", &[&scopes[..], &shared].concat());
    let revoked = create(&stock, "revoked", &[&scopes[..], &shared].concat());
    assert!(keys(&stock, &[&["revoke", &revoked.id][..], &shared].concat()).status.success());
    let start = |data: &Path, log: &str, more: &[&str]| {
        let mut command = comanda();
        // All that anything linked into the program has to say.
        command.env("COMANDA_LOG", "trace").env("COMANDA_API_KEY", &owner.text);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(shared).args(more);
        let mut server = Server::serving(command, data, &folder.path().join(log));
        server.come_with(&owner.text);
        server
    };
    let nowhere = "http://127.0.0.1:9";
    let inventory = start(&stock, "stock.log", &["--roles", "inventory", "--fulfillment-at", nowhere]);
    let at = format!("http://{}", inventory.addr);
    let gateway = start(&orders, "orders.log", &["--roles", "fulfillment,gateway", "--inventory-at", &at]);

    gateway.stocked("TEA", 5);
    gateway.post("/v1/orders", &json!({"orderId": "o", "lines": [{"sku": "TEA", "quantity": 1}]})).is(202);
    gateway.get("/v1/orders/o").is(200);
    let mut cut = owner.text.clone();
    cut.pop();
    let mut answers = Vec::new();
    for credential in [&owner.text, &revoked.text, &cut] {
        for path in ["/v1/stock", "/v1/nothing", "/v1/skus/%ff", "/metrics", "/openapi.json"] {
            answers.extend(Request::new(gateway.addr, "GET", path).bearer(credential).send().body);
        }
        let wrong = Request::new(gateway.addr, "POST", "/v1/skus").bearer(credential).body("application/json", "{");
        answers.extend(wrong.send().body);
    }
    wait::until("the feed was read with the key", || {
        let metrics = String::from_utf8(inventory.get("/metrics").is(200).body).unwrap();
        let mut counted = metrics.lines().filter(|line| line.starts_with("http_requests_total"));
        counted.any(|line| line.contains("/v1/events") && line.contains("2xx")).then_some(())
    });
    for (server, key) in [(&inventory, &owner), (&gateway, &owner)] {
        let arguments = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
        assert!(!arguments.is_empty() && !holds(&arguments, &key.text));
    }
    inventory.stop();
    gateway.stop();

    let mut files = Vec::new();
    files_under(folder.path(), &mut files);
    let mut log_bytes = 0;
    for key in [&owner, &revoked] {
        let secret = &key.text.rsplit_once('_').unwrap().1[..24];
        assert!(!holds(&answers, secret), "an answer");
        for file in &files {
            let content = fs::read(file).unwrap();
            assert!(!holds(&content, secret), "{}", file.display());
            log_bytes += if file.extension().is_some_and(|ending| ending == "log") { content.len() } else { 0 };
        }
    }
    assert!(log_bytes > 10_000, "the logs were looked through: {log_bytes} bytes");
}
