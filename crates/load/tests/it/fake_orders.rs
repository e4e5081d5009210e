//! A small server of both contexts: orders and feeds on top of the fake shop, right or wrong in one chosen way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comanda_contracts::{OrderPolicy, PlaceOrderRequest, ReserveLine, ReserveRequest};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fake_shop::{self, State};
use crate::server::{Reply, Seen, Server, reply};

/// What the server does wrong with orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cheat {
    Nothing,
    /// Reserves every tenth order a second time under another id.
    DoublesHold,
    /// Acknowledges every tenth order and forgets it.
    LosesOrder,
    /// Says that an order is cancelled and keeps its stock.
    LeaksHold,
    /// Never answers for every tenth order.
    Sticks,
    /// Has nothing for the second line of any order.
    SkipsLines,
    /// Holds every tenth order's stock twice under one id.
    HoldsAgain,
    /// Forgets one unit of every tenth order's first line.
    LosesUnits,
    /// Says that an order is cancelled and does nothing.
    IgnoresCancels,
    /// Takes a repeated order for another one.
    RefusesRepeats,
    /// Acts on every fifth command, then closes the connection without an answer.
    LosesAnswers,
}

struct Line {
    id: String,
    sku: String,
    ordered: i64,
    reserved: i64,
    backordered: i64,
    rejected: i64,
    cancelled: i64,
    allocations: Vec<(String, i64)>,
}

struct Kept {
    request: PlaceOrderRequest,
    lines: Vec<Line>,
    reservations: Vec<String>,
    status: &'static str,
}

/// Survives its server, as a disk would.
pub(crate) struct House {
    shop: State,
    orders: BTreeMap<String, Kept>,
    /// Who waits for stock, the oldest first.
    backlog: Vec<String>,
    placed: u64,
    requests: u64,
    feeds: BTreeMap<&'static str, Vec<Value>>,
    grown: watch::Sender<u64>,
}

pub(crate) type Shared = Arc<Mutex<House>>;

pub(crate) fn house() -> Shared {
    Arc::new(Mutex::new(House {
        shop: State::default(),
        orders: BTreeMap::new(),
        backlog: Vec::new(),
        placed: 0,
        requests: 0,
        feeds: BTreeMap::from([("inventory", Vec::new()), ("fulfillment", Vec::new())]),
        grown: watch::channel(0).0,
    }))
}

pub(crate) async fn serve(house: &Shared, cheat: Cheat, addr: SocketAddr) -> Server {
    let house = Arc::clone(house);
    Server::start_at(addr, move |seen| answer(Arc::clone(&house), cheat, seen)).await
}

pub(crate) async fn start(cheat: Cheat) -> Server {
    serve(&house(), cheat, ([127, 0, 0, 1], 0).into()).await
}

async fn answer(house: Shared, cheat: Cheat, seen: Seen) -> Reply {
    if seen.path.starts_with("/v1/events") {
        return events(house, &seen.path).await;
    }
    let (turn, (status, body), grown) = {
        let mut house = house.lock().unwrap();
        house.requests += 1;
        (house.requests, house.handle(cheat, &seen), house.grown.clone())
    };
    // Not under the lock: whoever waits takes it to look.
    grown.send_modify(|turn| *turn += 1);
    if cheat == Cheat::LosesAnswers && seen.method == "POST" && turn.is_multiple_of(5) {
        return None;
    }
    reply(status, body.to_string())
}

/// The cursor is the number of events behind it.
async fn events(house: Shared, path: &str) -> Reply {
    let of = |name: &str| {
        let pair = path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(str::to_owned)
    };
    let context = of("context").unwrap();
    let after: usize = of("after").map_or(0, |after| after.parse().unwrap());
    let limit: usize = of("limit").unwrap().parse().unwrap();
    let wait = Duration::from_secs(of("timeout").unwrap().parse().unwrap());
    let mut grown = house.lock().unwrap().grown.subscribe();
    let arrived = grown.wait_for(|_| house.lock().unwrap().feeds[context.as_str()].len() > after);
    // Nothing came in time: an empty page.
    let _ = timeout(wait, arrived).await;
    let house = house.lock().unwrap();
    let all = &house.feeds[context.as_str()];
    let end = all.len().min(after + limit);
    let mut answer = reply(200, serde_json::to_vec(&all[after..end]).unwrap())?;
    let headers = answer.headers_mut();
    headers.insert("feed-next", end.to_string().parse().unwrap());
    headers.insert("feed-more", (end < all.len()).to_string().parse().unwrap());
    Some(answer)
}

fn problem(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"type": "/x", "title": "x", "status": status, "detail": "the fake says no", "code": code}))
}

impl House {
    fn handle(&mut self, cheat: Cheat, seen: &Seen) -> (u16, Value) {
        let parts: Vec<&str> = seen.path.trim_start_matches("/v1/").split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("POST", ["orders"]) => self.place(cheat, serde_json::from_slice(&seen.body).unwrap()),
            ("POST", ["orders", id, "cancel"]) => self.cancel(cheat, id),
            ("POST", ["orders", id, "ready-to-ship"]) => self.ready(id),
            ("GET", ["orders", id]) => match self.orders.get(*id) {
                Some(kept) => (200, view(id, kept)),
                None => problem(404, "UNKNOWN_ORDER"),
            },
            _ => {
                let answer = self.shop.handle(fake_shop::Fault::Nothing, seen);
                if seen.path == "/v1/stock/adjustments" {
                    self.serve_backlog();
                }
                answer
            }
        }
    }

    fn place(&mut self, cheat: Cheat, request: PlaceOrderRequest) -> (u16, Value) {
        let id = request.order_id.clone().unwrap();
        let accepted = (202, json!({"orderId": id, "status": "RESERVATION_PENDING"}));
        if let Some(kept) = self.orders.get(&id) {
            let same = kept.request == request && cheat != Cheat::RefusesRepeats;
            return if same { accepted } else { problem(409, "ID_CONFLICT") };
        }
        self.placed += 1;
        let tenth = self.placed.is_multiple_of(10);
        if cheat == Cheat::LosesOrder && tenth {
            return accepted;
        }
        let line = |(place, line): (usize, &comanda_contracts::PlaceOrderLine)| Line {
            id: line.line_id.clone().unwrap_or((place + 1).to_string()),
            sku: line.sku.clone(),
            ordered: line.quantity,
            reserved: 0,
            backordered: line.quantity,
            rejected: 0,
            cancelled: 0,
            allocations: Vec::new(),
        };
        let lines = request.lines.iter().enumerate().map(line).collect();
        let mut kept = Kept { request, lines, reservations: Vec::new(), status: "RESERVATION_PENDING" };
        if cheat == Cheat::LosesUnits && tenth {
            kept.lines[0].backordered -= 1;
        }
        if cheat != Cheat::Sticks || !tenth {
            self.reserve(&id, &mut kept, cheat);
            if cheat == Cheat::DoublesHold && tenth && kept.lines[0].reserved > 0 {
                let request = Self::shop_request(format!("{id}~again"), &kept, true);
                self.shop.reserve(fake_shop::Fault::Nothing, &request);
                self.shop.transition(fake_shop::Fault::Nothing, &format!("{id}~again"), "confirm");
            }
        }
        if cheat == Cheat::HoldsAgain && tenth && !kept.reservations.is_empty() {
            let request = Self::shop_request(format!("{id}~1"), &kept, true);
            self.shop.reserve(fake_shop::Fault::HoldsTwice, &request);
        }
        self.orders.insert(id, kept);
        accepted
    }

    fn shop_request(reservation: String, kept: &Kept, all: bool) -> ReserveRequest {
        let wanted = |line: &&Line| all || line.backordered > 0;
        let lines = kept.lines.iter().filter(wanted).map(|line| ReserveLine {
            line_id: Some(line.id.clone()),
            sku: line.sku.clone(),
            quantity: if all { 1 } else { line.backordered },
            location_id: None,
        });
        let allow_partial = kept.request.policy != Some(OrderPolicy::ShipComplete);
        ReserveRequest {
            reservation_id: Some(reservation),
            lines: lines.collect(),
            allow_partial,
            ..ReserveRequest::default()
        }
    }

    /// One attempt to reserve all that waits.
    fn reserve(&mut self, id: &str, kept: &mut Kept, cheat: Cheat) {
        let reservation = format!("{id}~{}", kept.reservations.len() + 1);
        let mut request = Self::shop_request(reservation.clone(), kept, false);
        if cheat == Cheat::SkipsLines {
            request.lines.truncate(1);
        }
        let (status, answer) = self.shop.reserve(fake_shop::Fault::Nothing, &request);
        let mut reserved = Vec::new();
        if status == 201 {
            self.shop.transition(fake_shop::Fault::Nothing, &reservation, "confirm");
            kept.reservations.push(reservation.clone());
            let waiting = kept.lines.iter_mut().filter(|line| line.backordered > 0);
            for (line, told) in waiting.zip(answer["lines"].as_array().unwrap()) {
                let units = told["held"].as_i64().unwrap();
                line.reserved += units;
                line.backordered -= units;
                if units > 0 {
                    line.allocations.push((reservation.clone(), units));
                    reserved.push(json!({"lineId": line.id, "quantity": units}));
                }
            }
        }
        let short: Vec<Value> = kept
            .lines
            .iter()
            .filter(|line| line.backordered > 0)
            .map(|line| json!({"lineId": line.id, "quantity": line.backordered, "code": "INSUFFICIENT_STOCK"}))
            .collect();
        if !reserved.is_empty() {
            let complete = short.is_empty();
            self.tell("order-reserved", id, json!({"orderId": id, "complete": complete, "lines": reserved}));
        }
        let got_some = kept.lines.iter().any(|line| line.reserved > 0);
        kept.status = if short.is_empty() { "RESERVED" } else { "BACKORDERED" };
        if short.is_empty() {
            return;
        }
        if kept.request.policy == Some(OrderPolicy::Backorder) {
            if !self.backlog.contains(&id.to_owned()) {
                self.backlog.push(id.to_owned());
                self.tell("order-backordered", id, json!({"orderId": id, "lines": short}));
            }
            return;
        }
        for line in &mut kept.lines {
            line.rejected += std::mem::take(&mut line.backordered);
        }
        kept.status = if got_some { "PARTIALLY_RESERVED" } else { "REJECTED" };
        self.tell("order-rejected", id, json!({"orderId": id, "complete": !got_some, "lines": short}));
    }

    fn serve_backlog(&mut self) {
        for id in self.backlog.clone() {
            let mut kept = self.orders.remove(&id).unwrap();
            self.reserve(&id, &mut kept, Cheat::Nothing);
            if kept.status == "RESERVED" {
                self.backlog.retain(|waiting| *waiting != id);
            }
            self.orders.insert(id, kept);
        }
    }

    fn cancel(&mut self, cheat: Cheat, id: &str) -> (u16, Value) {
        let answer = (200, json!({"orderId": id, "status": "CANCELLED"}));
        let Some(kept) = self.orders.get_mut(id) else { return problem(404, "UNKNOWN_ORDER") };
        match kept.status {
            "CANCELLED" => return answer,
            "REJECTED" | "READY_TO_SHIP" => return problem(409, "WRONG_TRANSITION"),
            _ if cheat == Cheat::IgnoresCancels => return answer,
            _ => kept.status = "CANCELLED",
        }
        let mut lines = Vec::new();
        for line in &mut kept.lines {
            let units = std::mem::take(&mut line.reserved) + std::mem::take(&mut line.backordered);
            line.cancelled += units;
            line.allocations.clear();
            lines.push(json!({"lineId": line.id, "quantity": units}));
        }
        self.backlog.retain(|waiting| waiting != id);
        let reservations = std::mem::take(&mut kept.reservations);
        self.tell("order-cancelled", id, json!({"orderId": id, "complete": true, "lines": lines}));
        if cheat != Cheat::LeaksHold {
            for reservation in reservations {
                self.shop.transition(fake_shop::Fault::Nothing, &reservation, "release");
                let data = json!({"reservationId": reservation, "orderId": id, "ended": true});
                self.tell("reservation-released", &reservation, data);
            }
            self.serve_backlog();
        }
        answer
    }

    fn ready(&mut self, id: &str) -> (u16, Value) {
        let Some(kept) = self.orders.get_mut(id) else { return problem(404, "UNKNOWN_ORDER") };
        if !matches!(kept.status, "RESERVED" | "PARTIALLY_RESERVED" | "READY_TO_SHIP") {
            return problem(409, "WRONG_TRANSITION");
        }
        kept.status = "READY_TO_SHIP";
        (200, json!({"orderId": id, "status": "READY_TO_SHIP"}))
    }

    fn tell(&mut self, what: &str, subject: &str, data: Value) {
        let context = if what.starts_with("order") { "fulfillment" } else { "inventory" };
        let event = json!({"type": format!("comanda.{context}.{what}.v1"), "subject": subject, "data": data});
        self.feeds.get_mut(context).unwrap().push(event);
    }
}

fn view(id: &str, kept: &Kept) -> Value {
    let pending = kept.status == "RESERVATION_PENDING";
    let line = |line: &Line| {
        let (waiting, backordered) = if pending { (line.backordered, 0) } else { (0, line.backordered) };
        let allocations: Vec<Value> = line
            .allocations
            .iter()
            .map(|(id, units)| json!({"reservationId": id, "locationId": "main", "quantity": units}))
            .collect();
        json!({"lineId": line.id, "sku": line.sku, "status": "CONFIRMED", "ordered": line.ordered, "pending": waiting,
            "reserved": line.reserved, "backordered": backordered, "rejected": line.rejected,
            "cancelled": line.cancelled, "picked": 0, "packed": 0, "shipped": 0, "delivered": 0, "returned": 0,
            "allocations": allocations})
    };
    let waits: Vec<Value> = if pending { vec![json!({"code": "RESERVATION", "text": "waits"})] } else { Vec::new() };
    json!({"orderId": id, "status": kept.status, "policy": "SHIP_AVAILABLE", "priority": "STANDARD", "placedAt": "t",
        "lines": kept.lines.iter().map(line).collect::<Vec<_>>(), "waitsFor": waits})
}

/// How many orders it has.
pub(crate) fn orders(house: &Shared) -> usize {
    house.lock().unwrap().orders.len()
}
