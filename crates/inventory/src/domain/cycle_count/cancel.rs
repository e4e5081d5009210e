//! Cancel a count: nothing follows from it.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::{CountAnswer, CountEvent, CountState, CycleCount, UnknownCount, WrongCountTransition};
use crate::domain::ids::{ActorId, CountId};

/// The longest reason, in characters.
const REASON_LENGTH_MAX: usize = 500;

/// Gives a count up. Again, it changes nothing.
#[derive(Clone, Debug)]
pub struct CancelCount {
    /// The count.
    pub count_id: CountId,
    /// Who says so.
    pub by: ActorId,
    /// Why, at most 500 characters.
    pub reason: Option<Arc<str>>,
}

/// Why a count is not given up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelCountRejection {
    /// No such count.
    #[error(transparent)]
    Unknown(#[from] UnknownCount),
    /// The books have followed.
    #[error(transparent)]
    WrongTransition(#[from] WrongCountTransition),
}

impl Command for CancelCount {
    const NAME: &'static str = "cancel-count";
    type Answer = CountAnswer;
    type Rejection = CancelCountRejection;

    fn validate(&self) -> Result<(), Invalid> {
        match &self.reason {
            Some(reason) if reason.chars().count() > REASON_LENGTH_MAX => {
                Err(Invalid::field("/reason", "at most 500 characters"))
            }
            _ => Ok(()),
        }
    }

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, CancelCountRejection> {
        let count = CycleCount::find(states, &self.count_id)?;
        match count.state() {
            CountState::Cancelled => Ok(count.decide(&self.count_id, None)),
            CountState::Applied => Err(WrongCountTransition::new(count.state(), CountState::Cancelled).into()),
            CountState::Requested | CountState::Counted | CountState::Reviewed => {
                let cancelled = CountEvent::Cancelled { by: self.by.clone(), reason: self.reason.clone() };
                Ok(count.decide(&self.count_id, Some(cancelled)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recount::{Recount, RecountRejection};
    use super::*;
    use crate::domain::fixtures::{actor, count, count_id, counted, stocked};

    #[test]
    fn what_was_given_up_stays_so() {
        let cancel = || CancelCount { count_id: count_id(), by: actor("mia"), reason: Some("rain".into()) };
        let given = stocked(&[("TEA", "berlin", 9)]).when(count(&["TEA"])).and_when(cancel()).given();
        assert!(given.clone().when(cancel()).then_nothing().answer().repeated);
        let recount = Recount { count_id: count_id(), by: actor("mia"), skus: None };
        let over = WrongCountTransition::new(CountState::Cancelled, CountState::Requested);
        let _ = given.clone().when(recount).then_rejected(&RecountRejection::WrongTransition(over));
        let wrong = WrongCountTransition::new(CountState::Cancelled, CountState::Counted);
        let _ = given.clone().when(counted(&[("TEA", 9)])).then_rejected(&wrong.into());
        let long = CancelCount { reason: Some("x".repeat(501).into()), ..cancel() };
        let _ = given.when(long).then_invalid("/reason");
    }
}
