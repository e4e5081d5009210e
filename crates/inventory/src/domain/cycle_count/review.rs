//! Review: somebody looks at the differences and finds them right. Large ones need another pair of eyes.

use cqrs::{Command, Decision, States, Streams};

use super::{CountAnswer, CountEvent, CountState, CycleCount, UnknownCount, WrongCountTransition};
use crate::domain::ids::{ActorId, CountId};

/// Finds the differences of a count right. Again by the same person, it changes nothing.
#[derive(Clone, Debug)]
pub struct ReviewCount {
    /// The count.
    pub count_id: CountId,
    /// Who looked.
    pub by: ActorId,
}

/// Why a count is not reviewed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewCountRejection {
    /// No such count.
    #[error(transparent)]
    Unknown(#[from] UnknownCount),
    /// It is not all counted, or it is over.
    #[error(transparent)]
    WrongTransition(#[from] WrongCountTransition),
    /// A difference is beyond the tolerance, and whoever looks has counted: somebody else must look.
    #[error(
        "{by} counted, and a difference of {difference} units is beyond the tolerance of {tolerance}: somebody else must look"
    )]
    NeedsAnother {
        /// Who counted and looked.
        by: ActorId,
        /// The largest difference of one SKU.
        difference: i64,
        /// The largest one that whoever counted may review.
        tolerance: i64,
    },
}

impl Command for ReviewCount {
    const NAME: &'static str = "review-count";
    type Answer = CountAnswer;
    type Rejection = ReviewCountRejection;

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, ReviewCountRejection> {
        let count = CycleCount::find(states, &self.count_id)?;
        match count.state() {
            CountState::Counted => {}
            CountState::Reviewed | CountState::Applied if count.reviewed_by.as_ref() == Some(&self.by) => {
                return Ok(count.decide(&self.count_id, None));
            }
            from => return Err(WrongCountTransition::new(from, CountState::Reviewed).into()),
        }
        if count.needs_another() && count.was_counted_by(&self.by) {
            let (difference, tolerance) = (count.largest_difference(), count.tolerance);
            return Err(ReviewCountRejection::NeedsAnother { by: self.by.clone(), difference, tolerance });
        }
        Ok(count.decide(&self.count_id, Some(CountEvent::Reviewed { by: self.by.clone() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{actor, count, count_id, counted, stocked};
    use cqrs::testkit::Given;

    fn review(by: &str) -> ReviewCount {
        ReviewCount { count_id: count_id(), by: actor(by) }
    }

    fn tea_counted(units: i64) -> Given {
        stocked(&[("TEA", "berlin", 9)]).when(count(&["TEA"])).and_when(counted(&[("TEA", units)])).given()
    }

    #[test]
    fn a_small_difference_may_be_reviewed_by_whoever_counted() {
        for units in [8, 9, 10] {
            let reviewed = tea_counted(units).when(review("tom"));
            assert_eq!(reviewed.answer().count.state(), CountState::Reviewed);
            assert!(reviewed.and_when(review("tom")).then_nothing().answer().repeated);
        }
    }

    #[test]
    fn a_large_difference_needs_another_pair_of_eyes() {
        for (units, difference) in [(7, 2), (12, 3)] {
            let needs = ReviewCountRejection::NeedsAnother { by: actor("tom"), difference, tolerance: 1 };
            let refused = tea_counted(units).when(review("tom")).then_rejected(&needs);
            assert_eq!(refused.and_when(review("mia")).answer().count.reviewed_by(), Some(&actor("mia")));
        }
    }

    #[test]
    fn what_is_not_all_counted_cannot_be_reviewed() {
        let asked = stocked(&[("TEA", "berlin", 9)]).when(count(&["TEA"]));
        let wrong = WrongCountTransition::new(CountState::Requested, CountState::Reviewed);
        let _ = asked.and_when(review("mia")).then_rejected(&wrong.into());
        let unknown = ReviewCountRejection::Unknown(UnknownCount { count_id: count_id() });
        let _ = stocked(&[]).when(review("mia")).then_rejected(&unknown);
    }
}
