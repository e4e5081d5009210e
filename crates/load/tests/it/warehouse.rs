//! A day in the warehouse: what a right server gives away, and what the checks find in a wrong one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comanda_load::{Warehouse, WarehouseReport};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, reply};

/// Orders in the queue, each with two lines of two units at `main`.
const ORDERS: usize = 3;
const UNITS: i64 = 2;

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cheat {
    Nothing,
    /// Never books the second shipment.
    Sticks,
    /// Gives two shipments one number.
    OneNumber,
    /// Lets what has left stay in Inventory.
    KeepsStock,
    /// Puts nothing back on the shelf.
    LosesReturn,
    /// Ships one unit less than it was told.
    ShipsLess,
}

#[derive(Default)]
struct Line {
    picked: i64,
    missed: i64,
    returned: i64,
}

#[derive(Default)]
struct Kept {
    lines: [Line; 2],
    packages: u64,
    shipped: bool,
}

/// A warehouse that books whatever is planned at once.
struct House {
    cheat: Cheat,
    orders: BTreeMap<String, Kept>,
    wave: Vec<String>,
    /// Shipment and order.
    shipments: Vec<(String, String)>,
    consumed: Vec<Value>,
    returned: i64,
}

impl House {
    fn handle(&mut self, seen: &Seen) -> (u16, Value) {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let done = (200, json!({}));
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["events"]) => {
                let told = if query.contains("inventory") { std::mem::take(&mut self.consumed) } else { Vec::new() };
                return (200, json!(told));
            }
            ("GET", ["pick-lists"]) => {
                let lists: Vec<Value> = self.orders.keys().map(|id| summary(id)).collect();
                return (200, json!({ "items": lists }));
            }
            ("GET", ["orders", id]) => return (200, self.order(id)),
            ("GET", ["orders", id, "pick-list"]) => {
                let status = if self.wave.is_empty() { "DRAFT" } else { "COMPLETED" };
                let list = json!({"pickListId": format!("{id}~1~main"), "orderId": id, "locationId": "main",
                    "status": status, "priority": "STANDARD", "placedAt": "t", "onHold": false,
                    "tasks": [task("1"), task("2")]});
                return (200, json!({"orderId": id, "status": "RESERVED", "pickLists": [list]}));
            }
            ("POST", ["waves"]) => {
                self.wave = serde_json::from_value(body["pickListIds"].clone()).unwrap();
                let wave = json!({"waveId": body["waveId"], "pickListIds": self.wave, "leftOut": []});
                return (201, wave);
            }
            ("GET", ["waves", id]) => return (200, self.wave(id)),
            ("POST", ["pick-lists", list, "tasks", task, verb]) => {
                let order = self.orders.get_mut(list.split('~').next().unwrap()).unwrap();
                let line = &mut order.lines[task.parse::<usize>().unwrap() - 1];
                let units = body["quantity"].as_i64().unwrap();
                *(if *verb == "short" { &mut line.missed } else { &mut line.picked }) = units;
            }
            ("POST", ["orders", id, "packages"]) => self.orders.get_mut(*id).unwrap().packages += 1,
            ("GET", ["orders", id, "packages"]) => {
                let lines = json!([{"lineId": "1", "locationId": "main", "quantity": 1}]);
                return (200, json!({"orderId": id, "packages": [{"packageId": "p", "lines": lines}]}));
            }
            ("POST", ["shipments"]) => {
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                self.shipments.push((text("shipmentId"), text("orderId")));
            }
            ("GET", ["shipments", id]) => return (200, self.shipment(id)),
            ("POST", ["shipments", id, "dispatch"]) => self.dispatch(id),
            ("POST", ["returns"]) => {
                let line = &body["lines"][0];
                let order = self.orders.get_mut(body["orderId"].as_str().unwrap()).unwrap();
                let units = line["quantity"].as_i64().unwrap();
                let place: usize = line["lineId"].as_str().unwrap().parse().unwrap();
                order.lines[place - 1].returned = units;
                self.returned = if self.cheat == Cheat::LosesReturn { 0 } else { units };
            }
            ("GET", ["stock", _, "ledger"]) => {
                let entry = json!({"version": 1, "at": "t", "movement": "RETURNED", "locationId": "main",
                    "onHandDelta": self.returned, "reservedDelta": 0, "committedDelta": 0});
                return (200, json!({ "items": [entry] }));
            }
            _ => {}
        }
        done
    }

    fn order(&self, id: &str) -> Value {
        let kept = &self.orders[id];
        let less = i64::from(self.cheat == Cheat::ShipsLess);
        let line = |(place, line): (usize, &Line)| {
            let shipped = if kept.shipped { line.picked - less } else { 0 };
            json!({"lineId": (place + 1).to_string(), "sku": "TEA", "status": "PICKED", "ordered": UNITS, "pending": 0,
                "reserved": UNITS - line.missed, "backordered": 0, "rejected": line.missed, "cancelled": 0,
                "picked": line.picked, "packed": line.picked, "shipped": shipped, "delivered": 0,
                "returned": line.returned, "allocations": []})
        };
        let lines: Vec<Value> = kept.lines.iter().enumerate().map(line).collect();
        json!({"orderId": id, "status": "RESERVED", "policy": "SHIP_AVAILABLE", "priority": "STANDARD", "placedAt": "t",
            "lines": lines, "waitsFor": []})
    }

    fn wave(&self, id: &str) -> Value {
        let share = |(list, task): (&String, &str)| json!({"pickListId": list, "taskId": task, "quantity": UNITS, "open": UNITS});
        let stop = |task: &'static str| {
            let split: Vec<Value> = self.wave.iter().map(|list| share((list, task))).collect();
            json!({"sku": "TEA", "bin": format!("A-{task}"), "quantity": UNITS, "open": UNITS, "split": split})
        };
        let summary = json!({"waveId": id, "locationId": "main", "status": "RELEASED", "releasedAt": "t", "released": 1,
            "inProgress": 0, "completed": 0, "cancelled": 0, "quantity": 0, "picked": 0, "short": 0});
        json!({"summary": summary, "leftOut": [], "stops": [stop("1"), stop("2")]})
    }

    fn shipment(&self, id: &str) -> Value {
        let place = self.shipments.iter().position(|(shipment, _)| shipment == id).unwrap();
        let order_id = &self.shipments[place].1;
        let status = if self.cheat == Cheat::Sticks && place == 1 { "BOOKING_UNKNOWN" } else { "BOOKED" };
        let number = if self.cheat == Cheat::OneNumber { 0 } else { place };
        let lines = self.orders[order_id].lines.iter().enumerate().filter(|(_, line)| line.picked > 0);
        let lines = lines.map(
            |(place, line)| json!({"lineId": (place + 1).to_string(), "quantity": line.picked, "locationId": "main"}),
        );
        json!({"shipmentId": id, "orderId": order_id, "status": status, "carrier": "fast",
            "trackingNumber": format!("T-{number}"), "packages": 1, "lines": lines.collect::<Vec<_>>(), "plannedAt": "t",
            "attempts": 1, "tracking": []})
    }

    fn dispatch(&mut self, id: &str) {
        let order = self.shipments.iter().find(|(shipment, _)| shipment == id).map(|(_, order)| order).unwrap();
        self.orders.get_mut(order).unwrap().shipped = true;
        if self.cheat != Cheat::KeepsStock {
            let data = json!({"reservationId": format!("{order}~1"), "reference": id, "lines": []});
            let kind = "comanda.inventory.reservation-consumed.v1";
            self.consumed.push(json!({"type": kind, "subject": order, "data": data}));
        }
    }
}

fn summary(id: &str) -> Value {
    json!({"pickListId": format!("{id}~1~main"), "orderId": id, "locationId": "main", "status": "DRAFT",
        "priority": "STANDARD", "placedAt": "t", "onHold": false, "tasks": 2, "quantity": 2 * UNITS, "open": 2 * UNITS})
}

fn task(id: &str) -> Value {
    json!({"taskId": id, "state": "OPEN", "sku": "TEA", "quantity": UNITS, "picked": 0, "short": 0, "open": UNITS,
        "putBack": 0})
}

fn answered(house: &Mutex<House>, seen: &Seen) -> Reply {
    let (status, body) = house.lock().unwrap().handle(seen);
    let mut answer = reply(status, body.to_string())?;
    answer.headers_mut().insert("feed-next", "1".parse().unwrap());
    Some(answer)
}

async fn day(cheat: Cheat) -> WarehouseReport {
    let orders = (1..=ORDERS).map(|number| (format!("o-{number}"), Kept::default())).collect();
    let (wave, shipments, consumed) = (Vec::new(), Vec::new(), Vec::new());
    let house = Arc::new(Mutex::new(House { cheat, orders, wave, shipments, consumed, returned: 0 }));
    let server = Server::start(move |seen| {
        let house = Arc::clone(&house);
        async move { answered(&house, &seen) }
    })
    .await;
    let patience = Duration::from_millis(if cheat == Cheat::Nothing { 30_000 } else { 100 });
    Warehouse { patience, ..Warehouse::new(server.addr, "day") }.run().await.unwrap()
}

#[tokio::test]
async fn what_is_in_the_queue_leaves_arrives_and_one_line_comes_back() {
    let report = day(Cheat::Nothing).await;
    assert!(report.ok(), "{:?}", report.checks);
    assert_eq!((report.orders, report.waves, report.stops, report.stops_with_bin), (3, 1, 2, 2));
    assert_eq!((report.picked, report.short_picks, report.packages), (5 * UNITS, 1, 3));
    assert_eq!((report.planned, report.booked, report.shipped), (3, 3, 3));
    assert_eq!((report.delivered, report.returned), (2, 1));
}

#[tokio::test]
async fn the_checks_name_what_a_wrong_server_does() {
    for (cheat, broken) in [
        (Cheat::Sticks, "everything planned is booked"),
        (Cheat::OneNumber, "everything planned is booked"),
        (Cheat::KeepsStock, "stock follows what left and what came back"),
        (Cheat::LosesReturn, "stock follows what left and what came back"),
        (Cheat::ShipsLess, "each order has sent all it had"),
    ] {
        let report = day(cheat).await;
        let found = report.checks.iter().find(|check| check.name == broken).unwrap();
        assert!(!found.ok && !report.ok(), "{cheat:?}: {:?}", report.checks);
    }
}
