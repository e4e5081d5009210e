//! Sourcing: which locations serve a line, and how much of it can be served.

use serde::{Deserialize, Serialize};

use super::{Level, StockItem};
use crate::domain::ids::LocationId;

/// Units of a line at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// Where they are.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
}

impl StockItem {
    /// The most units that one more line could hold: anywhere, or at `location`.
    #[must_use]
    pub fn promisable(&self, location: Option<&LocationId>) -> i64 {
        let anywhere = self.available() + self.beyond(None);
        let there = location.map_or(anywhere, |there| self.level(there).free() + self.beyond(location));
        anywhere.min(there).max(0)
    }

    /// The most units on hand that one more line of an order could have, from anywhere but `exclude`.
    ///
    /// Limits are for carts: what an order is given is picked, and nobody can pick what is not there.
    #[must_use]
    pub fn committable_without(&self, exclude: &[LocationId]) -> i64 {
        let free: i64 = self.in_order(exclude).map(|(_, level)| level.free().max(0)).sum();
        self.available().min(free).max(0)
    }

    /// Where `wanted` units (or as many as there are) would be taken from.
    ///
    /// One location that serves the whole line is best (`main` first, then by id), because it makes one parcel. Else it
    /// is split in that order, and what only a backorder covers waits at the first location.
    #[must_use]
    pub fn source(&self, location: Option<&LocationId>, wanted: i64) -> Vec<Allocation> {
        let quantity = wanted.min(self.promisable(location));
        if quantity <= 0 {
            return Vec::new();
        }
        if let Some(location) = location {
            return vec![Allocation { location: location.clone(), quantity }];
        }
        self.choose(quantity, &[])
    }

    /// As [`source`](Self::source), for an order: only what is on hand, from anywhere but `exclude`.
    #[must_use]
    pub fn source_without(&self, exclude: &[LocationId], wanted: i64) -> Vec<Allocation> {
        let quantity = wanted.min(self.committable_without(exclude));
        if quantity <= 0 { Vec::new() } else { self.choose(quantity, exclude) }
    }

    /// As [`source`](Self::source), from the locations in `order`: all from one of them that has it if `whole`, else from
    /// each as far as it goes. What only a backorder covers waits at the first.
    #[must_use]
    pub fn source_in(&self, order: &[LocationId], wanted: i64, whole: bool) -> Vec<Allocation> {
        let quantity = wanted.min(self.promisable(None));
        let free = |location: &LocationId| self.level(location).free();
        let one = || order.iter().find(|location| free(location) >= quantity);
        match whole.then(one).flatten() {
            _ if quantity <= 0 => Vec::new(),
            Some(location) => vec![Allocation { location: location.clone(), quantity }],
            None => {
                let first = order.first().cloned().or_else(|| self.first(&[]));
                split(quantity, order.iter().map(|location| (location, free(location))), first)
            }
        }
    }

    /// Its locations in the order they are tried unless a strategy has another.
    pub fn locations_in_order(&self) -> impl Iterator<Item = &LocationId> {
        self.in_order(&[]).map(|(location, _)| location)
    }

    fn choose(&self, quantity: i64, exclude: &[LocationId]) -> Vec<Allocation> {
        match self.in_order(exclude).find(|(_, level)| level.free() >= quantity) {
            Some((location, _)) => vec![Allocation { location: location.clone(), quantity }],
            None => {
                let levels = self.in_order(exclude).map(|(location, level)| (location, level.free()));
                split(quantity, levels, self.first(exclude))
            }
        }
    }

    /// Whether exactly these allocations could be held now.
    #[must_use]
    pub fn has_room_for(&self, allocations: &[Allocation]) -> bool {
        let wanted: i64 = allocations.iter().map(|allocation| allocation.quantity).sum();
        wanted <= self.promisable(None)
            && allocations.iter().all(|wish| wish.quantity <= self.level(&wish.location).free())
    }

    /// Where a backorder waits; `main` for a SKU that has not been anywhere yet.
    pub(super) fn first(&self, exclude: &[LocationId]) -> Option<LocationId> {
        let nowhere_yet = || Some(LocationId::main()).filter(|main| self.levels.is_empty() && !exclude.contains(main));
        self.in_order(exclude).next().map(|(location, _)| location.clone()).or_else(nowhere_yet)
    }

    fn in_order<'s>(&'s self, exclude: &'s [LocationId]) -> impl Iterator<Item = (&'s LocationId, &'s Level)> {
        let (main, others) = (|(id, _): &(&LocationId, _)| id.is_main(), |(id, _): &(&LocationId, _)| !id.is_main());
        let all = self.levels.iter().filter(main).chain(self.levels.iter().filter(others));
        all.filter(|(id, _)| !exclude.contains(id))
    }
}

/// Takes `quantity` units from locations with free units, one after the other; what is left waits at `first`.
fn split<'l>(
    quantity: i64,
    levels: impl Iterator<Item = (&'l LocationId, i64)>,
    first: Option<LocationId>,
) -> Vec<Allocation> {
    let mut left = quantity;
    let mut split = Vec::new();
    for (location, free) in levels {
        let taken = left.min(free);
        if taken > 0 {
            split.push(Allocation { location: location.clone(), quantity: taken });
            left -= taken;
        }
    }
    if left > 0
        && let Some(first) = first
    {
        match split.first_mut().filter(|allocation| allocation.location == first) {
            Some(allocation) => allocation.quantity += left,
            None => split.insert(0, Allocation { location: first, quantity: left }),
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use cqrs::Aggregate;

    use super::super::{Details, StockEvent};
    use super::*;

    fn item(safety_stock: i64, backorder_limit: i64, levels: &[(&str, i64)]) -> StockItem {
        let mut item = StockItem::default();
        item.apply(&StockEvent::Registered(Details { name: None, safety_stock, backorder_limit }));
        for &(location, quantity) in levels {
            item.apply(&StockEvent::Replenished { location: at(location), quantity });
        }
        item
    }

    fn at(location: &str) -> LocationId {
        LocationId::parse(location).unwrap()
    }

    fn sourced(item: &StockItem, location: Option<&str>, wanted: i64) -> Vec<(String, i64)> {
        let allocations = item.source(location.map(at).as_ref(), wanted);
        allocations.into_iter().map(|a| (a.location.to_string(), a.quantity)).collect()
    }

    #[test]
    fn one_location_that_serves_all_is_better_than_main() {
        let item = item(0, 0, &[("main", 3), ("aachen", 2), ("berlin", 9)]);
        assert_eq!(sourced(&item, None, 3), [("main".into(), 3)]);
        assert_eq!(sourced(&item, None, 4), [("berlin".into(), 4)]);
    }

    #[test]
    fn a_line_no_location_serves_is_split_main_first() {
        let item = item(0, 0, &[("main", 3), ("aachen", 2), ("berlin", 9)]);
        assert_eq!(sourced(&item, None, 13), [("main".into(), 3), ("aachen".into(), 2), ("berlin".into(), 8)]);
        assert_eq!(sourced(&item, None, 99).iter().map(|(_, units)| units).sum::<i64>(), 14);
    }

    #[test]
    fn safety_stock_is_not_sold_and_a_backorder_waits_at_the_first_location() {
        assert_eq!(sourced(&item(4, 0, &[("main", 10)]), None, 10), [("main".into(), 6)]);
        assert_eq!(
            sourced(&item(0, 5, &[("main", 1), ("berlin", 2)]), None, 6),
            [("main".into(), 4), ("berlin".into(), 2)]
        );
        assert_eq!(sourced(&item(0, 5, &[]), None, 6), [("main".into(), 5)]);
        assert_eq!(
            sourced(&item(0, 5, &[("aachen", 0), ("berlin", 2)]), None, 4),
            [("aachen".into(), 2), ("berlin".into(), 2)]
        );
    }

    #[test]
    fn an_excluded_location_serves_nothing() {
        let without = |item: &StockItem, exclude: &[&str], wanted| {
            let exclude: Vec<LocationId> = exclude.iter().map(|id| at(id)).collect();
            let allocations = item.source_without(&exclude, wanted);
            allocations.into_iter().map(|a| (a.location.to_string(), a.quantity)).collect::<Vec<_>>()
        };
        let stock = item(0, 0, &[("main", 3), ("aachen", 2), ("berlin", 9)]);
        assert_eq!(without(&stock, &[], 3), [("main".into(), 3)]);
        assert_eq!(without(&stock, &["main"], 3), [("berlin".into(), 3)]);
        assert_eq!(without(&stock, &["main", "berlin"], 3), [("aachen".into(), 2)]);
        assert_eq!(without(&stock, &["main", "berlin", "aachen"], 3), []);
        assert_eq!(without(&item(0, 5, &[("main", 1), ("berlin", 2)]), &["main"], 6), [("berlin".into(), 2)]);
        assert_eq!(
            without(&item(0, 5, &[("main", 1), ("berlin", 2)]), &[], 6),
            [("main".into(), 1), ("berlin".into(), 2)]
        );
        assert_eq!(without(&item(0, 5, &[]), &[], 6), [], "an order is not promised what is not there");
        assert_eq!(without(&item(4, 0, &[("main", 3), ("berlin", 2)]), &["main"], 2), [("berlin".into(), 1)]);
    }

    #[test]
    fn a_named_location_serves_what_it_has_and_never_more_than_the_sku_can() {
        let stock = item(0, 0, &[("main", 3), ("berlin", 2)]);
        assert_eq!(sourced(&stock, Some("berlin"), 5), [("berlin".into(), 2)]);
        assert_eq!(sourced(&stock, Some("nowhere"), 1), []);
        assert_eq!(sourced(&item(4, 0, &[("main", 3), ("berlin", 2)]), Some("berlin"), 2), [("berlin".into(), 1)]);
    }
}
