//! The books kept a second time: every counter added up from single holds, by arithmetic that shares nothing with the rules.
//!
//! The rules keep counters and forget the holds behind them. The audit keeps the holds, and so can tell whether every
//! counter is the sum of its live holds and of its ledger, and whether at any moment more was promised than was there.

mod arrivals;

use std::collections::{BTreeMap, HashMap};

use cqrs::{Aggregate, Recorded, Timestamp};

use crate::domain::ids::{LineId, LocationId, ReservationId};
use crate::domain::receipt::Receipt;
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::stock_item::{Condition, Disposition, Fate, Hold, StockEvent, StockItem};
use crate::domain::transfer::Transfer;
use arrivals::Arrivals;

/// Findings kept; of the others only that there are more is told.
const FINDINGS_MAX: usize = 1_000;

/// A hold's name: whose it is, which line, where.
type HoldKey = (ReservationId, LineId, LocationId);

/// Adds up what it sees of the log. See every event of every partition once, each partition in order, then
/// [`finish`](Audit::finish).
#[derive(Default)]
pub struct Audit {
    skus: HashMap<String, Book>,
    reservations: HashMap<String, Reservation>,
    receipts: HashMap<String, Receipt>,
    transfers: HashMap<String, Transfer>,
    findings: Vec<String>,
    oversold: i64,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// SKUs whose counters were compared.
    pub skus: u64,
    /// Reservations whose holds were compared.
    pub reservations: u64,
    /// Units promised beyond stock and backorder limit: per SKU the worst moment, summed.
    pub oversold: i64,
    /// Everything that does not add up.
    pub findings: Vec<String>,
}

/// One SKU's books.
#[derive(Default)]
struct Book {
    /// The item as the rules fold it: what the counters claim.
    item: StockItem,
    /// Units per location by the ledger alone.
    on_hand: BTreeMap<LocationId, i64>,
    /// Units per location that are damaged.
    damaged: BTreeMap<LocationId, i64>,
    /// Units per location that are in quality control.
    in_control: BTreeMap<LocationId, i64>,
    /// Live holds for a while, with their end.
    reserved: HashMap<HoldKey, (i64, Option<Timestamp>)>,
    /// Live holds for good.
    committed: HashMap<HoldKey, i64>,
    /// Which holds end at an instant, so that an expiry finds them.
    ends: BTreeMap<(Timestamp, LocationId), Vec<HoldKey>>,
    /// What is to come, delivery by delivery.
    arrivals: Arrivals,
    backorder_limit: i64,
    /// Sums of the above, kept as they change.
    totals: Totals,
    worst: i64,
    at: Timestamp,
}

#[derive(Default)]
struct Totals {
    on_hand: i64,
    unsold: i64,
    promised: i64,
}

fn key(hold: &Hold) -> HoldKey {
    (hold.reservation.clone(), hold.line.clone(), hold.location.clone())
}

impl Audit {
    /// Takes in the next event of the log.
    pub fn see(&mut self, event: &Recorded) {
        let id = event.stream.id();
        match event.as_event_of::<StockItem>() {
            Ok(Some(stock_event)) => {
                let book = self.skus.entry(id.to_owned()).or_default();
                book.at = event.at;
                let mut wrong = Vec::new();
                book.take_in(&stock_event, &mut wrong);
                for what in wrong {
                    self.find(format!("SKU {id}@{}: {what}", event.version));
                }
                return;
            }
            Ok(None) => {}
            Err(unreadable) => return self.find(unreadable.to_string()),
        }
        match event.as_event_of::<Reservation>() {
            Ok(Some(change)) => return self.reservations.entry(id.to_owned()).or_default().apply(&change),
            Ok(None) => {}
            Err(unreadable) => return self.find(unreadable.to_string()),
        }
        match event.as_event_of::<Receipt>() {
            Ok(Some(change)) => return self.receipts.entry(id.to_owned()).or_default().apply(&change),
            Ok(None) => {}
            Err(unreadable) => return self.find(unreadable.to_string()),
        }
        match event.as_event_of::<Transfer>() {
            Ok(Some(change)) => self.transfers.entry(id.to_owned()).or_default().apply(&change),
            Ok(None) => {}
            Err(unreadable) => self.find(unreadable.to_string()),
        }
    }

    fn find(&mut self, what: String) {
        match self.findings.len() {
            FINDINGS_MAX => self.findings.push("more does not add up; only the first thousand are told".to_owned()),
            len if len > FINDINGS_MAX => {}
            _ => self.findings.push(what),
        }
    }

    /// Compares what was added up with the counters and the reservations.
    #[must_use]
    pub fn finish(mut self) -> Books {
        let skus = std::mem::take(&mut self.skus);
        let reservations = std::mem::take(&mut self.reservations);
        let mut claimed: HashMap<&str, Vec<HoldKey>> = HashMap::new();
        for (sku, book) in &skus {
            self.oversold += book.worst;
            for what in book.differences() {
                self.find(format!("SKU {sku}: {what}"));
            }
            for hold in book.reserved.keys().chain(book.committed.keys()) {
                claimed.entry(hold.0.as_str()).or_default().push(hold.clone());
            }
        }
        for (id, reservation) in &reservations {
            let mut live = claimed.remove(id.as_str()).unwrap_or_default();
            for what in against(reservation, &skus, &mut live) {
                self.find(format!("reservation {id}: {what}"));
            }
            for (_, line, location) in live {
                self.find(format!(
                    "reservation {id}: stock at {location} is held for its line {line}, of which it knows nothing"
                ));
            }
        }
        for (id, _) in claimed {
            self.find(format!("stock is held for reservation {id}, which does not exist"));
        }
        for what in arrivals::against(&self.receipts, &self.transfers, &skus) {
            self.find(what);
        }
        Books {
            skus: skus.len() as u64,
            reservations: reservations.len() as u64,
            oversold: self.oversold,
            findings: self.findings,
        }
    }
}

impl Book {
    fn take_in(&mut self, event: &StockEvent, wrong: &mut Vec<String>) {
        self.item.apply(event);
        match event {
            StockEvent::Registered(details) | StockEvent::DetailsChanged(details) => {
                self.backorder_limit = details.backorder_limit;
            }
            StockEvent::Adjusted { location, delta, .. } => self.put(location, *delta),
            StockEvent::Replenished { location, quantity } => self.put(location, *quantity),
            StockEvent::Held(hold) => self.reserve(hold),
            StockEvent::Committed(hold) => self.commit(hold),
            StockEvent::HoldConfirmed(hold) => {
                self.unreserve(hold, wrong);
                self.commit(hold);
            }
            StockEvent::HoldReleased(hold) => self.unreserve(hold, wrong),
            StockEvent::CommitmentReleased(hold) => self.uncommit(hold, wrong),
            StockEvent::HoldExtended { hold, until } => {
                self.unreserve(hold, wrong);
                self.reserve(&Hold { expires_at: Some(*until), ..hold.clone() });
            }
            StockEvent::Consumed(hold) => {
                self.uncommit(hold, wrong);
                self.put(&hold.location, -hold.quantity);
            }
            StockEvent::Returned { location, quantity, disposition, .. } => match disposition {
                Disposition::Restock => self.put(location, *quantity),
                Disposition::Damaged => {
                    self.put(location, *quantity);
                    self.keep_unsold(Condition::Damaged, location, *quantity);
                }
                Disposition::Scrap => {}
            },
            StockEvent::Expected(arrival) => self.arrivals.expect(arrival, wrong),
            StockEvent::Withdrawn(arrival) => self.arrivals.end(arrival, wrong),
            StockEvent::Delivered(delivery) => {
                self.put(&delivery.location, delivery.quantity);
                self.keep_unsold(Condition::Damaged, &delivery.location, delivery.damaged);
                self.arrivals.came(delivery, wrong);
            }
            StockEvent::Transferred { from, arrival } => {
                self.put(from, -arrival.quantity);
                self.arrivals.ship(arrival, wrong);
            }
            StockEvent::LostInTransit(arrival) => self.arrivals.lose(arrival, wrong),
            StockEvent::Regraded { location, quantity, from, to, .. } => {
                self.keep_unsold(*from, location, -quantity);
                match to {
                    Fate::Sellable => {}
                    Fate::Damaged => self.keep_unsold(Condition::Damaged, location, *quantity),
                    Fate::QualityControl => self.keep_unsold(Condition::QualityControl, location, *quantity),
                    Fate::Scrapped | Fate::ReturnedToSupplier => self.put(location, -quantity),
                }
            }
            StockEvent::BalanceStruck { details, levels } => {
                if (details, levels) != (self.item.details(), self.item.levels()) {
                    wrong.push("a balance was struck that is not what the events before it add up to".to_owned());
                }
            }
            StockEvent::BinAssigned { .. }
            | StockEvent::PromisableRaised { .. }
            | StockEvent::BackordersChanged(_)
            | StockEvent::BackordersOpened { .. }
            | StockEvent::HoldTransferred { .. } => {}
            StockEvent::HoldsExpired { buckets, .. } => {
                for bucket in buckets {
                    if bucket.expires_at > self.at {
                        wrong.push(format!("a hold that ends at {} was expired at {}", bucket.expires_at, self.at));
                    }
                    let gone = self.expire(bucket.expires_at, &bucket.location);
                    if gone != bucket.quantity {
                        wrong.push(format!("{} units expired, the holds that ended then are {gone}", bucket.quantity));
                    }
                }
            }
        }
        self.worst =
            self.worst.max(self.totals.promised + self.totals.unsold - self.totals.on_hand - self.backorder_limit);
        if !self.item.is_sound() {
            wrong.push("a counter is negative, or more is promised than stock and backorders cover".to_owned());
        }
    }

    fn put(&mut self, location: &LocationId, units: i64) {
        *self.on_hand.entry(location.clone()).or_default() += units;
        self.totals.on_hand += units;
    }

    /// Counts `units` among those at `location` that are not sold, if they are in such a condition.
    fn keep_unsold(&mut self, condition: Condition, location: &LocationId, units: i64) {
        let kept = match condition {
            Condition::Sellable => return,
            Condition::Damaged => &mut self.damaged,
            Condition::QualityControl => &mut self.in_control,
        };
        *kept.entry(location.clone()).or_default() += units;
        self.totals.unsold += units;
    }

    fn reserve(&mut self, hold: &Hold) {
        self.totals.promised += hold.quantity;
        self.reserved.insert(key(hold), (hold.quantity, hold.expires_at));
        if let Some(end) = hold.expires_at {
            self.ends.entry((end, hold.location.clone())).or_default().push(key(hold));
        }
    }

    fn commit(&mut self, hold: &Hold) {
        *self.committed.entry(key(hold)).or_default() += hold.quantity;
        self.totals.promised += hold.quantity;
    }

    fn unreserve(&mut self, hold: &Hold, wrong: &mut Vec<String>) {
        match self.reserved.remove(&key(hold)) {
            Some((quantity, end)) if quantity == hold.quantity && end == hold.expires_at => {
                self.totals.promised -= quantity;
            }
            held => wrong.push(format!("{hold:?} ended, but what was held is {held:?}")),
        }
    }

    fn uncommit(&mut self, hold: &Hold, wrong: &mut Vec<String>) {
        let left = self.committed.get(&key(hold)).copied().unwrap_or(0) - hold.quantity;
        self.totals.promised -= hold.quantity;
        if left < 0 {
            wrong.push(format!("{hold:?} was taken from a commitment {} units too small", -left));
        }
        if left == 0 {
            self.committed.remove(&key(hold));
        } else {
            self.committed.insert(key(hold), left);
        }
    }

    /// Ends the holds of one instant at one location; returns their units.
    fn expire(&mut self, end: Timestamp, location: &LocationId) -> i64 {
        let mut gone = 0;
        for hold in self.ends.remove(&(end, location.clone())).unwrap_or_default() {
            // One that was confirmed, released or extended since is not live under this end any more.
            if self.reserved.get(&hold).is_some_and(|(_, ends)| *ends == Some(end))
                && let Some((quantity, _)) = self.reserved.remove(&hold)
            {
                gone += quantity;
            }
        }
        self.totals.promised -= gone;
        gone
    }

    /// What differs between the counters and what was added up.
    fn differences(&self) -> Vec<String> {
        let mut expected: BTreeMap<&LocationId, [i64; 5]> = BTreeMap::new();
        let mut add = |location, counter: usize, units: i64| {
            if let Some(sum) = expected.entry(location).or_default().get_mut(counter) {
                *sum += units;
            }
        };
        self.on_hand.iter().for_each(|(location, units)| add(location, 0, *units));
        self.committed.iter().for_each(|((_, _, location), units)| add(location, 1, *units));
        self.reserved.iter().for_each(|((_, _, location), (units, _))| add(location, 2, *units));
        self.damaged.iter().for_each(|(location, units)| add(location, 3, *units));
        self.in_control.iter().for_each(|(location, units)| add(location, 4, *units));
        let mut wrong = Vec::new();
        for (location, level) in self.item.levels() {
            let counted = [level.on_hand, level.committed, level.reserved, level.damaged, level.quality_control];
            let added = expected.remove(location).unwrap_or_default();
            if counted != added {
                wrong.push(format!(
                    "at {location} the counters (on hand, committed, reserved, damaged, in quality control) are {counted:?}, ledger and holds say {added:?}"
                ));
            }
        }
        wrong.extend(self.arrivals.differences(self.item.incoming()));
        wrong.extend(expected.into_keys().map(|location| format!("has no counters at {location}, but a ledger")));
        wrong
    }
}

/// Compares a reservation with the holds the SKUs' books have for it; takes what it accounts for out of `live`.
fn against(reservation: &Reservation, skus: &HashMap<String, Book>, live: &mut Vec<HoldKey>) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in reservation.lines() {
        let Some(book) = skus.get(line.sku.as_str()) else {
            // An order may name a SKU nobody knows: nothing is held for it.
            if line.allocations.is_empty() && line.consumed == 0 {
                continue;
            }
            wrong.push(format!("line {} is of SKU {}, which has no stream", line.line_id, line.sku));
            continue;
        };
        let state = reservation.state(book.at);
        for allocation in &line.allocations {
            let found = live.iter().position(|(_, id, place)| *id == line.line_id && *place == allocation.location);
            let hold = found.map(|at| live.swap_remove(at));
            let units = hold.map_or(0, |hold| units(book, &hold, state));
            // Expired and not swept yet: the stock is still counted as held, until its item is looked at next.
            let ended = state == ReservationState::Expired && units == 0;
            if units != allocation.quantity && !ended {
                wrong.push(format!(
                    "{state}, line {} has {} units at {}, the stock holds {units} for it",
                    line.line_id, allocation.quantity, allocation.location
                ));
            }
        }
    }
    wrong
}

/// The units that are live under `hold` in the state the reservation is in.
fn units(book: &Book, hold: &HoldKey, state: ReservationState) -> i64 {
    match state {
        ReservationState::Confirmed | ReservationState::PartiallyConsumed => {
            book.committed.get(hold).copied().unwrap_or(0)
        }
        ReservationState::Held | ReservationState::PartiallyHeld | ReservationState::Expired => {
            book.reserved.get(hold).map_or(0, |(units, _)| *units)
        }
        ReservationState::Consumed | ReservationState::Released | ReservationState::Rejected => 0,
    }
}
