//! Record a count: what was there, said without knowing what the books say.

use std::collections::BTreeSet;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::{
    COUNT_LINES_MAX, CountAnswer, CountEvent, CountState, CycleCount, Tally, UnknownCount, WrongCountTransition,
};
use crate::domain::ids::{ActorId, CountId, Sku};
use crate::domain::stock_item::{ON_HAND_MAX, StockItem};

/// Says how many units of some SKUs were there: all of them, whatever their condition and whoever they are promised to.
///
/// The same number by the same person again changes nothing. Another number needs a recount.
#[derive(Clone, Debug)]
pub struct RecordCount {
    /// The count.
    pub count_id: CountId,
    /// Who counted.
    pub by: ActorId,
    /// Units per SKU, 0 to 1,000,000,000,000: 1 to 500 SKUs.
    pub counted: Vec<(Sku, i64)>,
}

/// Why a count is not recorded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordCountRejection {
    /// No such count.
    #[error(transparent)]
    Unknown(#[from] UnknownCount),
    /// It is not to be counted any more.
    #[error(transparent)]
    WrongTransition(#[from] WrongCountTransition),
    /// The SKU is none of this count's.
    #[error("SKU {sku} is not to be counted in count {count_id}")]
    NotInCount {
        /// The count.
        count_id: CountId,
        /// The SKU's place among those recorded, from 0.
        place: usize,
        /// The SKU.
        sku: Sku,
    },
    /// Somebody has counted it: ask for a recount.
    #[error("SKU {sku} was counted by {by} already: ask for a recount to count it again")]
    CountedAlready {
        /// The SKU.
        sku: Sku,
        /// Who counted it.
        by: ActorId,
    },
}

impl Command for RecordCount {
    const NAME: &'static str = "record-count";
    type Answer = CountAnswer;
    type Rejection = RecordCountRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=COUNT_LINES_MAX).contains(&self.counted.len()) {
            return Err(Invalid::field("/lines", "1 to 500 lines"));
        }
        let mut seen = BTreeSet::new();
        for (place, (sku, units)) in self.counted.iter().enumerate() {
            if !seen.insert(sku) {
                return Err(Invalid::field(format!("/lines/{place}/sku"), format!("{sku} stands on two lines")));
            }
            if !(0..=ON_HAND_MAX).contains(units) {
                let detail = "a whole number from 0 to 1,000,000,000,000";
                return Err(Invalid::field(format!("/lines/{place}/quantity"), detail));
            }
        }
        Ok(())
    }

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
            .and_all(self.counted.iter().map(|(sku, _)| StockItem::stream(sku)))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, RecordCountRejection> {
        let count = CycleCount::find(states, &self.count_id)?;
        let open = matches!(count.state(), CountState::Requested | CountState::Counted);
        let mut tallies = Vec::new();
        for (place, (sku, units)) in self.counted.iter().enumerate() {
            let line = count.lines.iter().find(|line| line.expected.sku == *sku);
            let Some(line) = line else {
                let (count_id, sku) = (self.count_id.clone(), sku.clone());
                return Err(RecordCountRejection::NotInCount { count_id, place, sku });
            };
            match &line.tally {
                Some((by, tally)) if *by == self.by && tally.counted == *units => {}
                Some((by, _)) if open => {
                    return Err(RecordCountRejection::CountedAlready { sku: sku.clone(), by: by.clone() });
                }
                _ => tallies.push(tally(&count, sku, *units, states)),
            }
        }
        if tallies.is_empty() {
            return Ok(count.decide(&self.count_id, None));
        }
        if count.state() != CountState::Requested {
            return Err(WrongCountTransition::new(count.state(), CountState::Counted).into());
        }
        let counted = CountEvent::Counted { by: self.by.clone(), tallies };
        Ok(count.decide(&self.count_id, Some(counted)))
    }
}

fn tally(count: &CycleCount, sku: &Sku, counted: i64, states: &States<'_>) -> Tally {
    let (stream, location) = (StockItem::stream(sku), count.location());
    let item = states.of(&stream);
    Tally {
        sku: sku.clone(),
        counted,
        booked: item.level(&location).on_hand,
        version: states.version(&stream),
        corrections: item.corrections(&location),
    }
}

#[cfg(test)]
mod tests {
    use super::super::recount::Recount;
    use super::*;
    use crate::domain::fixtures::{actor, count, count_id, counted, sku, stocked};

    #[test]
    fn a_count_is_counted_once_every_line_is() {
        let asked = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 4)]).when(count(&["TEA", "MUG"])).given();
        let half = asked.when(counted(&[("TEA", 8)]));
        assert_eq!(half.answer().count.state(), CountState::Requested);
        let whole = half.and_when(counted(&[("MUG", 4)]));
        assert_eq!(whole.answer().count.state(), CountState::Counted);
        let differences: Vec<_> = whole.answer().count.lines().iter().map(|line| line.difference()).collect();
        assert_eq!(differences, [Some(0), Some(-1)]);
    }

    #[test]
    fn the_same_number_again_changes_nothing_and_another_needs_a_recount() {
        let asked = stocked(&[("TEA", "berlin", 9)]).when(count(&["TEA"])).given();
        let given = asked.when(counted(&[("TEA", 8)])).given();
        assert!(given.clone().when(counted(&[("TEA", 8)])).then_nothing().answer().repeated);
        let already = RecordCountRejection::CountedAlready { sku: sku("TEA"), by: actor("tom") };
        let _ = given.clone().when(counted(&[("TEA", 9)])).then_rejected(&already);
        let recount = Recount { count_id: count_id(), by: actor("mia"), skus: None };
        let again = given.when(recount).and_when(counted(&[("TEA", 9)]));
        let line = &again.answer().count.lines()[0];
        assert_eq!((line.difference(), line.rounds), (Some(0), 2));
    }

    #[test]
    fn what_is_wrong_in_itself_or_not_asked_for_is_refused() {
        let given = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 1)]).when(count(&["TEA"])).given();
        let _ = given.clone().when(counted(&[])).then_invalid("/lines");
        let _ = given.clone().when(counted(&[("TEA", -1)])).then_invalid("/lines/0/quantity");
        let _ = given.clone().when(counted(&[("TEA", 1), ("TEA", 2)])).then_invalid("/lines/1/sku");
        let other = RecordCountRejection::NotInCount { count_id: count_id(), place: 1, sku: sku("MUG") };
        let _ = given.when(counted(&[("TEA", 9), ("MUG", 1)])).then_rejected(&other);
        let unknown = RecordCountRejection::Unknown(UnknownCount { count_id: count_id() });
        let _ = stocked(&[]).when(counted(&[("TEA", 9)])).then_rejected(&unknown);
    }
}
