//! The packages of an order: what was put into each, less what was taken out because it is not wanted any more.

use std::collections::BTreeMap;

use super::{Order, UnitsAt};
use crate::domain::ids::PackageId;

/// One package of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its id, unique in the order.
    pub id: PackageId,
    /// What is in it.
    pub lines: Vec<UnitsAt>,
}

impl Order {
    /// Its packages, in the order they were packed. Units that were given back are out of the last packages first.
    #[must_use]
    pub fn packages(&self) -> Vec<Package> {
        let mut left: BTreeMap<_, i64> = BTreeMap::new();
        for line in self.lines() {
            for units in &line.units {
                left.insert((&line.line_id, units.attempt, &units.location), units.packed);
            }
        }
        let packages = self.packed.iter().map(|(id, lines)| {
            let lines = lines.iter().filter_map(|at| {
                let left = left.get_mut(&(&at.line_id, at.attempt, &at.location))?;
                let quantity = at.quantity.min(*left);
                *left -= quantity;
                (quantity > 0).then(|| UnitsAt { quantity, ..at.clone() })
            });
            Package { id: id.clone(), lines: lines.collect() }
        });
        packages.collect()
    }

    /// What was put into the package `id`, whatever became of it.
    pub(super) fn packed_as(&self, id: &PackageId) -> Option<&[UnitsAt]> {
        self.packed.iter().find(|(package, _)| package == id).map(|(_, lines)| &**lines)
    }
}
