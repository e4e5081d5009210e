//! The independent count: which lines would be short, by plain arithmetic on the orders, with no server.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::order::{Entry, OpenOrders, Order, OrderKind, Product};

/// A line that did not get all it asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShortLine {
    /// The order.
    pub order_id: String,
    /// The line's place in it, from 1.
    pub line: usize,
    /// The SKU.
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units that were there for it.
    pub held: i64,
}

/// Counts shortages entry by entry: each line takes what is there, whatever becomes of its neighbours.
#[derive(Clone, Debug, Default)]
pub struct Shortages {
    available: HashMap<String, i64>,
    open: OpenOrders,
    /// What each short order did not get, per SKU, so that its cancellation gives back no more than it got.
    missing: HashMap<String, Vec<(String, i64)>>,
    short: Vec<ShortLine>,
    short_orders: u64,
}

impl Shortages {
    /// A shop that opens with the stock of `products`.
    #[must_use]
    pub fn opening<'a>(products: impl IntoIterator<Item = &'a Product>) -> Self {
        let available = products.into_iter().map(|product| (product.sku.clone(), product.opening)).collect();
        Self { available, ..Self::default() }
    }

    /// Takes the next entry into account.
    pub fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Change(change) => {
                let available = self.available.entry(change.sku.clone()).or_default();
                *available = (*available + change.delta).max(0);
            }
            Entry::Order(order) if order.kind == OrderKind::Order => self.order(order),
            Entry::Order(cancel) => self.cancel(cancel),
        }
    }

    fn order(&mut self, order: &Order) {
        let mut missing = Vec::new();
        for (place, line) in order.lines.iter().enumerate() {
            let available = self.available.entry(line.sku.clone()).or_default();
            let held = line.quantity.min(*available);
            *available -= held;
            if held < line.quantity {
                missing.push((line.sku.clone(), line.quantity - held));
                self.short.push(ShortLine {
                    order_id: order.id.clone(),
                    line: place + 1,
                    sku: line.sku.clone(),
                    requested: line.quantity,
                    held,
                });
            }
        }
        self.open.placed(order);
        if !missing.is_empty() {
            self.short_orders += 1;
            self.missing.insert(order.id.clone(), missing);
        }
    }

    fn cancel(&mut self, cancel: &Order) {
        for line in &cancel.lines {
            *self.available.entry(line.sku.clone()).or_default() += line.quantity;
        }
        // A whole order that was short gives back only what it had.
        let whole = self.open.undone_by(cancel);
        for (sku, quantity) in whole.and_then(|order_id| self.missing.remove(&order_id)).unwrap_or_default() {
            *self.available.entry(sku).or_default() -= quantity;
        }
    }

    /// The short lines so far, in the order of the entries.
    #[must_use]
    pub fn lines(&self) -> &[ShortLine] {
        &self.short
    }

    /// How many orders had a short line so far.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.short_orders
    }

    /// What is available of `sku` now.
    #[must_use]
    pub fn available(&self, sku: &str) -> i64 {
        self.available.get(sku).copied().unwrap_or(0)
    }
}

/// The opening stock per SKU with which no line of `entries` is ever short.
#[must_use]
pub fn peak_net_out<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<String, i64> {
    let mut net_out = HashMap::<&str, i64>::new();
    let mut peaks = BTreeMap::<String, i64>::new();
    for entry in entries {
        let out: Vec<(&str, i64)> = match entry {
            Entry::Change(change) => vec![(&change.sku, -change.delta)],
            Entry::Order(order) => {
                let sign = if order.kind == OrderKind::Order { 1 } else { -1 };
                order.lines.iter().map(|line| (line.sku.as_str(), sign * line.quantity)).collect()
            }
        };
        for (sku, out) in out {
            let net_out = net_out.entry(sku).or_default();
            *net_out += out;
            let peak = peaks.entry(sku.to_owned()).or_default();
            *peak = (*peak).max(*net_out);
        }
    }
    peaks
}
