//! Request a count: somebody is to count units of SKUs at a location. What the books say now is kept, and not told.

use std::collections::BTreeSet;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::{COUNT_LINES_MAX, CountAnswer, CountEvent, CycleCount, LineToCount, Scope};
use crate::domain::ids::{ActorId, CountId, LocationId, QUANTITY_MAX, Sku};
use crate::domain::location::Location;
use crate::domain::stock_item::StockItem;

/// Asks for a count. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct RequestCount {
    /// Its id.
    pub count_id: CountId,
    /// Where.
    pub location: LocationId,
    /// What was asked for.
    pub scope: Scope,
    /// What lies in the bins of `scope`: with its SKUs 1 to 500.
    pub in_bins: BTreeSet<Sku>,
    /// The largest difference that whoever counted may review, 0 to 1,000,000,000.
    pub tolerance: i64,
    /// Who asks.
    pub by: ActorId,
}

/// Why no count is asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestCountRejection {
    /// No such SKU.
    #[error("SKU {sku} is not registered")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
    /// The id is taken by a count of something else: use a new one.
    #[error("count {count_id} exists with other content")]
    IdConflict {
        /// The id.
        count_id: CountId,
    },
}

impl Command for RequestCount {
    const NAME: &'static str = "request-count";
    type Answer = CountAnswer;
    type Rejection = RequestCountRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(0..=QUANTITY_MAX).contains(&self.tolerance) {
            return Err(Invalid::field("/tolerance", "a whole number from 0 to 1,000,000,000"));
        }
        match self.skus().count() {
            0 => Err(Invalid::field("/skus", "nothing is to be counted: name SKUs, or bins that something lies in")),
            1..=COUNT_LINES_MAX => Ok(()),
            many => Err(Invalid::field("/skus", format!("{many} SKUs are too many for one count: at most 500"))),
        }
    }

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
            .and_all(self.skus().map(StockItem::stream))
            .and_all(Location::stream_unless_main(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, RequestCountRejection> {
        let found = states.of(&CycleCount::stream(&self.count_id));
        let items: Vec<_> = self.skus().map(|sku| (sku, states.of(&StockItem::stream(sku)))).collect();
        if !Location::is_known(states, &self.location) {
            return Err(RequestCountRejection::UnknownLocation { location: self.location.clone() });
        }
        if found.exists() {
            let same = found.scope == self.scope
                && found.location() == self.location
                && found.tolerance == self.tolerance
                && found.requested_by.as_ref() == Some(&self.by);
            let conflict = RequestCountRejection::IdConflict { count_id: self.count_id.clone() };
            return if same { Ok(found.decide(&self.count_id, None)) } else { Err(conflict) };
        }
        let mut lines = Vec::with_capacity(items.len());
        for (sku, item) in items {
            if !item.is_registered() {
                return Err(RequestCountRejection::UnknownSku { sku: sku.clone() });
            }
            let (bin, expected) = (item.bin(&self.location).cloned(), item.level(&self.location).on_hand);
            lines.push(LineToCount { sku: sku.clone(), bin, expected });
        }
        // What has no bin is looked for last.
        lines.sort_by(|a, b| (a.bin.is_none(), &a.bin, &a.sku).cmp(&(b.bin.is_none(), &b.bin, &b.sku)));
        let (location, scope, by) = (self.location.clone(), self.scope.clone(), self.by.clone());
        let requested = CountEvent::Requested { location, scope, lines, tolerance: self.tolerance, by };
        Ok(found.decide(&self.count_id, Some(requested)))
    }
}

impl RequestCount {
    /// Each SKU once.
    fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.scope.skus.union(&self.in_bins)
    }
}

#[cfg(test)]
mod tests {
    use super::super::CountState;
    use super::*;
    use crate::domain::fixtures::{count, place, sku, stocked};
    use crate::domain::ids::Bin;
    use crate::domain::stock_item::assign_bin::AssignBin;

    fn in_bin(id: &str, bin: &str) -> AssignBin {
        AssignBin { sku: sku(id), location: place("berlin"), bin: Bin::parse(bin).unwrap() }
    }

    #[test]
    fn what_the_books_say_is_kept_in_the_order_of_the_bins() {
        let stock = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 4), ("TIN", "berlin", 1), ("TEA", "main", 7)]);
        let stock = stock.when(in_bin("TEA", "B-01")).and_when(in_bin("TIN", "A-02")).given();
        let asked = stock.when(count(&["MUG", "TEA", "TIN"]));
        let lines: Vec<_> = asked
            .answer()
            .count
            .lines()
            .iter()
            .map(|line| (line.expected.sku.as_str(), line.expected.expected))
            .collect();
        assert_eq!(lines, [("TIN", 1), ("TEA", 9), ("MUG", 4)]);
        assert_eq!(asked.answer().count.state(), CountState::Requested);
    }

    #[test]
    fn the_same_again_changes_nothing_even_if_something_else_lies_there_now() {
        let stock = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 4)]);
        let bins = || Scope { bins: [Bin::parse("A").unwrap()].into(), ..Scope::default() };
        let of_bin = |id: &str| RequestCount { scope: bins(), in_bins: [sku(id)].into(), ..count(&[]) };
        let asked = stock.when(of_bin("TEA")).given();
        assert!(asked.clone().when(of_bin("MUG")).then_nothing().answer().repeated);
        let conflict = RequestCountRejection::IdConflict { count_id: count(&[]).count_id };
        let _ = asked.clone().when(count(&["TEA"])).then_rejected(&conflict);
        let _ = asked.when(RequestCount { tolerance: 2, ..of_bin("TEA") }).then_rejected(&conflict);
    }

    #[test]
    fn nothing_too_much_and_the_unknown_are_refused() {
        let stock = stocked(&[("TEA", "berlin", 9)]);
        let _ = stock.clone().when(count(&[])).then_invalid("/skus");
        let many: Vec<String> = (0..=COUNT_LINES_MAX).map(|no| format!("S{no}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let _ = stock.clone().when(count(&many)).then_invalid("/skus");
        let _ = stock.clone().when(RequestCount { tolerance: -1, ..count(&["TEA"]) }).then_invalid("/tolerance");
        let unknown = RequestCountRejection::UnknownSku { sku: sku("NONE") };
        let _ = stock.clone().when(count(&["TEA", "NONE"])).then_rejected(&unknown);
        let elsewhere = RequestCount { location: place("nowhere"), ..count(&["TEA"]) };
        let unknown = RequestCountRejection::UnknownLocation { location: place("nowhere") };
        let _ = stock.when(elsewhere).then_rejected(&unknown);
    }
}
