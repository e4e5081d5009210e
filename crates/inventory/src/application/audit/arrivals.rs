//! The books of what is to come, kept delivery by delivery: the stock items know only sums, the receipts only their own lines.

use std::collections::{BTreeMap, HashMap};

use cqrs::Timestamp;

use super::Book;
use crate::domain::ids::{LineId, LocationId, ReceiptId};
use crate::domain::receipt::Receipt;
use crate::domain::stock_item::{Arrival, Delivery, Due, Inbound, Incoming};

/// A line of a delivery.
type Key = (Inbound, LineId);

/// One SKU's books of what is to come.
#[derive(Default)]
pub(super) struct Arrivals {
    /// What is still to come.
    live: BTreeMap<Key, Arrival>,
    /// Units that have come, and how many of them damaged.
    came: BTreeMap<Key, (i64, i64)>,
}

fn key(arrival: &Arrival) -> Key {
    (arrival.by.clone(), arrival.line.clone())
}

impl Arrivals {
    pub(super) fn expect(&mut self, arrival: &Arrival, wrong: &mut Vec<String>) {
        if let Some(before) = self.live.insert(key(arrival), arrival.clone()) {
            wrong.push(format!("{arrival:?} is expected beside {before:?}"));
        }
    }

    /// `arrival` is to come no more, because it has or because it will not.
    pub(super) fn end(&mut self, arrival: &Arrival, wrong: &mut Vec<String>) {
        let found = self.live.remove(&key(arrival));
        let same =
            found.as_ref().filter(|found| Arrival { quantity: arrival.quantity, ..(*found).clone() } == *arrival);
        match same.map(|found| found.quantity - arrival.quantity) {
            Some(0) => {}
            Some(left) if left > 0 => {
                self.live.insert(key(arrival), Arrival { quantity: left, ..arrival.clone() });
            }
            _ => wrong.push(format!("{arrival:?} ended, but what was to come is {found:?}")),
        }
    }

    pub(super) fn came(&mut self, delivery: &Delivery, wrong: &mut Vec<String>) {
        delivery.fulfils().iter().for_each(|arrival| self.end(arrival, wrong));
        let (units, damaged) = self.came.entry((delivery.by.clone(), delivery.line.clone())).or_default();
        *units += delivery.quantity;
        *damaged += delivery.damaged;
    }

    /// What differs between the sums the item keeps and the deliveries added up.
    pub(super) fn differences(&self, counted: &Incoming) -> Option<String> {
        let mut sums: BTreeMap<(Timestamp, &LocationId), (i64, i64)> = BTreeMap::new();
        for arrival in self.live.values() {
            let (quantity, in_transit) = sums.entry((arrival.expected_at, &arrival.location)).or_default();
            *quantity += arrival.quantity;
            *in_transit += if matches!(arrival.by, Inbound::Transfer(_)) { arrival.quantity } else { 0 };
        }
        let due = |((expected_at, location), (quantity, in_transit)): ((Timestamp, &LocationId), (i64, i64))| Due {
            expected_at,
            location: location.clone(),
            quantity,
            in_transit,
        };
        let added: Vec<Due> = sums.into_iter().map(due).collect();
        let counted: Vec<Due> = counted.dates().collect();
        (added != counted).then(|| format!("counts {counted:?} as incoming, the deliveries say {added:?}"))
    }
}

/// What differs between the receipts and what the SKUs' books have of them.
pub(super) fn against(receipts: &HashMap<String, Receipt>, skus: &HashMap<String, Book>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut told: HashMap<(&str, Key), &Arrival> = HashMap::new();
    let mut came: HashMap<(String, Key), (i64, i64)> = HashMap::new();
    for (sku, book) in skus {
        told.extend(book.arrivals.live.iter().map(|(key, arrival)| ((sku.as_str(), key.clone()), arrival)));
        came.extend(book.arrivals.came.iter().map(|(key, units)| ((sku.clone(), key.clone()), *units)));
    }
    for (id, receipt) in receipts {
        let Ok(receipt_id) = ReceiptId::parse(id) else { continue };
        for (sku, arrival) in receipt.arrivals(&receipt_id) {
            let found = told.remove(&(sku.as_str(), key(&arrival)));
            if found != Some(&arrival) {
                wrong.push(format!("receipt {id}: waits for {arrival:?}, the stock of {sku} for {found:?}"));
            }
        }
        for line in receipt.view(&receipt_id).lines {
            let key = (Inbound::Receipt(receipt_id.clone()), line.line_id);
            let found = came.remove(&(line.sku.as_str().to_owned(), key)).unwrap_or_default();
            if found != (line.received, line.damaged) {
                wrong.push(format!(
                    "receipt {id}: {} units of {} came, {} damaged; the stock says {found:?}",
                    line.received, line.sku, line.damaged
                ));
            }
        }
    }
    wrong.extend(
        told.into_values().map(|arrival| format!("{arrival:?} is to come of a delivery that knows nothing of it")),
    );
    wrong.extend(
        came.into_keys().map(|(sku, (by, _))| format!("units of {sku} came with {by}, which knows nothing of it")),
    );
    wrong
}
