//! Tenants: for whoever comes with another tenant's key nothing exists that is not his own, on any path there is.

use serde_json::{Value, json};

use super::ring::{Key, create, get_with, locked, locked_by};
use crate::http::{Answer, Request};
use crate::server::{Server, comanda};
use crate::tokens::{Issuer, served};
use crate::wait;

const ALL: [&str; 2] = ["--scopes", "queries,commands,operations"];

/// What every id of the first tenant begins with: it must not be seen by another one.
const MARK: &str = "MINE-";

/// A key of the tenant `tenant` for everything.
fn key_of(server: &Server, tenant: &str) -> Key {
    let key = create(server.data(), "owner", &[&ALL[..], &["--tenant", tenant]].concat());
    wait::until("the key counts", || (get_with(server, "/v1/stock", &key.text).status != 401).then_some(()));
    key
}

fn ask(server: &Server, method: &str, path: &str, key: &Key, body: Option<&Value>) -> Answer {
    let request = Request::new(server.addr, method, path).bearer(&key.text);
    body.into_iter().fold(request, |request, body| request.json(body)).send()
}

/// The first tenant's things: ids by the name of their parameter.
fn things(server: &Server) -> Vec<(&'static str, String)> {
    let id = |name: &str| format!("{MARK}{name}");
    let (sku, location, order) = (id("SKU"), id("LOC"), id("ORDER"));
    server.stocked(&sku, 20);
    server.post("/v1/locations", &json!({"locationId": location})).is(201);
    server.reserve(&id("RES"), &sku, 2).is(201);
    let line = json!({"lineId": "1", "sku": sku, "quantity": 3});
    server.post("/v1/orders", &json!({"orderId": order, "lines": [line]})).is(202);
    let lists = wait::until("the order is reserved", || {
        let answer = server.get(&format!("/v1/orders/{order}")).is(200).json();
        (answer["status"] == "RESERVED").then(|| answer["pickLists"].clone())
    });
    let pick_list = lists[0]["pickListId"].as_str().unwrap().to_owned();
    server.poke(&format!("/v1/orders/{order}/ready-to-ship")).is(200);
    let shipment = json!({"shipmentId": id("SHIP"), "orderId": order, "carrier": "fast"});
    server.post("/v1/shipments", &shipment).is(202);
    let hook = json!({"url": "https://example.org/hook"});
    let hook = server.request("POST", "/v1/webhooks?context=inventory").header("idempotency-key", "once").json(&hook);
    let hook = hook.send().is(201).json()["webhookId"].as_str().unwrap().to_owned();
    server.settle();
    vec![
        ("sku", sku),
        ("locationId", location),
        ("reservationId", id("RES")),
        ("orderId", order),
        ("pickListId", pick_list),
        ("shipmentId", id("SHIP")),
        ("webhookId", hook),
    ]
}

/// `path` with the ids of `things` in place of its parameters.
fn filled(path: &str, things: &[(&str, String)]) -> String {
    let parts = path.split(['{', '}']).enumerate().map(|(n, part)| match n % 2 {
        0 => part.to_owned(),
        _ => things.iter().find(|(name, _)| *name == part).map_or_else(|| "1".to_owned(), |(_, id)| id.clone()),
    });
    parts.collect()
}

#[test]
fn no_path_shows_or_changes_what_is_another_tenants() {
    let (server, owner) = locked();
    let stranger = key_of(&server, "other");
    nothing_of_the_first_tenant_is_seen(&server, &owner, &stranger);
}

#[test]
fn no_path_shows_or_changes_for_a_token_what_is_another_tenants() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let made = key_of(&server, "other");
    let token = |tenant| {
        let text = issuer.token_for("mia", tenant, "queries commands operations");
        Key { id: String::new(), text }
    };
    let stranger = token("other");
    nothing_of_the_first_tenant_is_seen(&server, &token("default"), &stranger);
    // A key and a token of one tenant see the same.
    let body = json!({"sku": "OTHERS"});
    ask(&server, "POST", "/v1/skus", &stranger, Some(&body)).is(201);
    assert!(ask(&server, "POST", "/v1/skus", &made, Some(&body)).is(201).is_replayed());
}

fn nothing_of_the_first_tenant_is_seen(server: &Server, owner: &Key, stranger: &Key) {
    let things = things(server);
    let (before, heads) = (server.everything(), server.heads());
    let description = server.get("/openapi.json").is(200).json();
    let (mut hidden, mut listed, mut refused) = (0, 0, 0);
    for (path, operations) in description["paths"].as_object().unwrap() {
        let of_each = ["/v1/events", "/v1/webhooks", "/v1/dead-letters", "/v1/projections"];
        let shared = of_each.iter().any(|own| path.starts_with(own));
        let query = if shared { "?context=inventory" } else { "" };
        let asked = format!("{}{query}", filled(path, &things));
        for method in operations.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let what = format!("{method} {asked}");
            let names_one = path.contains('{');
            if method == "GET" && names_one {
                let answer = ask(server, &method, &asked, stranger, None);
                if ask(server, &method, &asked, owner, None).status == 200 {
                    // A list below what is not there is empty, or is not there either.
                    let said = answer.json();
                    let unknown = said["code"].as_str().is_some_and(|code| code.starts_with("UNKNOWN_"));
                    let empty = answer.status == 200 && said == json!({"items": []});
                    assert!((answer.status == 404 && unknown) || empty, "{what}: {answer:?}");
                    hidden += 1;
                } else {
                    assert_ne!(answer.status, 200, "{what}");
                }
            } else if method == "GET" {
                let answer = ask(server, &method, &asked, stranger, None);
                // One that wants to be asked for something of one's own says so to both.
                assert_eq!(answer.status, ask(server, &method, &asked, owner, None).status, "{what}");
                listed += usize::from(answer.status == 200);
                let text = String::from_utf8(answer.body).unwrap();
                assert!(!text.contains(MARK), "{what}: {text}");
            } else if names_one {
                // With a body that is right for none, and with one that may be.
                for body in [json!({}), json!({"quantity": 1, "reservationId": format!("{MARK}RES"), "reason": "x"})] {
                    let answer = ask(server, &method, &asked, stranger, Some(&body));
                    // Releasing what nobody reserved is remembered: in the stranger's own data.
                    let tombstone = path.ends_with("/release") && [200, 204].contains(&answer.status);
                    let client = (400..500).contains(&answer.status) && ![401, 403].contains(&answer.status);
                    assert!(tombstone || client, "{what} {body}: {answer:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(hidden >= 15 && listed >= 15 && refused >= 40, "{hidden} hidden, {listed} lists, {refused} refused");
    ask(server, "POST", "/v1/dead-letters:retry?context=inventory", stranger, Some(&json!({"type": "x"})));
    assert_eq!((server.everything(), server.heads()), (before, heads), "nothing of the first tenant has changed");
}

#[test]
fn two_tenants_have_the_same_names_for_different_things() {
    let (mut server, owner) = locked();
    server.stocked("TEA", 5);
    let token = server.reserve("r", "TEA", 5).is(201).token();
    let cursor = server.get("/v1/events?context=inventory").header("feed-next").unwrap().to_owned();
    let other = key_of(&server, "other");
    server.come_with(&other.text);
    server.stocked("TEA", 7);
    server.reserve("r", "TEA", 1).is(201);
    assert_eq!(ask(&server, "GET", "/v1/reservations/r", &owner, None).json()["lines"][0]["held"], 5);
    assert_eq!(server.get("/v1/reservations/r").is(200).json()["lines"][0]["held"], 1);
    // What one tenant was given to come back with says nothing to the other.
    server.get_after("/v1/stock/TEA", &token).problem(400, "FOREIGN_TOKEN");
    server.get(&format!("/v1/events?context=inventory&after={cursor}")).problem(409, "FOREIGN_CURSOR");
    // Operations are about the tenant's own; the process is the default tenant's matter.
    server.get("/v1/webhooks?context=inventory").is(200);
    server.get("/metrics").problem(404, "NOT_FOUND");
    ask(&server, "GET", "/metrics", &owner, None).is(200);
    assert!(server.data().join("tenants/other/inventory/log.db").exists());
    assert_ne!(
        std::fs::read(server.data().join("webhooks.key")).unwrap(),
        std::fs::read(server.data().join("tenants/other/webhooks.key")).unwrap()
    );
    server.stop().verifies();
}

#[test]
fn after_a_restart_every_tenant_goes_on_though_nobody_asks() {
    let (mut server, _) = locked();
    let other = key_of(&server, "other");
    server.come_with(&other.text);
    server.stocked("TEA", 5);
    let brief = json!({"reservationId": "r", "lines": [{"sku": "TEA", "quantity": 5}], "ttlSeconds": 1});
    server.post("/v1/reservations", &brief).is(201);
    let stopped = server.kill();
    let log = stopped.data.join("tenants/other/inventory/log.db");
    let mut server = stopped.start();
    // The hold ends and is recorded, before anybody has asked for this tenant.
    wait::until("the hold's end is recorded", || {
        let log = rusqlite::Connection::open_with_flags(&log, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let ended = "SELECT count(*) FROM events WHERE CAST(metadata AS TEXT) LIKE '%expire%'";
        let count: i64 = log.query_row(ended, [], |row| row.get(0)).unwrap();
        (count > 0).then_some(())
    });
    server.come_with(&other.text);
    wait::until("the view shows it", || (server.get("/v1/stock/TEA").is(200).json()["available"] == 5).then_some(()));
    let stopped = server.stop();
    stopped.verifies();
    // Verification covers every tenant: a view of one that was tampered with is found.
    let views = rusqlite::Connection::open(stopped.data.join("tenants/other/inventory/views.db")).unwrap();
    let table: String = views
        .query_row("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%stock%' LIMIT 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    views.execute(&format!("DELETE FROM \"{table}\""), []).unwrap();
    drop(views);
    let verified = stopped.verify();
    assert_eq!(verified.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&verified.stdout).contains("tenant other"), "{verified:?}");
}

#[test]
fn tenants_are_bounded() {
    let (server, owner) = locked_by(&["--tenants-max", "1"]);
    let first = key_of(&server, "first");
    ask(&server, "GET", "/v1/stock", &first, None).is(200);
    let second = key_of(&server, "second");
    ask(&server, "GET", "/v1/stock", &second, None).problem(503, "TOO_MANY_TENANTS");
    assert!(!server.data().join("tenants/second").exists());
    for key in [&first, &owner] {
        ask(&server, "GET", "/v1/stock", key, None).is(200);
    }
}

#[test]
fn a_process_with_a_part_of_the_system_has_one_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comanda();
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--auth",
        "required",
        "--roles",
        "inventory",
        "--fulfillment-at",
        "http://127.0.0.1:9",
    ]);
    let server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
    create(server.data(), "mine", &[]);
    let other = key_of(&server, "other");
    assert!(ask(&server, "GET", "/v1/stock", &other, None).problem(403, "FORBIDDEN").detail.contains("default tenant"));
}
