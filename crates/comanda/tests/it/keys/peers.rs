//! Programs that work together come with a key: two processes by their feeds, the load generator, whoever has a file with one.

use std::net::TcpListener;

use serde_json::json;

use super::ring::{create, locked};
use crate::http::Request;
use crate::server::{Server, comanda, complaint, finished};
use crate::wait;

/// An address that is free now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn orders_pass_between_two_processes_that_share_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("keys.json");
    let shared = ["--keys", ring.to_str().unwrap()];
    let peer = create(folder.path(), "peer", &[&["--scopes", "queries"][..], &shared].concat());
    let owner = create(folder.path(), "owner", &shared);
    let file = folder.path().join("peer.key");
    std::fs::write(&file, format!("{}\n", peer.text)).unwrap();
    let (stock_at, orders_at) = (free(), free());
    let start = |roles: &str, listen: &str, other: [&str; 2]| {
        let mut command = comanda();
        command.args(["serve", "--listen", listen, "--roles", roles, other[0], &format!("http://{}", other[1])]);
        command.args(shared).arg("--api-key-file").arg(&file);
        let data = folder.path().join(roles);
        let mut server = Server::serving(command, &data, &folder.path().join(format!("{roles}.log")));
        server.come_with(&owner.text);
        server
    };
    let inventory = start("inventory", &stock_at, ["--fulfillment-at", &orders_at]);
    let gateway = start("fulfillment,gateway", &orders_at, ["--inventory-at", &stock_at]);
    // The gateway passes the caller's own key on, and the other process looks at it again.
    gateway.stocked("TEA", 5);
    Request::new(inventory.addr, "GET", "/v1/stock/TEA").send().problem(401, "UNAUTHENTICATED");
    gateway.post("/v1/orders", &json!({"orderId": "o", "lines": [{"sku": "TEA", "quantity": 2}]})).is(202);
    wait::until("the order is reserved", || {
        (gateway.get("/v1/orders/o").is(200).json()["status"] == "RESERVED").then_some(())
    });
    inventory.settle();
    let order = gateway.get("/v1/orders/o").is(200).json();
    assert_eq!(
        (&order["stock"][0]["available"], &order["parts"]["stock"]["status"]),
        (&json!(3), &json!("ok")),
        "{order}"
    );
    let ledger = inventory.get("/v1/stock/TEA/ledger").is(200).json();
    assert!(ledger["items"].as_array().unwrap().iter().any(|entry| entry["actor"] == "key:owner"), "{ledger}");
}

#[test]
fn the_load_generator_comes_with_a_key_of_its_surroundings() {
    let (server, key) = locked();
    let addr = server.addr.to_string();
    let sale =
        ["load", "flash-sale", "--addr", &addr, "--stock", "5", "--buyers", "50", "--connections", "4", "--json"];
    let without = finished(comanda().args(sale));
    assert_eq!(without.status.code(), Some(2), "{}", complaint(&without));
    assert!(complaint(&without).contains("401"), "{}", complaint(&without));
    let with = finished(comanda().args(sale).env("COMANDA_API_KEY", &key.text));
    assert!(with.status.success(), "{}", complaint(&with));
    let broken = finished(comanda().args(sale).env("COMANDA_API_KEY", "two words"));
    assert!(complaint(&broken).contains("is no API key"), "{}", complaint(&broken));
}

#[test]
fn every_command_that_asks_a_server_comes_with_a_key_or_says_how_to_give_one() {
    let (server, key) = locked();
    server.stocked("TEA", 5);
    let folder = tempfile::tempdir().unwrap();
    let (file, key_file) = (folder.path().join("stock.csv"), folder.path().join("owner.key"));
    std::fs::write(&file, "sku,onHand\nMUG,2\n").unwrap();
    std::fs::write(&key_file, format!("{}\n", key.text)).unwrap();
    let (addr, file) = (server.addr.to_string(), file.to_str().unwrap());
    for command in [
        &["import", file][..],
        &["export", file],
        &["events", "tail", "--from-start", "--no-follow"],
        &["projections", "list"],
    ] {
        let asked = [command, &["--addr", &addr]].concat();
        let without = finished(comanda().args(&asked));
        let said = complaint(&without);
        assert_eq!(without.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("401 UNAUTHENTICATED") && said.contains("COMANDA_API_KEY"), "{command:?}: {said}");
        let with = finished(comanda().args(&asked).args(["--api-key-file", key_file.to_str().unwrap()]));
        assert!(with.status.success() && !with.stdout.is_empty(), "{command:?}: {}", complaint(&with));
        server.settle();
    }
    assert!(std::fs::read_to_string(file).unwrap().contains("MUG,,0,0,main,2,"));
}
