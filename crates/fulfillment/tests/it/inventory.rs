//! An Inventory of a few lines: it keeps counters, answers each request once, and never lends what it has not got.

use std::collections::{BTreeMap, VecDeque};

use comanda_contracts::events::{
    ConsumeReservationRequested, Disposition, GoodsReturned, LineShortfall, PickFrom, RejectionCode,
    ReleaseReservationRequested, ReserveLineRequested, ReserveStockRequested, ReservedLine, StockBecameAvailable,
    StockReservationRejected, StockReserved,
};
use cqrs::ContractEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message on its way to Fulfillment.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) kind: &'static str,
    pub(crate) data: Vec<u8>,
}

/// Units that one reservation holds of one line.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) line: String,
    pub(crate) sku: String,
    pub(crate) location: String,
    pub(crate) units: i64,
}

#[derive(Default)]
pub(crate) struct Inventory {
    /// What is free, by SKU and location. A SKU that is not listed is not known.
    pub(crate) free: BTreeMap<String, BTreeMap<String, i64>>,
    pub(crate) reservations: BTreeMap<String, Vec<Held>>,
    /// Units that have left and are not sold again, by SKU.
    pub(crate) gone: BTreeMap<String, i64>,
    pub(crate) mail: Vec<Mail>,
    /// Whether it has stopped listening: requests wait.
    pub(crate) silent: bool,
    heard: VecDeque<ContractEvent>,
}

impl Inventory {
    pub(crate) fn hear(&mut self, event: ContractEvent) {
        self.heard.push_back(event);
    }

    /// Answers at most so many of the requests that wait.
    pub(crate) fn work(&mut self, requests: usize) {
        let mut left = if self.silent { 0 } else { requests };
        while left > 0 {
            let Some(event) = self.heard.pop_front() else { return };
            left -= 1;
            match event.kind {
                ReserveStockRequested::TYPE => self.reserve(read(&event)),
                ReleaseReservationRequested::TYPE => self.release(&read(&event)),
                ConsumeReservationRequested::TYPE => self.consume(&read(&event)),
                GoodsReturned::TYPE => self.take_back(read(&event)),
                _ => {}
            }
        }
    }

    /// Units of a SKU come in.
    pub(crate) fn receive(&mut self, sku: &str, location: &str, units: i64) {
        self.add(sku, location, units);
    }

    /// Registers a SKU.
    pub(crate) fn register(&mut self, sku: &str) {
        self.free.entry(sku.to_owned()).or_default();
    }

    /// Units of a SKU, free and held.
    pub(crate) fn total(&self, sku: &str) -> i64 {
        let held = self.reservations.values().flatten().filter(|held| held.sku == sku).map(|held| held.units);
        self.free[sku].values().sum::<i64>() + held.sum::<i64>()
    }

    /// Units that a reservation holds for a line.
    pub(crate) fn held(&self, reservation: &str, line: &str) -> i64 {
        let held = self.reservations.get(reservation).into_iter().flatten();
        held.filter(|held| held.line == line).map(|held| held.units).sum()
    }

    fn add(&mut self, sku: &str, location: &str, units: i64) {
        *self.free.get_mut(sku).unwrap().entry(location.to_owned()).or_default() += units;
        let came = StockBecameAvailable { sku: sku.into(), location_id: location.into(), quantity: units };
        self.post(StockBecameAvailable::TYPE, &came);
    }

    fn post<T: Serialize>(&mut self, kind: &'static str, data: &T) {
        self.mail.push(Mail { kind, data: serde_json::to_vec(data).unwrap() });
    }

    fn reserve(&mut self, asked: ReserveStockRequested) {
        let refuse = |code, shortfalls| StockReservationRejected {
            reservation_id: asked.reservation_id.clone(),
            order_id: asked.order_id.clone(),
            attempt: asked.attempt,
            code,
            shortfalls,
        };
        if self.reservations.contains_key(&asked.reservation_id) {
            // Released before it was reserved, and never reserved twice.
            let refused = refuse(RejectionCode::AlreadyReleased, Vec::new());
            return self.post(StockReservationRejected::TYPE, &refused);
        }
        let unknown: Vec<_> = asked.lines.iter().filter(|line| !self.free.contains_key(&line.sku)).collect();
        if !unknown.is_empty() && (!asked.allow_partial || unknown.len() == asked.lines.len()) {
            let shortfalls = unknown.into_iter().map(|line| shortfall(line, 0)).collect();
            return self.post(StockReservationRejected::TYPE, &refuse(RejectionCode::UnknownSku, shortfalls));
        }
        let before = self.free.clone();
        let lines: Vec<ReservedLine> = asked.lines.iter().map(|line| self.take(line)).collect();
        let short = lines.iter().any(|line| line.reserved < line.requested);
        if lines.iter().all(|line| line.reserved == 0) || (short && !asked.allow_partial) {
            self.free = before;
            let short = lines.iter().zip(&asked.lines).filter(|(line, _)| line.reserved < line.requested);
            let shortfalls = short.map(|(line, asked)| shortfall(asked, line.reserved)).collect();
            return self.post(StockReservationRejected::TYPE, &refuse(RejectionCode::InsufficientStock, shortfalls));
        }
        let held = lines.iter().flat_map(|line| {
            line.allocations.iter().map(|place| Held {
                line: line.line_id.clone(),
                sku: line.sku.clone(),
                location: place.location_id.clone(),
                units: place.quantity,
            })
        });
        self.reservations.insert(asked.reservation_id.clone(), held.collect());
        let answer = StockReserved {
            reservation_id: asked.reservation_id,
            order_id: asked.order_id,
            attempt: asked.attempt,
            lines,
        };
        self.post(StockReserved::TYPE, &answer);
    }

    fn take(&mut self, line: &ReserveLineRequested) -> ReservedLine {
        let mut left = line.quantity;
        let mut allocations = Vec::new();
        let known = self.free.contains_key(&line.sku);
        for (location, free) in self.free.get_mut(&line.sku).into_iter().flatten() {
            let units = left.min(*free);
            if units > 0 && !line.exclude_locations.contains(location) {
                *free -= units;
                left -= units;
                allocations.push(PickFrom { location_id: location.clone(), quantity: units, bin: None });
            }
        }
        ReservedLine {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            requested: line.quantity,
            reserved: line.quantity - left,
            allocations,
            code: if known {
                Some(RejectionCode::InsufficientStock).filter(|_| left > 0)
            } else {
                Some(RejectionCode::UnknownSku)
            },
        }
    }

    fn release(&mut self, asked: &ReleaseReservationRequested) {
        let held = self.reservations.entry(asked.reservation_id.clone()).or_default();
        let mut back = Vec::new();
        if asked.lines.is_empty() {
            back.append(held);
        }
        for line in &asked.lines {
            let at = line.location_id.as_deref().unwrap();
            let place = held.iter_mut().find(|held| held.line == line.line_id && held.location == at);
            let place = place.unwrap_or_else(|| panic!("{asked:?} gives back what is not held"));
            assert!(place.units >= line.quantity, "{asked:?} gives back more than is held");
            place.units -= line.quantity;
            back.push(Held { units: line.quantity, ..place.clone() });
        }
        for units in back {
            self.add(&units.sku, &units.location, units.units);
        }
    }

    fn consume(&mut self, left: &ConsumeReservationRequested) {
        let held = self.reservations.entry(left.reservation_id.clone()).or_default();
        for line in &left.lines {
            let place = held.iter_mut().find(|held| held.line == line.line_id && held.location == line.location_id);
            let place = place.unwrap_or_else(|| panic!("{left:?} takes what is not held"));
            assert!(place.units >= line.quantity, "{left:?} takes more than is held");
            place.units -= line.quantity;
            *self.gone.entry(place.sku.clone()).or_default() += line.quantity;
        }
    }

    fn take_back(&mut self, back: GoodsReturned) {
        for line in back.lines {
            if line.disposition == Disposition::Restock {
                *self.gone.entry(line.sku.clone()).or_default() -= line.quantity;
                self.add(&line.sku, &line.location_id, line.quantity);
            }
        }
    }
}

fn shortfall(line: &ReserveLineRequested, available: i64) -> LineShortfall {
    LineShortfall { line_id: line.line_id.clone(), sku: line.sku.clone(), requested: line.quantity, available }
}

fn read<T: DeserializeOwned>(event: &ContractEvent) -> T {
    serde_json::from_slice(&event.data).unwrap()
}
