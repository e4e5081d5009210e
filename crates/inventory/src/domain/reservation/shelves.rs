//! The stock items one decision works on, each as the lines before have left it: several lines of a SKU share its stock.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Decision, States, Stream, Timestamp};

use super::view::ReservationAnswer;
use super::{Line, Reservation, ReservationEvent};
use crate::domain::ids::{LocationId, OwnerId, ReservationId, Sku};
use crate::domain::stock_item::{Allocation, Hold, StockEvent, StockItem};

/// How much of one SKU was missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The SKU.
    pub sku: Sku,
    /// The location, where the lines named one that lacked it.
    pub location: Option<LocationId>,
    /// Units asked for, over all those lines.
    pub requested: i64,
    /// Units that could have been had.
    pub available: i64,
}

/// The stock items of one decision.
pub(in crate::domain) struct Shelves<'a> {
    states: &'a States<'a>,
    shelves: BTreeMap<Sku, Shelf>,
    /// Whom units are held for.
    owner: Option<OwnerId>,
}

/// One stock item, and the events this decision adds to it.
struct Shelf {
    stream: Stream<StockItem>,
    /// As the decision found it.
    before: Arc<StockItem>,
    now: Arc<StockItem>,
    events: Vec<StockEvent>,
    /// How many of `events` are folded into `now`: only those that a later line must see, so one line folds none.
    folded: usize,
}

impl Shelf {
    fn current(&mut self) -> &StockItem {
        for event in self.events.iter().skip(self.folded) {
            Arc::make_mut(&mut self.now).apply(event);
        }
        self.folded = self.events.len();
        &self.now
    }
}

impl<'a> Shelves<'a> {
    pub(in crate::domain) fn new(states: &'a States<'a>) -> Self {
        Self { states, shelves: BTreeMap::new(), owner: None }
    }

    /// Units are held for `owner`.
    pub(super) fn for_owner(self, owner: Option<OwnerId>) -> Self {
        Self { owner, ..self }
    }

    /// With the items of every line named before anything is decided: they are loaded together, what is due of them is
    /// recorded, and the answer's token covers them even if nothing changes.
    pub(super) fn of(states: &'a States<'a>, reservation: &Reservation) -> Self {
        let mut shelves = Self::new(states).for_owner(reservation.owner.clone());
        for line in reservation.lines.iter() {
            shelves.shelf(&line.sku);
        }
        shelves
    }

    fn shelf(&mut self, sku: &Sku) -> &mut Shelf {
        self.shelves.entry(sku.clone()).or_insert_with(|| {
            let stream = StockItem::stream(sku);
            let before = self.states.of(&stream);
            Shelf { stream, now: Arc::clone(&before), before, events: Vec::new(), folded: 0 }
        })
    }

    /// The stock of `sku` as the lines before have left it.
    pub(in crate::domain) fn item(&mut self, sku: &Sku) -> &StockItem {
        self.shelf(sku).current()
    }

    /// Adds an event to the stock of `sku`.
    pub(in crate::domain) fn record(&mut self, sku: &Sku, event: StockEvent) {
        self.shelf(sku).events.push(event);
    }

    /// Sources `line` (where it was before, if that is possible) and holds what can be had of `wanted`.
    pub(super) fn hold(
        &mut self,
        reservation: &ReservationId,
        line: &mut Line,
        wanted: i64,
        expires_at: Option<Timestamp>,
    ) {
        let item = self.item(&line.sku);
        if line.allocations.is_empty() || !item.has_room_for(&line.allocations) {
            line.allocations = item.source(line.location.as_ref(), wanted);
        }
        self.hold_allocated(reservation, line, expires_at);
    }

    /// Holds the units of `line` where it has them, and notes how many of them are not there yet.
    pub(super) fn hold_allocated(
        &mut self,
        reservation: &ReservationId,
        line: &mut Line,
        expires_at: Option<Timestamp>,
    ) {
        let item = self.item(&line.sku);
        let missing = |held: &Allocation| (held.quantity - item.level(&held.location).free().max(0)).max(0);
        line.beyond = line.allocations.iter().map(missing).sum();
        for allocation in &line.allocations {
            let hold = Hold { owner: self.owner.clone(), ..line.hold(reservation, allocation, expires_at) };
            self.record(&line.sku, StockEvent::Held(hold));
        }
    }

    /// What was missing for `lines`, each with the units it wanted; the numbers are of before this decision.
    ///
    /// With a location: it lacked what the lines that insist on it want. Without: the SKU lacked what all its lines want.
    pub(super) fn shortfalls<'l>(&mut self, lines: impl Iterator<Item = (&'l Line, i64)>) -> Vec<Shortfall> {
        let mut wanted: BTreeMap<&Sku, BTreeMap<Option<&LocationId>, i64>> = BTreeMap::new();
        for (line, units) in lines {
            *wanted.entry(&line.sku).or_default().entry(line.location.as_ref()).or_default() += units;
        }
        let mut shortfalls = Vec::new();
        for (sku, by_location) in wanted {
            let before = Arc::clone(&self.shelf(sku).before);
            let mut missing = |location: Option<&LocationId>, requested| {
                let available = before.promisable(location);
                let short = requested > available;
                if short {
                    let (sku, location) = (sku.clone(), location.cloned());
                    shortfalls.push(Shortfall { sku, location, requested, available });
                }
                short
            };
            let all = by_location.values().sum();
            let only = by_location.len() == 1;
            let mut told = false;
            for (location, requested) in by_location {
                told |= location.is_some() && missing(location, requested);
            }
            if !(only && told) {
                missing(None, all);
            }
        }
        shortfalls
    }

    /// The decision: `events` on the reservation and all that was recorded on stock, answered with what they lead to.
    pub(super) fn decide(
        self,
        id: &ReservationId,
        stream: &Stream<Reservation>,
        reservation: &Reservation,
        events: Vec<ReservationEvent>,
    ) -> Decision<ReservationAnswer> {
        let mut after = reservation.clone();
        events.iter().for_each(|event| after.apply(event));
        let repeated = events.is_empty();
        let view = after.view(id, self.states.at());
        let answer = ReservationAnswer { reservation: view, repeated, sourcing: Vec::new() };
        self.record_in(Decision::answer(answer).record_all(stream, events))
    }

    /// `decision`, with all that was recorded on stock.
    pub(in crate::domain) fn record_in<T>(self, mut decision: Decision<T>) -> Decision<T> {
        for shelf in self.shelves.into_values() {
            decision = decision.record_all(&shelf.stream, shelf.events);
        }
        decision
    }
}
