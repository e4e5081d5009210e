//! One state of the model: both contexts, what lies between them, and what may still happen.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use comanda_fulfillment::domain::backlog::Backlog;
use comanda_fulfillment::domain::ids as ours;
use comanda_fulfillment::domain::order::{Attempt, Order, reservation_id};
use comanda_inventory::domain::ids::{ReservationId, Sku};
use comanda_inventory::domain::reservation::Reservation;
use comanda_inventory::domain::stock_item::StockItem;
use cqrs::testkit::Given;
use cqrs::{Stream, Timestamp};

use crate::lane::Lane;
use crate::scenario::{Moves, SKUS};

/// The order.
pub(crate) const ORDER: &str = "o";

/// The reservation of the one who wants the same stock.
pub(crate) const CART: &str = "cart";

/// The lane from Fulfillment: all its messages are of one order.
pub(crate) const ASKS: usize = 0;

/// The lanes from Inventory: one for the partition of each SKU, and one for reservations that were given back before they
/// were asked for, which have no SKU.
pub(crate) const NEWS: [usize; 3] = [1, 2, 3];

/// One state of the model.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) fulfillment: Given,
    pub(crate) inventory: Given,
    pub(crate) lanes: Vec<Lane>,
    /// The lane of each reservation's news.
    pub(crate) homes: BTreeMap<String, usize>,
    /// The order's timers, as the alarm knows them.
    pub(crate) timers: BTreeMap<String, Timestamp>,
    pub(crate) now: Timestamp,
    pub(crate) left: Moves,
    /// What went wrong on the way here and cannot be seen in any state.
    pub(crate) wrong: Option<&'static str>,
    /// All that makes it different from other states.
    image: Arc<[u8]>,
}

impl World {
    /// Nothing has happened.
    pub(crate) fn new(left: Moves) -> Self {
        let lanes = [ASKS].map(|lane| ("fulfillment", lane)).into_iter().chain(NEWS.map(|lane| ("inventory", lane)));
        let lanes = lanes.zip(0..).map(|((source, _), partition)| Lane::of(source, partition));
        Self {
            fulfillment: Given::nothing(),
            inventory: Given::nothing(),
            lanes: lanes.collect(),
            homes: BTreeMap::new(),
            timers: BTreeMap::new(),
            now: Timestamp::EPOCH,
            left,
            wrong: None,
            image: Arc::default(),
        }
    }

    /// The order.
    pub(crate) fn order(&self) -> Order {
        self.fulfillment.state(&Stream::new(ORDER))
    }

    /// The backlog of SKU `sku`.
    pub(crate) fn backlog(&self, sku: &ours::Sku) -> Backlog {
        self.fulfillment.state(&Backlog::stream(sku))
    }

    /// The stock of every SKU.
    pub(crate) fn items(&self) -> Vec<StockItem> {
        let skus = SKUS.iter().map(|name| Sku::parse(name).expect("a SKU"));
        skus.map(|sku| self.inventory.state(&StockItem::stream(&sku))).collect()
    }

    /// What Inventory knows of an attempt.
    pub(crate) fn reservation(&self, attempt: &Attempt) -> Reservation {
        self.reservation_named(&reservation_id(ORDER, attempt.number))
    }

    /// What Inventory knows of a reservation.
    pub(crate) fn reservation_named(&self, id: &str) -> Reservation {
        self.inventory.state(&Reservation::stream(&ReservationId::parse(id).expect("an id")))
    }

    /// Whether nothing is on its way. What was due has happened: time does not pass without it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lanes.iter().all(|lane| lane.waiting.is_empty())
    }

    /// Fixes what makes it different from other states.
    ///
    /// Two that differ only in the numbers of messages are one. So are, while nothing can come again (`repeats`), two that
    /// differ in what was delivered: the inbox knows its place, not what stood there.
    pub(crate) fn sealed(mut self, repeats: bool) -> Self {
        let order = self.order();
        let reservations: Vec<_> = order.attempts().iter().map(|attempt| self.reservation(attempt)).collect();
        let backlogs = SKUS.map(|name| self.backlog(&ours::Sku::parse(name).expect("a SKU")));
        let waiting: Vec<_> = self.lanes.iter().map(|lane| Lane::contents(&lane.waiting)).collect();
        let recent = self.lanes.iter().filter(|_| repeats).map(|lane| Lane::contents(&lane.recent));
        let between = (waiting, recent.collect::<Vec<_>>(), &self.homes, &self.timers);
        let stock = (self.items(), reservations, self.reservation_named(CART));
        let all = (&order, backlogs, stock, between, self.now, self.left, self.wrong);
        self.image = serde_json::to_vec(&all).expect("a state is JSON").into();
        self
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.image == other.image
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.image.hash(hasher);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.image))
    }
}
