//! The gateway over real processes: each context's paths wherever it runs, refusals of its own, polls that end with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::http::Wire;
use crate::operators::answers_all_it_describes;
use crate::server::{Server, comanda};
use crate::wait;

/// Where nothing answers: for a part that need not reach the other one.
const NOWHERE: &str = "127.0.0.1:9";

/// Seconds that a poll asks to wait: longer than a stop may take.
const LONG_S: u64 = 30;

/// The processes of one installation. Only the gateway reaches all of them: no order is reserved here.
struct Parts {
    gateway: Server,
    /// Held, so that they serve.
    _others: Vec<Server>,
    _folder: TempDir,
}

fn start(folder: &TempDir, roles: &str, others: &[(&str, SocketAddr)]) -> Server {
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0", "--roles", roles]);
    for (context, at) in others {
        command.arg(format!("--{context}-at")).arg(format!("http://{at}"));
    }
    let server = Server::serving(command, &folder.path().join(roles), &folder.path().join(format!("{roles}.txt")));
    wait::until("the part is ready", || (server.get("/ready").status == 200).then_some(()));
    server
}

impl Parts {
    /// Every way to have one gateway and something elsewhere.
    fn all() -> [Self; 3] {
        [Self::inventory_elsewhere(), Self::fulfillment_elsewhere(), Self::both_elsewhere()]
    }

    fn inventory_elsewhere() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inventory = start(&folder, "inventory", &[("fulfillment", NOWHERE.parse().unwrap())]);
        let gateway = start(&folder, "fulfillment,gateway", &[("inventory", inventory.addr)]);
        Self { gateway, _others: vec![inventory], _folder: folder }
    }

    fn fulfillment_elsewhere() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fulfillment = start(&folder, "fulfillment", &[("inventory", NOWHERE.parse().unwrap())]);
        let gateway = start(&folder, "inventory,gateway", &[("fulfillment", fulfillment.addr)]);
        Self { gateway, _others: vec![fulfillment], _folder: folder }
    }

    fn both_elsewhere() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = NOWHERE.parse().unwrap();
        let inventory = start(&folder, "inventory", &[("fulfillment", nowhere)]);
        let fulfillment = start(&folder, "fulfillment", &[("inventory", nowhere)]);
        let others = [("inventory", inventory.addr), ("fulfillment", fulfillment.addr)];
        let gateway = start(&folder, "gateway", &others);
        Self { gateway, _others: vec![inventory, fulfillment], _folder: folder }
    }
}

#[test]
fn whatever_is_described_is_reached_wherever_it_runs() {
    for parts in Parts::all() {
        answers_all_it_describes(&parts.gateway);
    }
}

#[test]
fn both_contexts_are_worked_with_at_one_address() {
    for Parts { gateway, _others, _folder } in Parts::all() {
        let stocked = gateway.stocked("TEA", 5);
        assert_eq!(gateway.get_after("/v1/stock/TEA", &stocked).is(200).json()["sku"], "TEA");
        let line = json!({"sku": "TEA", "quantity": 1});
        let placed = gateway.post("/v1/orders", &json!({"orderId": "o", "lines": [line]})).is(202);
        let order = gateway.get_after("/v1/orders/o", &placed.token()).is(200).json();
        assert_eq!((&order["orderId"], &order["stock"][0]["sku"]), (&json!("o"), &json!("TEA")), "{order}");
        assert_eq!(gateway.get("/v1/orders/o/status").is(200).json()["status"], "RESERVATION_PENDING");
    }
}

#[test]
fn what_nobody_has_is_refused_as_by_one_process() {
    for Parts { gateway, _others, _folder } in Parts::all() {
        for path in ["/", "/v1/nothing", "/v1/orders/o/nothing", "/v1/webhooks/w/nothing?context=inventory"] {
            gateway.get(path).problem(404, "NOT_FOUND");
        }
        for path in ["/v1/stock", "/v1/backorders", "/v1/events?context=inventory", "/v1/webhooks?context=fulfillment"]
        {
            gateway.request("DELETE", path).send().problem(405, "METHOD_NOT_ALLOWED");
        }
    }
}

#[test]
fn paths_of_both_contexts_are_answered_by_the_one_that_is_asked() {
    for Parts { gateway, _others, _folder } in Parts::all() {
        gateway.stocked("TEA", 5);
        let line = json!({"sku": "TEA", "quantity": 1});
        gateway.post("/v1/orders", &json!({"orderId": "o", "lines": [line]})).is(202);
        for context in ["inventory", "fulfillment"] {
            let events = gateway.get(&format!("/v1/events?context={context}")).is(200).json();
            let (events, source) = (events.as_array().unwrap(), format!("/{context}"));
            assert!(
                !events.is_empty() && events.iter().all(|event| event["source"] == source),
                "{context}: {events:?}"
            );
            gateway.get(&format!("/v1/webhooks?context={context}")).is(200);
        }
        for path in ["/v1/events", "/v1/webhooks", "/v1/events?context=kitchen"] {
            let problem = gateway.get(path).problem(400, "INVALID_PARAMETER");
            assert!(format!("{problem:?}").contains("fulfillment"), "{problem:?}");
        }
    }
}

#[test]
fn a_poll_that_was_passed_on_does_not_hold_up_the_end() {
    let Parts { mut gateway, _others, _folder } = Parts::inventory_elsewhere();
    let mut wire = Wire::connect(gateway.addr);
    let path = format!("/v1/events?context=inventory&timeout={LONG_S}");
    wire.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
    // Passed on after it and answered: the other process has been asked by then.
    gateway.get("/v1/stock").is(200);
    let asked = Instant::now();
    gateway.terminate();
    assert!(gateway.ended().success(), "{}", gateway.complaints());
    assert!(asked.elapsed() < Duration::from_secs(LONG_S / 2), "it took {:?}", asked.elapsed());
    let answer = wire.answer().is(200);
    assert_eq!(answer.json(), json!([]), "nothing has happened in Inventory");
    assert!(answer.header("feed-next").is_some(), "it says where to go on");
}

#[test]
fn a_context_that_is_down_is_named_on_each_of_its_paths_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = start(&folder, "fulfillment,gateway", &[("inventory", NOWHERE.parse().unwrap())]);
    for path in ["/v1/stock", "/inventory", "/v1/events?context=inventory", "/v1/webhooks?context=inventory"] {
        let problem = gateway.get(path).problem(503, "CONTEXT_UNAVAILABLE");
        assert!(problem.detail.contains("inventory") && problem.detail.contains(NOWHERE), "{problem:?}");
    }
    for path in ["/v1/orders", "/orders", "/v1/events?context=fulfillment", "/v1/webhooks?context=fulfillment"] {
        gateway.get(path).is(200);
    }
}
