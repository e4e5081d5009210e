//! The batch pick of a wave: one stop for each SKU and bin, with the total, and how it is split over the lists.

use std::collections::BTreeMap;

use crate::domain::ids::{Bin, Sku};
use crate::domain::pick_list::{PickListId, PickTask, RoutePlace};

/// One stop of a picker who picks for many orders at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The bin, if there is one.
    pub bin: Option<Bin>,
    /// What to pick.
    pub sku: Sku,
    /// Units in all.
    pub quantity: i64,
    /// Units picked.
    pub picked: i64,
    /// Units that were not there.
    pub short: i64,
    /// Which units are whose.
    pub split: Vec<(PickListId, PickTask)>,
}

impl Stop {
    /// Units still to be picked.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.quantity - self.picked - self.short
    }
}

/// The stops of all `lists`, in the order of the route.
#[must_use]
pub fn stops(lists: impl IntoIterator<Item = (PickListId, Vec<PickTask>)>) -> Vec<Stop> {
    let mut stops: BTreeMap<(Option<Bin>, Sku), Stop> = BTreeMap::new();
    for (list, tasks) in lists {
        for task in tasks {
            let stop = stops.entry((task.bin.clone(), task.sku.clone())).or_insert_with(|| Stop {
                bin: task.bin.clone(),
                sku: task.sku.clone(),
                quantity: 0,
                picked: 0,
                short: 0,
                split: Vec::new(),
            });
            stop.quantity += task.quantity;
            stop.picked += task.picked;
            stop.short += task.short;
            stop.split.push((list.clone(), task));
        }
    }
    let mut stops: Vec<Stop> = stops.into_values().collect();
    stops.sort_by_cached_key(|stop| (RoutePlace::of(stop.bin.as_ref()), stop.sku.clone()));
    stops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::fixtures::nothing;
    use crate::domain::pick_list::fixtures::{list, reserved_as, work};

    #[test]
    fn one_stop_serves_every_order_and_the_route_is_walked_once() {
        let given = reserved_as(nothing(), "a", &[("TEA", 3, Some("A-1-10")), ("MUG", 1, None)]);
        let given = reserved_as(
            given,
            "b",
            &[("CUP", 1, Some("A-1-9")), ("TEA", 2, Some("A-1-10")), ("TEA", 4, Some("A-1-10"))],
        );
        let tasks = |text: &str| (list(text), work(&given, text).unwrap().tasks);
        let stops = stops([tasks("a~1~main"), tasks("b~1~main")]);
        let seen: Vec<_> = stops.iter().map(|stop| (stop.sku.as_str(), stop.quantity, stop.split.len())).collect();
        assert_eq!(seen, [("CUP", 1, 1), ("TEA", 9, 3), ("MUG", 1, 1)]);
        assert_eq!(stops[1].open(), 9);
    }
}
