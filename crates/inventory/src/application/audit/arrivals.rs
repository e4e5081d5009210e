//! The books of what is to come, kept delivery by delivery: the stock items know only sums, receipts and transfers only
//! their own lines. What left one location is in transit, has come, or is lost: nothing else can become of it.

use std::collections::{BTreeMap, HashMap};

use cqrs::Timestamp;

use super::Book;
use crate::domain::ids::{LineId, LocationId, ReceiptId, Sku, TransferId};
use crate::domain::receipt::Receipt;
use crate::domain::stock_item::{Arrival, Delivery, Due, Inbound, Incoming};
use crate::domain::transfer::Transfer;

/// A line of a delivery.
type Key = (Inbound, LineId);

/// Units of one line: what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Became {
    shipped: i64,
    came: i64,
    damaged: i64,
    lost: i64,
}

/// One SKU's books of what is to come.
#[derive(Default)]
pub(super) struct Arrivals {
    /// What is still to come.
    live: BTreeMap<Key, Arrival>,
    became: BTreeMap<Key, Became>,
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

    /// Units left for another location.
    pub(super) fn ship(&mut self, arrival: &Arrival, wrong: &mut Vec<String>) {
        self.became.entry(key(arrival)).or_default().shipped += arrival.quantity;
        self.expect(arrival, wrong);
    }

    /// Units in transit will not come.
    pub(super) fn lose(&mut self, arrival: &Arrival, wrong: &mut Vec<String>) {
        self.became.entry(key(arrival)).or_default().lost += arrival.quantity;
        self.end(arrival, wrong);
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
        let became = self.became.entry((delivery.by.clone(), delivery.line.clone())).or_default();
        became.came += delivery.quantity;
        became.damaged += delivery.damaged;
    }

    /// What differs between the sums the item keeps and the deliveries added up, and what left and was never heard of.
    pub(super) fn differences(&self, counted: &Incoming) -> Vec<String> {
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
        let differ =
            (added != counted).then(|| format!("counts {counted:?} as incoming, the deliveries say {added:?}"));
        differ.into_iter().chain(self.unaccounted()).collect()
    }

    /// Conservation: what left with a transfer is in transit, has come or is lost.
    fn unaccounted(&self) -> impl Iterator<Item = String> {
        let transfers = self.became.iter().filter(|((by, _), _)| matches!(by, Inbound::Transfer(_)));
        transfers.filter_map(|(key, Became { shipped, came, lost, .. })| {
            let in_transit = self.live.get(key).map_or(0, |arrival| arrival.quantity);
            let (by, line) = key;
            (*shipped != in_transit + came + lost).then(|| {
                format!(
                    "{shipped} units left with line {line} of {by}: {in_transit} are in transit, {came} came, {lost} are lost"
                )
            })
        })
    }
}

/// What receipts and transfers say of themselves.
struct Said {
    /// Who says it, for people.
    name: String,
    waits_for: Vec<(Sku, Arrival)>,
    became: Vec<(Sku, Key, Became)>,
}

impl Said {
    fn by_receipt(id: &ReceiptId, receipt: &Receipt) -> Self {
        let became = receipt.view(id).lines.into_iter().map(|line| {
            let became = Became { came: line.received, damaged: line.damaged, ..Became::default() };
            (line.sku, (Inbound::Receipt(id.clone()), line.line_id), became)
        });
        let waits_for = receipt.arrivals(id).map(|(sku, arrival)| (sku.clone(), arrival)).collect();
        Self { name: format!("receipt {id}"), waits_for, became: became.collect() }
    }

    fn by_transfer(id: &TransferId, transfer: &Transfer) -> Self {
        let became = transfer.view(id).lines.into_iter().map(|line| {
            let shipped = line.in_transit + line.received + line.lost;
            let became = Became { shipped, came: line.received, damaged: line.damaged, lost: line.lost };
            (line.sku, (Inbound::Transfer(id.clone()), line.line_id), became)
        });
        let waits_for = transfer.arrivals(id).map(|(sku, arrival)| (sku.clone(), arrival)).collect();
        Self { name: format!("transfer {id}"), waits_for, became: became.collect() }
    }
}

/// What differs between receipts and transfers and what the SKUs' books have of them.
pub(super) fn against(
    receipts: &HashMap<String, Receipt>,
    transfers: &HashMap<String, Transfer>,
    skus: &HashMap<String, Book>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut told: HashMap<(String, Key), &Arrival> = HashMap::new();
    let mut became: HashMap<(String, Key), Became> = HashMap::new();
    for (sku, book) in skus {
        told.extend(book.arrivals.live.iter().map(|(key, arrival)| ((sku.clone(), key.clone()), arrival)));
        became.extend(book.arrivals.became.iter().map(|(key, units)| ((sku.clone(), key.clone()), *units)));
    }
    let receipts = receipts.iter().filter_map(|(id, found)| Some(Said::by_receipt(&ReceiptId::parse(id).ok()?, found)));
    let transfers =
        transfers.iter().filter_map(|(id, found)| Some(Said::by_transfer(&TransferId::parse(id).ok()?, found)));
    for Said { name, waits_for, became: says } in receipts.chain(transfers) {
        for (sku, arrival) in waits_for {
            let found = told.remove(&(sku.as_str().to_owned(), key(&arrival)));
            if found != Some(&arrival) {
                wrong.push(format!("{name}: waits for {arrival:?}, the stock of {sku} for {found:?}"));
            }
        }
        for (sku, key, says) in says {
            let found = became.remove(&(sku.as_str().to_owned(), key)).unwrap_or_default();
            if found != says {
                wrong.push(format!("{name}: of {sku} it says {says:?}, the stock {found:?}"));
            }
        }
    }
    let unknown = |arrival| format!("{arrival:?} is to come of a delivery that knows nothing of it");
    wrong.extend(told.into_values().map(unknown));
    wrong.extend(
        became.into_keys().map(|(sku, (by, _))| format!("{sku} went or came with {by}, which knows nothing of it")),
    );
    wrong
}
