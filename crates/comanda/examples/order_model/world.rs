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
use serde::Serialize;

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
    /// The lane that a message was delivered from last.
    pub(crate) last: Option<usize>,
    /// The lane of each reservation's news.
    pub(crate) homes: BTreeMap<String, usize>,
    /// The order's timers, as the alarm knows them.
    pub(crate) timers: BTreeMap<String, Timestamp>,
    pub(crate) now: Timestamp,
    pub(crate) left: Moves,
    /// What went wrong on the way here and cannot be seen in any state.
    pub(crate) wrong: Option<&'static str>,
    /// What Fulfillment knows, of one order and both backlogs.
    pub(crate) ours: Arc<Ours>,
    /// What Inventory knows.
    pub(crate) theirs: Arc<Theirs>,
    /// All else that makes it different from other states.
    between: Arc<[u8]>,
}

/// What Fulfillment knows.
#[derive(Default, Serialize)]
pub(crate) struct Ours {
    pub(crate) order: Order,
    /// By SKU.
    pub(crate) backlogs: Vec<Backlog>,
    #[serde(skip)]
    image: Vec<u8>,
}

/// What Inventory knows.
#[derive(Default, Serialize)]
pub(crate) struct Theirs {
    /// By SKU.
    pub(crate) items: Vec<StockItem>,
    /// By the attempt's number, from 1.
    pub(crate) reservations: Vec<Reservation>,
    cart: Reservation,
    #[serde(skip)]
    image: Vec<u8>,
}

impl World {
    /// Nothing has happened.
    pub(crate) fn new(left: Moves) -> Self {
        let owners = ["fulfillment", "inventory", "inventory", "inventory"];
        Self {
            fulfillment: Given::nothing(),
            inventory: Given::nothing(),
            lanes: owners.into_iter().zip(0..).map(|(owner, partition)| Lane::of(owner, partition)).collect(),
            last: None,
            homes: BTreeMap::new(),
            timers: BTreeMap::new(),
            now: Timestamp::EPOCH,
            left,
            wrong: None,
            ours: Arc::default(),
            theirs: Arc::default(),
            between: Arc::default(),
        }
    }

    /// Whether nothing is on its way. What was due has happened: time does not pass without it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lanes.iter().all(|lane| lane.waiting.is_empty())
    }

    /// Each attempt of the order, with what Inventory knows of it.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = (&Attempt, &Reservation)> {
        self.ours.order.attempts().iter().zip(&self.theirs.reservations)
    }

    /// Looks at Fulfillment again.
    pub(crate) fn look_at_ours(&mut self) {
        let backlog = |name: &&str| self.fulfillment.state(&Backlog::stream(&ours::Sku::parse(name).expect("a SKU")));
        let order = self.fulfillment.state(&Stream::new(ORDER));
        let mut ours = Ours { order, backlogs: SKUS.iter().map(backlog).collect(), image: Vec::new() };
        ours.image = serde_json::to_vec(&ours).expect("a state is JSON");
        let more = ours.order.attempts().len() != self.ours.order.attempts().len();
        self.ours = Arc::new(ours);
        if more {
            self.look_at_theirs();
        }
    }

    /// Looks at Inventory again.
    pub(crate) fn look_at_theirs(&mut self) {
        let item = |name: &&str| self.inventory.state(&StockItem::stream(&Sku::parse(name).expect("a SKU")));
        let named = |id: &str| {
            let stream = Reservation::stream(&ReservationId::parse(id).expect("an id"));
            self.inventory.state(&stream)
        };
        let attempts = self.ours.order.attempts().iter();
        let mut theirs = Theirs {
            items: SKUS.iter().map(item).collect(),
            reservations: attempts.map(|attempt| named(&reservation_id(ORDER, attempt.number))).collect(),
            cart: named(CART),
            image: Vec::new(),
        };
        theirs.image = serde_json::to_vec(&theirs).expect("a state is JSON");
        self.theirs = Arc::new(theirs);
    }

    /// Fixes what makes it different from other states.
    ///
    /// Two that differ only in the numbers of messages are one. So are, while nothing can come again (`repeats`), two that
    /// differ in what was delivered: the inbox knows its place, not what stood there.
    pub(crate) fn sealed(mut self, repeats: bool) -> Self {
        let all = (&self.homes, &self.timers, self.now, self.left, self.wrong);
        let mut between = serde_json::to_vec(&all).expect("a state is JSON");
        for lane in &self.lanes {
            Lane::write(&lane.waiting, &mut between);
            Lane::write(if repeats { &lane.recent } else { &[] }, &mut between);
        }
        self.between = between.into();
        self
    }

    fn image(&self) -> [&[u8]; 3] {
        [&self.ours.image, &self.theirs.image, &self.between]
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.image() == other.image()
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.image().hash(hasher);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.image().iter().try_for_each(|part| writeln!(f, "{}", String::from_utf8_lossy(part)))
    }
}
