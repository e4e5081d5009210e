//! The words of a replay: products, orders and their cancellations, changes of stock, whichever file or seed they come from.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A reservation has at most this many lines, so an order has too.
pub const LINES_MAX: usize = 2_000;

/// Something sold, and with how much of it the shop opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its SKU.
    pub sku: String,
    /// Its name for people; may be empty.
    pub name: String,
    /// Units on hand at the start.
    pub opening: i64,
}

impl Product {
    /// The same product with `percent` % of its opening stock, rounded down.
    #[must_use]
    pub fn opening_with(mut self, percent: u32) -> Self {
        self.opening = self.opening.saturating_mul(i64::from(percent)) / 100;
        self
    }
}

/// What a document does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// A customer buys.
    Order,
    /// A customer gives back what was bought, whole orders or parts of them.
    Cancel,
}

/// An order or a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number, unique in its file.
    pub id: String,
    /// Which of both it is.
    pub kind: OrderKind,
    /// Its lines, 1 to [`LINES_MAX`]; several may name one SKU.
    pub lines: Vec<OrderLine>,
}

/// One line of an order or a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The SKU.
    pub sku: String,
    /// Units, above 0.
    pub quantity: i64,
    /// The order this line of a cancellation undoes, where one is known.
    pub undoes: Option<String>,
}

/// A change of stock that no customer caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// Its number, unique in its file.
    pub id: String,
    /// The SKU.
    pub sku: String,
    /// Units added (negative: taken away; at most what is available is taken).
    pub delta: i64,
    /// The clerk's words; may be empty.
    pub reason: String,
}

/// What happens next in a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An order or a cancellation.
    Order(Order),
    /// A change of stock.
    Change(StockChange),
}

/// Which cancellations undo a whole order, so that its reservation can be released.
///
/// A cancellation does when all its lines undo the same order, their quantities are those of the order, and no other
/// cancellation has touched that order before. Any other gives its units back as a change of stock.
#[derive(Clone, Debug, Default)]
pub struct OpenOrders(HashMap<String, u64>);

impl OpenOrders {
    /// Notes an order that was placed.
    pub fn placed(&mut self, order: &Order) {
        self.0.insert(order.id.clone(), digest(order));
    }

    /// The order that `cancel` undoes whole, if it does.
    pub fn undone_by(&mut self, cancel: &Order) -> Option<String> {
        let first = cancel.lines.first().and_then(|line| line.undoes.clone());
        let whole = first.filter(|first| {
            cancel.lines.iter().all(|line| line.undoes.as_ref() == Some(first))
                && self.0.get(first) == Some(&digest(cancel))
        });
        for touched in cancel.lines.iter().filter_map(|line| line.undoes.as_ref()) {
            self.0.remove(touched);
        }
        whole
    }
}

/// A digest of what a document is about: its quantities per SKU, in whatever order and on however many lines.
fn digest(order: &Order) -> u64 {
    let mut quantities = BTreeMap::new();
    for line in &order.lines {
        *quantities.entry(line.sku.as_str()).or_insert(0_i64) += line.quantity;
    }
    let mut hasher = DefaultHasher::new();
    quantities.hash(&mut hasher);
    hasher.finish()
}
