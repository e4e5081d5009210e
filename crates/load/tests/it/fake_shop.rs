//! A small inventory server in memory, right or wrong in one chosen way: the judge must tell which.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use comanda_contracts::{AdjustmentRequest, ReserveRequest};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, reply};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// Says yes when nothing is left.
    Oversells,
    /// Says yes to every tenth reservation and does not keep it.
    Forgets,
    /// Takes a repeated request for a new one.
    HoldsTwice,
    /// Says yes to a confirmation and does not keep it.
    ForgetsConfirms,
    /// Never shows what a command's token stands for.
    LosesTheLog,
    /// Is too busy for every second request.
    Busy,
    /// Acts on every fifth command, then closes the connection without an answer.
    LosesAnswers,
}

#[derive(Default)]
struct Level {
    on_hand: i64,
    reserved: i64,
    committed: i64,
}

impl Level {
    fn free(&self) -> i64 {
        self.on_hand - self.reserved - self.committed
    }
}

struct Kept {
    request: ReserveRequest,
    state: &'static str,
    /// Per line, the units held at each location.
    held: Vec<BTreeMap<String, i64>>,
}

/// Survives its server, as a disk would.
#[derive(Default)]
pub(crate) struct State {
    skus: BTreeMap<String, BTreeMap<String, Level>>,
    reservations: BTreeMap<String, Kept>,
    answered: HashMap<String, (u16, Value)>,
    ledger: Vec<(String, Value)>,
    requests: u64,
    reserves: u64,
}

pub(crate) type Shared = Arc<Mutex<State>>;

/// Serves `state` with `fault` at `addr` (port 0 for any).
pub(crate) async fn serve(state: &Shared, fault: Fault, addr: std::net::SocketAddr) -> Server {
    let state = Arc::clone(state);
    Server::start_at(addr, move |seen| answer(Arc::clone(&state), fault, seen)).await
}

/// A right one at any port.
pub(crate) async fn start(fault: Fault) -> Server {
    serve(&Shared::default(), fault, ([127, 0, 0, 1], 0).into()).await
}

async fn answer(state: Shared, fault: Fault, seen: Seen) -> Reply {
    let turn = {
        let mut state = state.lock().unwrap();
        state.requests += 1;
        state.requests
    };
    // Lets requests overtake each other, as they may on a network.
    for _ in 0..turn % 7 {
        tokio::task::yield_now().await;
    }
    if fault == Fault::Busy && turn.is_multiple_of(2) {
        return reply(503, r#"{"code":"OVERLOADED"}"#);
    }
    if fault == Fault::LosesTheLog && seen.headers.contains_key("consistency-token") {
        return reply(503, r#"{"code":"VIEW_LAGGING"}"#);
    }
    let (status, body) = state.lock().unwrap().handle(fault, &seen);
    if fault == Fault::LosesAnswers && seen.method == "POST" && turn.is_multiple_of(5) {
        return None;
    }
    let mut answer = reply(status, body.to_string())?;
    if seen.method == "POST" && status < 300 {
        answer.headers_mut().insert("consistency-token", turn.to_string().parse().unwrap());
    }
    Some(answer)
}

fn problem(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({"type": "/problems/x", "title": "x", "status": status, "detail": "the fake shop says no", "code": code}),
    )
}

impl State {
    pub(crate) fn handle(&mut self, fault: Fault, seen: &Seen) -> (u16, Value) {
        let path = seen.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("POST", ["locations"]) => (201, json!({})),
            ("POST", ["skus"]) => {
                let body: Value = serde_json::from_slice(&seen.body).unwrap();
                self.skus.entry(body["sku"].as_str().unwrap().to_owned()).or_default();
                (201, json!({}))
            }
            ("POST", ["stock", "adjustments"]) => self.adjust(seen),
            ("POST", ["reservations"]) => self.reserve(fault, &serde_json::from_slice(&seen.body).unwrap()),
            ("POST", ["reservations", id, verb]) => self.transition(fault, id, verb),
            ("GET", ["reservations", id]) => match self.reservations.get(*id) {
                Some(kept) => (200, view(id, kept)),
                None => problem(404, "NOT_FOUND"),
            },
            ("GET", ["stock", sku]) => self.stock(sku),
            ("GET", ["stock", sku, "ledger"]) => self.page(sku, &seen.path),
            other => panic!("the fake shop has no {other:?}"),
        }
    }

    fn adjust(&mut self, seen: &Seen) -> (u16, Value) {
        let key = seen.headers["idempotency-key"].to_str().unwrap().to_owned();
        if let Some(answer) = self.answered.get(&key) {
            return answer.clone();
        }
        let change: AdjustmentRequest = serde_json::from_slice(&seen.body).unwrap();
        let location = change.location_id.unwrap_or("main".into());
        let Some(levels) = self.skus.get_mut(&change.sku) else { return problem(404, "UNKNOWN_SKU") };
        let level = levels.entry(location.clone()).or_default();
        let delta = change.delta.unwrap();
        let answer = if level.free() + delta < 0 {
            problem(409, "INSUFFICIENT_STOCK")
        } else {
            level.on_hand += delta;
            let entry = json!({"version": 1, "at": "t", "movement": "ADJUSTED", "locationId": location,
                "onHandDelta": delta, "reservedDelta": 0, "committedDelta": 0});
            self.ledger.push((change.sku, entry));
            (201, json!({}))
        };
        self.answered.insert(key, answer.clone());
        answer
    }

    pub(crate) fn reserve(&mut self, fault: Fault, request: &ReserveRequest) -> (u16, Value) {
        let id = request.reservation_id.clone().unwrap();
        let known = self.reservations.get(&id);
        if let Some(kept) = known.filter(|_| fault != Fault::HoldsTwice) {
            let same = kept.request == *request && kept.state != "RELEASED";
            return if same { (201, view(&id, kept)) } else { problem(409, "RESERVATION_CONFLICT") };
        }
        let mut kept = Kept { request: request.clone(), state: "HELD", held: Vec::new() };
        for line in &request.lines {
            let Some(levels) = self.skus.get_mut(&line.sku) else { return problem(404, "UNKNOWN_SKU") };
            let mut left = line.quantity;
            let mut held = BTreeMap::new();
            for (location, level) in levels.iter_mut() {
                let units = if fault == Fault::Oversells { left } else { left.min(level.free()) };
                if units > 0 {
                    level.reserved += units;
                    left -= units;
                    held.insert(location.clone(), units);
                }
            }
            if left > 0 {
                kept.state = "PARTIALLY_HELD";
            }
            kept.held.push(held);
        }
        let nothing = kept.held.iter().all(BTreeMap::is_empty);
        if nothing || (kept.state == "PARTIALLY_HELD" && !request.allow_partial) {
            self.free(&kept);
            return problem(409, "INSUFFICIENT_STOCK");
        }
        self.reserves += 1;
        let answer = (201, view(&id, &kept));
        if fault == Fault::Forgets && self.reserves.is_multiple_of(10) {
            self.free(&kept);
            return answer;
        }
        for (place, (line, held)) in request.lines.iter().zip(&kept.held).enumerate() {
            for (location, units) in held {
                let entry = json!({"version": 1, "at": "t", "movement": "HELD", "locationId": location,
                    "onHandDelta": 0, "reservedDelta": units, "committedDelta": 0,
                    "reservationId": id, "lineId": (place + 1).to_string()});
                self.ledger.push((line.sku.clone(), entry));
            }
        }
        self.reservations.insert(id, kept);
        answer
    }

    fn free(&mut self, kept: &Kept) {
        for (line, held) in kept.request.lines.iter().zip(&kept.held) {
            for (location, units) in held {
                let level = self.skus.get_mut(&line.sku).unwrap().get_mut(location).unwrap();
                *if kept.state == "CONFIRMED" { &mut level.committed } else { &mut level.reserved } -= units;
            }
        }
    }

    pub(crate) fn transition(&mut self, fault: Fault, id: &str, verb: &str) -> (u16, Value) {
        let Some(mut kept) = self.reservations.remove(id) else { return problem(404, "UNKNOWN_RESERVATION") };
        match verb {
            "confirm" if fault == Fault::ForgetsConfirms => {}
            "confirm" if kept.state == "CONFIRMED" => {}
            "confirm" => {
                for (line, held) in kept.request.lines.iter().zip(&kept.held) {
                    for (location, units) in held {
                        let level = self.skus.get_mut(&line.sku).unwrap().get_mut(location).unwrap();
                        level.reserved -= units;
                        level.committed += units;
                        self.ledger.push((line.sku.clone(), moved("CONFIRMED", id, location, -units, *units)));
                    }
                }
                kept.state = "CONFIRMED";
            }
            _ => {
                self.free(&kept);
                let committed = kept.state == "CONFIRMED";
                for (line, held) in kept.request.lines.iter().zip(&kept.held) {
                    for (location, units) in held {
                        let (reserved, committed) = if committed { (0, -units) } else { (-units, 0) };
                        self.ledger.push((line.sku.clone(), moved("RELEASED", id, location, reserved, committed)));
                    }
                }
                kept.held.iter_mut().for_each(BTreeMap::clear);
                kept.state = "RELEASED";
            }
        }
        let answer = (200, view(id, &kept));
        self.reservations.insert(id.to_owned(), kept);
        answer
    }

    fn stock(&self, sku: &str) -> (u16, Value) {
        let Some(levels) = self.skus.get(sku) else { return problem(404, "UNKNOWN_SKU") };
        let sum = |of: fn(&Level) -> i64| levels.values().map(of).sum::<i64>();
        let locations: Vec<Value> = levels
            .iter()
            .map(|(location, level)| {
                json!({"locationId": location, "onHand": level.on_hand, "reserved": level.reserved,
                    "committed": level.committed, "available": level.free()})
            })
            .collect();
        let stock = json!({"sku": sku, "onHand": sum(|l| l.on_hand), "reserved": sum(|l| l.reserved),
            "committed": sum(|l| l.committed), "safetyStock": 0, "backorderLimit": 0, "available": sum(Level::free),
            "version": 1, "updatedAt": "t", "locations": locations});
        (200, stock)
    }

    /// Pages of two hundred; the cursor is the place of the next entry.
    fn page(&self, sku: &str, path: &str) -> (u16, Value) {
        let from: usize = path.split("cursor=").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
        let entries: Vec<&Value> = self.ledger.iter().filter(|(of, _)| of == sku).map(|(_, entry)| entry).collect();
        let items = &entries[from..entries.len().min(from + 200)];
        let more = from + items.len() < entries.len();
        let mut page = json!({"items": items});
        if more {
            page["nextCursor"] = json!((from + items.len()).to_string());
        }
        (200, page)
    }
}

fn moved(movement: &str, id: &str, location: &str, reserved: i64, committed: i64) -> Value {
    json!({"version": 1, "at": "t", "movement": movement, "locationId": location, "onHandDelta": 0,
        "reservedDelta": reserved, "committedDelta": committed, "reservationId": id})
}

fn view(id: &str, kept: &Kept) -> Value {
    let line = |(place, (line, held)): (usize, (&comanda_contracts::ReserveLine, &BTreeMap<String, i64>))| {
        let allocations: Vec<Value> =
            held.iter().map(|(location, units)| json!({"locationId": location, "quantity": units})).collect();
        json!({"lineId": (place + 1).to_string(), "sku": line.sku, "requested": line.quantity,
            "held": held.values().sum::<i64>(), "allocations": allocations, "consumed": 0})
    };
    let lines: Vec<Value> = kept.request.lines.iter().zip(&kept.held).enumerate().map(line).collect();
    json!({"reservationId": id, "state": kept.state, "lines": lines})
}
