//! Shipments booked at the stand-in carrier, both as processes of their own: once each, whatever is not heard and whoever dies.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use comanda_contracts::{Order, Shipment};
use serde_json::{Value, json};

use crate::http::Request;
use crate::server::{Server, comanda};
use crate::wait::{self, PATIENCE};

/// A stand-in carrier. Killed when dropped.
pub(crate) struct Carrier {
    addr: SocketAddr,
    child: Child,
}

impl Carrier {
    /// One that says yes to everything and is never heard.
    fn unheard() -> Self {
        Self::start(&["--timeout-after-yes-percent", "100"])
    }

    pub(crate) fn start(behaviour: &[&str]) -> Self {
        let mut command = comanda();
        command.args(["carrier", "--listen", "127.0.0.1:0"]).args(behaviour);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        // The guard comes first, so that a carrier that does not start is killed as well.
        let mut carrier = Self { addr: SocketAddr::from(([0, 0, 0, 0], 0)), child };
        let (told, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            // Nobody listens any more if the test has ended.
            let _ended = told.send(lines.next().and_then(Result::ok).unwrap_or_default());
            lines.for_each(drop);
        });
        let line = line.recv_timeout(PATIENCE).unwrap_or_default();
        let addr = line.rsplit_once("http://").map(|(_, addr)| addr.parse().unwrap());
        carrier.addr = addr.unwrap_or_else(|| panic!("it said {line:?}"));
        carrier
    }

    fn count(&self, what: &str) -> u64 {
        let statistics: Value = Request::new(self.addr, "GET", "/statistics").send().is(200).json();
        statistics[what].as_u64().unwrap_or_else(|| panic!("no {what} in {statistics}"))
    }

    /// The binary as a server that books here, and waits for an answer no longer than the test does.
    pub(crate) fn booked_by(&self, answer_wait_ms: u32) -> Command {
        let mut command = comanda();
        command.env("COMANDA_CARRIER_AT", format!("http://{}", self.addr));
        command.env("COMANDA_CARRIER_ANSWER_WAIT_MS", answer_wait_ms.to_string());
        command
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Has order `o` ready, and shipment `s` of it planned.
fn plan(server: &Server) {
    server.stocked("TEA", 10);
    let order = json!({"orderId": "o", "lines": [{"lineId": "1", "sku": "TEA", "quantity": 3}]});
    server.post("/v1/orders", &order).is(202);
    wait::until("the order is reserved", || {
        (server.get("/v1/orders/o").is(200).read::<Order>().status == "RESERVED").then_some(())
    });
    server.poke("/v1/orders/o/ready-to-ship").is(200);
    server.post("/v1/shipments", &json!({"shipmentId": "s", "orderId": "o", "carrier": "fast"})).is(202);
}

fn until_booked(server: &Server) -> Shipment {
    wait::until("the shipment is booked", || {
        let answer = server.get("/v1/shipments/s");
        let shipment = (answer.status == 200).then(|| answer.read::<Shipment>());
        shipment.filter(|shipment| shipment.status == "BOOKED")
    })
}

#[test]
fn a_yes_that_nobody_heard_is_found_by_a_lookup() {
    let (carrier, folder) = (Carrier::unheard(), tempfile::tempdir().unwrap());
    let (data, errors) = (folder.path().join("data"), folder.path().join("stderr.txt"));
    let server = Server::start_by(carrier.booked_by(200), &data, &errors);
    plan(&server);
    let shipment = until_booked(&server);
    assert_eq!((shipment.attempts, shipment.tracking_number.as_deref()), (1, Some("ST0000000001")));
    assert_eq!((carrier.count("bookings"), carrier.count("unheard"), carrier.count("doubleBookings")), (1, 1, 0));
    assert!(carrier.count("lookups") > 0);
    server.stop().verifies();
}

#[test]
fn a_server_that_is_killed_while_it_books_has_booked_once() {
    let (carrier, folder) = (Carrier::unheard(), tempfile::tempdir().unwrap());
    let (data, errors) = (folder.path().join("data"), folder.path().join("stderr.txt"));
    // Long enough to be killed in: the carrier has said yes, and the server still waits to hear it.
    let server = Server::start_by(carrier.booked_by(2_000), &data, &errors);
    plan(&server);
    wait::until("the carrier has said yes", || (carrier.count("bookings") == 1).then_some(()));
    assert_eq!(carrier.count("lookups"), 0, "it was killed too late to show anything");
    drop(server.kill());
    let server = Server::start_by(carrier.booked_by(200), &data, &errors);
    let shipment = until_booked(&server);
    assert_eq!((shipment.attempts, shipment.tracking_number.as_deref()), (1, Some("ST0000000001")));
    assert_eq!((carrier.count("bookings"), carrier.count("doubleBookings")), (1, 0));
    assert!(carrier.count("lookups") > 0);
    server.stop().verifies();
}
