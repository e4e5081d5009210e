//! Recount: SKUs are to be counted once more, before the books have followed.

use std::collections::BTreeSet;

use cqrs::{Command, Decision, States, Streams};

use super::{CountAnswer, CountEvent, CountState, CycleCount, UnknownCount, WrongCountTransition};
use crate::domain::ids::{ActorId, CountId, Sku};

/// Asks that SKUs be counted again. What nobody has counted yet stays so.
#[derive(Clone, Debug)]
pub struct Recount {
    /// The count.
    pub count_id: CountId,
    /// Who asks.
    pub by: ActorId,
    /// Which SKUs; all of the count unless given.
    pub skus: Option<BTreeSet<Sku>>,
}

/// Why nothing is counted again.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecountRejection {
    /// No such count.
    #[error(transparent)]
    Unknown(#[from] UnknownCount),
    /// It is over.
    #[error(transparent)]
    WrongTransition(#[from] WrongCountTransition),
    /// The SKU is none of this count's.
    #[error("SKU {sku} is not to be counted in count {count_id}")]
    NotInCount {
        /// The count.
        count_id: CountId,
        /// The SKU.
        sku: Sku,
    },
}

impl Command for Recount {
    const NAME: &'static str = "recount";
    type Answer = CountAnswer;
    type Rejection = RecountRejection;

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, RecountRejection> {
        let count = CycleCount::find(states, &self.count_id)?;
        let known: BTreeSet<&Sku> = count.lines.iter().map(|line| &line.expected.sku).collect();
        if let Some(sku) = self.skus.iter().flatten().find(|sku| !known.contains(sku)) {
            return Err(RecountRejection::NotInCount { count_id: self.count_id.clone(), sku: sku.clone() });
        }
        if matches!(count.state(), CountState::Applied | CountState::Cancelled) {
            return Err(WrongCountTransition::new(count.state(), CountState::Requested).into());
        }
        let asked = |sku: &Sku| self.skus.as_ref().is_none_or(|skus| skus.contains(sku));
        let counted = count.lines.iter().filter(|line| line.tally.is_some()).map(|line| &line.expected.sku);
        let skus: Vec<Sku> = counted.filter(|sku| asked(sku)).cloned().collect();
        let again = (!skus.is_empty()).then(|| CountEvent::RecountRequested { by: self.by.clone(), skus });
        Ok(count.decide(&self.count_id, again))
    }
}

#[cfg(test)]
mod tests {
    use super::super::review::ReviewCount;
    use super::*;
    use crate::domain::fixtures::{actor, count, count_id, counted, sku, stocked};

    #[test]
    fn only_what_is_named_is_counted_again_and_a_review_is_void_then() {
        let recount = |skus: &[&str]| Recount {
            count_id: count_id(),
            by: actor("mia"),
            skus: Some(skus.iter().map(|id| sku(id)).collect()),
        };
        let reviewed = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 4)])
            .when(count(&["TEA", "MUG"]))
            .and_when(counted(&[("TEA", 9), ("MUG", 4)]))
            .and_when(ReviewCount { count_id: count_id(), by: actor("mia") })
            .given();
        let again = reviewed.clone().when(recount(&["TEA"]));
        let view = &again.answer().count;
        assert_eq!((view.state(), view.reviewed_by()), (CountState::Requested, None));
        let left: Vec<_> = view.lines().iter().map(|line| line.tally.is_some()).collect();
        assert_eq!(left, [true, false], "MUG stays counted");
        assert!(again.and_when(recount(&["TEA"])).then_nothing().answer().repeated);
        let other = RecountRejection::NotInCount { count_id: count_id(), sku: sku("TIN") };
        let _ = reviewed.when(recount(&["TIN"])).then_rejected(&other);
    }
}
