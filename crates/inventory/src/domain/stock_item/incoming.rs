//! Units that are to come, by the instant they are expected: what a stock item knows of receipts and transfers.

use std::fmt;

use cqrs::Timestamp;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::Level;
use crate::domain::ids::{DeliveryId, LineId, LocationId, ReceiptId, TransferId};
use crate::domain::reason::Reason;

/// The most pairs of an instant and a location at which units of one SKU are expected.
pub const DATES_MAX: usize = 200;

/// What brings units in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Inbound {
    /// Goods of a supplier.
    Receipt(ReceiptId),
    /// Goods of another location.
    Transfer(TransferId),
}

impl fmt::Display for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receipt(id) => write!(f, "receipt/{id}"),
            Self::Transfer(id) => write!(f, "transfer/{id}"),
        }
    }
}

/// Units of one line that are to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrival {
    /// What brings them.
    pub by: Inbound,
    /// The line of it.
    pub line: LineId,
    /// Where they are to come.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
    /// When.
    pub expected_at: Timestamp,
}

/// Units of one line that have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// What brought them.
    pub by: Inbound,
    /// The line of it.
    pub line: LineId,
    /// Which time that goods of it came.
    pub delivery: DeliveryId,
    /// Where they are now.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
    /// How many of them came damaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: i64,
    /// How many of them had been expected; the others came beyond that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected: i64,
    /// When those had been expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Timestamp>,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

impl Delivery {
    /// What it adds to the counters.
    #[must_use]
    pub fn adds(&self) -> Level {
        Level { on_hand: self.quantity, damaged: self.damaged, ..Level::default() }
    }

    /// The reason code of the ledger entry.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.by {
            Inbound::Receipt(_) => Reason::Received,
            Inbound::Transfer(_) => Reason::Movement,
        }
    }

    /// What is not to come any more, because it has.
    #[must_use]
    pub fn fulfils(&self) -> Option<Arrival> {
        let expected_at = self.expected_at.filter(|_| self.expected > 0)?;
        let (by, line, location) = (self.by.clone(), self.line.clone(), self.location.clone());
        Some(Arrival { by, line, location, quantity: self.expected, expected_at })
    }
}

/// Units that are to come to one location at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// When they are expected.
    pub expected_at: Timestamp,
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
    /// How many of them are in transit from another location.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_transit: i64,
}

/// All units of a SKU that are to come: sums, never single deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Due>", into = "Vec<Due>")]
pub struct Incoming {
    dates: OrdMap<(Timestamp, LocationId), (i64, i64)>,
}

impl Incoming {
    /// What is to come, the earliest first.
    pub fn dates(&self) -> impl Iterator<Item = Due> {
        self.dates.iter().map(|((expected_at, location), (quantity, in_transit))| Due {
            expected_at: *expected_at,
            location: location.clone(),
            quantity: *quantity,
            in_transit: *in_transit,
        })
    }

    /// All units that are to come.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.dates.values().map(|(quantity, _)| quantity).sum()
    }

    /// The units that are to come until `by`. What is late counts: it is still to come.
    #[must_use]
    pub fn until(&self, by: Timestamp) -> i64 {
        self.dates.iter().take_while(|((at, _), _)| *at <= by).map(|(_, (quantity, _))| quantity).sum()
    }

    /// The units that are to come to `location`.
    #[must_use]
    pub fn at(&self, location: &LocationId) -> i64 {
        self.dates.iter().filter(|((_, there), _)| there == location).map(|(_, (quantity, _))| quantity).sum()
    }

    /// The units on their way between two locations.
    #[must_use]
    pub fn in_transit(&self) -> i64 {
        self.dates.values().map(|(_, in_transit)| in_transit).sum()
    }

    /// Whether units may be expected at `location` and `at`, beside all that is.
    #[must_use]
    pub fn has_room_for(&self, at: Timestamp, location: &LocationId) -> bool {
        self.dates.len() < DATES_MAX || self.dates.contains_key(&(at, location.clone()))
    }

    /// Adds what is to come.
    pub fn add(&mut self, arrival: &Arrival) {
        self.change(arrival, arrival.quantity);
    }

    /// Takes off what has come, or will not.
    pub fn take(&mut self, arrival: &Arrival) {
        self.change(arrival, -arrival.quantity);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.dates.values().all(|(quantity, in_transit)| *in_transit >= 0 && quantity >= in_transit)
    }

    fn change(&mut self, arrival: &Arrival, delta: i64) {
        let key = (arrival.expected_at, arrival.location.clone());
        let (quantity, in_transit) = self.dates.get(&key).copied().unwrap_or_default();
        let moved = if matches!(arrival.by, Inbound::Transfer(_)) { delta } else { 0 };
        match (quantity + delta, in_transit + moved) {
            (0, 0) => drop(self.dates.remove(&key)),
            left => drop(self.dates.insert(key, left)),
        }
    }
}

impl From<Vec<Due>> for Incoming {
    fn from(dates: Vec<Due>) -> Self {
        let dates = dates.into_iter().map(|due| ((due.expected_at, due.location), (due.quantity, due.in_transit)));
        Self { dates: dates.collect() }
    }
}

impl From<Incoming> for Vec<Due> {
    fn from(incoming: Incoming) -> Self {
        incoming.dates().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, line, place};

    fn arrival(by: &Inbound, ms: i64, location: &str, quantity: i64) -> Arrival {
        Arrival { by: by.clone(), line: line("1"), location: place(location), quantity, expected_at: at(ms) }
    }

    fn receipt() -> Inbound {
        Inbound::Receipt(ReceiptId::parse("r").unwrap())
    }

    fn transfer() -> Inbound {
        Inbound::Transfer(TransferId::parse("t").unwrap())
    }

    #[test]
    fn what_is_to_come_is_summed_by_instant_and_location() {
        let mut incoming = Incoming::default();
        for (by, ms, location, quantity) in
            [(receipt(), 20, "main", 5), (transfer(), 20, "main", 2), (receipt(), 10, "berlin", 1)]
        {
            incoming.add(&arrival(&by, ms, location, quantity));
        }
        assert_eq!((incoming.total(), incoming.until(at(19)), incoming.until(at(20))), (8, 1, 8));
        assert_eq!((incoming.at(&place("main")), incoming.in_transit()), (7, 2));
        incoming.take(&arrival(&receipt(), 10, "berlin", 1));
        assert_eq!(incoming.dates().count(), 1);
        let json = serde_json::to_string(&incoming).unwrap();
        assert_eq!(serde_json::from_str::<Incoming>(&json).unwrap(), incoming);
    }

    #[test]
    fn more_taken_off_than_was_to_come_is_not_sound() {
        let mut incoming = Incoming::default();
        incoming.add(&arrival(&receipt(), 20, "main", 5));
        assert!(incoming.is_sound());
        incoming.take(&arrival(&receipt(), 20, "main", 6));
        assert!(!incoming.is_sound());
        let mut incoming = Incoming::default();
        incoming.add(&arrival(&receipt(), 20, "main", 5));
        incoming.take(&arrival(&transfer(), 20, "main", 1));
        assert!(!incoming.is_sound(), "what was not in transit cannot arrive from it");
    }

    #[test]
    fn a_sku_is_expected_on_so_many_dates_and_no_more() {
        let mut incoming = Incoming::default();
        for ms in 0..200 {
            assert!(incoming.has_room_for(at(ms), &place("main")));
            incoming.add(&arrival(&receipt(), ms, "main", 1));
        }
        assert!(!incoming.has_room_for(at(200), &place("main")));
        assert!(incoming.has_room_for(at(7), &place("main")), "a date that is there already");
    }
}
