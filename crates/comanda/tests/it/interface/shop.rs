//! A shop that has three of everything, made by the requests of `tests/shop.json`: the ids are the document's examples.

use serde_json::Value;
use tempfile::TempDir;

use super::document::Operation;
use crate::carrier::Carrier;
use crate::server::Server;
use crate::wait;

const REQUESTS: &str = include_str!("../../shop.json");

/// Where an id stands in a path, and which the shop has.
const IDS: [(&str, &str); 14] = [
    ("{sku}", "TEA-01"),
    ("{locationId}", "berlin"),
    ("{reservationId}", "cart-7"),
    ("{receiptId}", "po-17"),
    ("{transferId}", "move-7"),
    ("{countId}", "count-7"),
    ("{orderId}", "order-7"),
    ("{pickListId}", "order-7~1~main"),
    ("{taskId}", "1"),
    ("{waveId}", "wave-7"),
    ("{shipmentId}", "shipment-7"),
    ("{returnId}", "return-7"),
    ("{webhookId}", "erp"),
    ("{name}", "stock"),
];

/// The shop, and what it needs.
pub(super) struct Shop {
    pub(super) server: Server,
    _carrier: Carrier,
    _folder: TempDir,
}

impl Shop {
    pub(super) fn open() -> Self {
        let (carrier, folder) = (Carrier::start(&[]), tempfile::tempdir().unwrap());
        let mut command = carrier.booked_by(1_000);
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--webhooks-to-loopback"]);
        let server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
        wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
        for request in serde_json::from_str::<Vec<Value>>(REQUESTS).unwrap() {
            match request["for"].as_array() {
                Some(names) => names.iter().for_each(|name| send(&server, &named(&request, name.as_str().unwrap()))),
                None => send(&server, &request),
            }
        }
        server.settle();
        for context in ["inventory", "fulfillment"] {
            let path = format!("/v1/webhooks/erp/deliveries?context={context}");
            let tried = || (!server.get(&path).is(200).json()["items"].as_array()?.is_empty()).then_some(());
            wait::until("a webhook was told", tried);
        }
        Self { server, _carrier: carrier, _folder: folder }
    }
}

/// The same request about the thing of this name.
fn named(request: &Value, name: &str) -> Value {
    serde_json::from_str(&request.to_string().replace("{n}", name)).unwrap()
}

/// Sends it until it is taken: what it is about may still be on its way.
fn send(server: &Server, request: &Value) {
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    let ask = || {
        let asked = server.request(method, path);
        if request["body"].is_null() { asked.send() } else { asked.json(&request["body"]).send() }
    };
    let last = std::cell::RefCell::new(String::new());
    let taken = || {
        let answer = ask();
        *last.borrow_mut() = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        (answer.status < 300).then_some(())
    };
    wait::until_or(taken, || format!("{request} is taken, but answered {}", last.borrow()));
}

/// The path of `operation` about what the shop has, with all that must be said.
pub(super) fn path_of(operation: &Operation) -> String {
    let filled = IDS.iter().fold(operation.path.clone(), |path, (place, id)| path.replace(place, id));
    let mut pairs = Vec::new();
    for parameter in operation.parameters().filter(|at| at["in"] == "query" && at["required"] == true) {
        let name = parameter["name"].as_str().unwrap();
        let value = match name {
            "context" => "inventory",
            "sku" => "TEA-01",
            "from" | "to" => "2026-03-01",
            // Any instant that is over and after the shop was opened.
            "asOf" => "",
            other => panic!("{} needs {other}: say what here", operation.id()),
        };
        let now = jiff::Timestamp::now().to_string();
        pairs.push(format!("{name}={}", if value.is_empty() { &now } else { value }));
    }
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("{filled}{mark}{}", pairs.join("&"))
}
