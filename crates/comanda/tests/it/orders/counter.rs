//! The counter at which orders are placed: what the tests of this folder say to a server and wait for.

use std::collections::BTreeMap;

use comanda_contracts::{Order, OrderStatusAnswer, OrderTimeline};
use serde_json::{Value, json};

use crate::http::Answer;
use crate::server::Server;
use crate::wait;

/// Statuses in which the answers of Inventory have come and nothing happens by itself.
const ANSWERED: &[&str] = &["RESERVED", "PARTIALLY_RESERVED", "REJECTED", "CANCELLED"];

/// The body that orders `lines` (SKU and units) under `id`; the lines are called `1`, `2`, …
pub(crate) fn order(id: &str, policy: &str, lines: &[(&str, i64)]) -> Value {
    let lines: Vec<_> = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    json!({"orderId": id, "policy": policy, "lines": lines})
}

/// Does `work` for each number below `count`, all at once.
pub(crate) fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|n| scope.spawn(move || work(n))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}

impl Server {
    /// Orders what can be shipped of `lines`.
    pub(crate) fn place(&self, id: &str, lines: &[(&str, i64)]) -> Answer {
        self.place_by(id, "SHIP_AVAILABLE", lines)
    }

    pub(crate) fn place_by(&self, id: &str, policy: &str, lines: &[(&str, i64)]) -> Answer {
        self.post("/v1/orders", &order(id, policy, lines))
    }

    /// Where the order `id` is now.
    #[track_caller]
    pub(crate) fn status(&self, id: &str) -> String {
        self.get(&format!("/v1/orders/{id}/status")).is(200).read::<OrderStatusAnswer>().status
    }

    /// Waits until the order `id` is where it should be.
    #[track_caller]
    pub(crate) fn becomes(&self, id: &str, status: &str) {
        let there = || (self.status(id) == status).then_some(());
        wait::until_or(there, || format!("order {id} is {status}; it is {}", self.status(id)));
    }

    /// Waits until Inventory's answers have come for the order `id`; returns where it is then.
    #[track_caller]
    pub(crate) fn answered(&self, id: &str) -> String {
        wait::until(&format!("order {id} is answered"), || {
            Some(self.status(id)).filter(|status| ANSWERED.contains(&status.as_str()))
        })
    }

    /// How many of the orders are where, once all are answered.
    #[track_caller]
    pub(crate) fn answered_all<'i>(&self, ids: impl IntoIterator<Item = &'i String>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for id in ids {
            *counts.entry(self.answered(id)).or_default() += 1;
        }
        counts
    }

    /// The order `id` as it stands.
    #[track_caller]
    pub(crate) fn order(&self, id: &str) -> Order {
        self.get(&format!("/v1/orders/{id}")).is(200).read()
    }

    /// The codes of all that happened to the order `id`, oldest first.
    #[track_caller]
    pub(crate) fn happened(&self, id: &str) -> Vec<String> {
        let timeline: OrderTimeline = self.get(&format!("/v1/orders/{id}/timeline?limit=200")).is(200).read();
        timeline.items.into_iter().rev().map(|entry| entry.code).collect()
    }

    /// What the order `id` waits for.
    #[track_caller]
    pub(crate) fn waits(&self, id: &str) -> Vec<String> {
        self.order(id).waits_for.into_iter().map(|waits| waits.code).collect()
    }

    /// Waits until `(on hand, reserved, committed, available)` of `sku` are these.
    #[track_caller]
    pub(crate) fn counts(&self, sku: &str, counters: (i64, i64, i64, i64)) {
        let there = || (self.counters(sku) == counters).then_some(());
        wait::until_or(there, || format!("{sku} is counted {counters:?}; it is {:?}", self.counters(sku)));
    }

    /// How far the logs of both contexts have come: the same before and after what changes nothing.
    #[track_caller]
    pub(crate) fn heads(&self) -> Vec<String> {
        let next = |context: &str| {
            let mut after = String::new();
            loop {
                let answer = self.get(&format!("/v1/events?context={context}&limit=1000{after}")).is(200);
                let next = answer.header("feed-next").unwrap().to_owned();
                if answer.header("feed-more") == Some("false") {
                    return next;
                }
                after = format!("&after={next}");
            }
        };
        vec![next("inventory"), next("fulfillment")]
    }
}
