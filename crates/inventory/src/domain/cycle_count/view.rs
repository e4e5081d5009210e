//! A count as it stands: its state, its differences, and who may review them.

use std::fmt;

use cqrs::{Decision, States};
use serde::{Deserialize, Serialize};

use super::{CountEvent, CountLine, CycleCount, Stage};
use crate::domain::ids::{ActorId, CountId, LocationId};
use cqrs::Aggregate;

/// Where a count is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CountState {
    /// Something is still to be counted.
    Requested,
    /// All is counted; nobody has looked at the differences yet.
    Counted,
    /// The differences were found right.
    Reviewed,
    /// The books have followed.
    Applied,
    /// Nothing follows from it.
    Cancelled,
}

impl CountState {
    /// The state's name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Counted => "COUNTED",
            Self::Reviewed => "REVIEWED",
            Self::Applied => "APPLIED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The states that can follow.
    #[must_use]
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Requested => &[Self::Counted, Self::Cancelled],
            Self::Counted => &[Self::Requested, Self::Reviewed, Self::Cancelled],
            Self::Reviewed => &[Self::Requested, Self::Applied, Self::Cancelled],
            Self::Applied | Self::Cancelled => &[],
        }
    }
}

impl fmt::Display for CountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A count cannot go from one state to the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a count that is {from} cannot become {to}")]
pub struct WrongCountTransition {
    /// The state it is in.
    pub from: CountState,
    /// The state the command would lead to.
    pub to: CountState,
    /// The states that can follow `from`.
    pub allowed: &'static [CountState],
}

impl WrongCountTransition {
    pub(super) fn new(from: CountState, to: CountState) -> Self {
        Self { from, to, allowed: from.allowed() }
    }
}

/// There is no such count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("count {count_id} does not exist")]
pub struct UnknownCount {
    /// The id.
    pub count_id: CountId,
}

/// What every command on a count answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountAnswer {
    /// Its id.
    pub count_id: CountId,
    /// The count as the command leaves it.
    pub count: CycleCount,
    /// Whether it had been done before and nothing had to be changed.
    pub repeated: bool,
}

impl CycleCount {
    /// The count `id` as it is, if somebody has asked for it.
    pub(super) fn find(states: &States<'_>, id: &CountId) -> Result<Self, UnknownCount> {
        let found = states.of(&Self::stream(id));
        let unknown = || UnknownCount { count_id: id.clone() };
        found.exists().then(|| (*found).clone()).ok_or_else(unknown)
    }

    /// The decision that records `event`, or that nothing had to be changed.
    pub(super) fn decide(&self, id: &CountId, event: Option<CountEvent>) -> Decision<CountAnswer> {
        let mut count = self.clone();
        event.iter().for_each(|event| count.apply(event));
        let answer = CountAnswer { count_id: id.clone(), count, repeated: event.is_none() };
        Decision::answer(answer).record_all(&Self::stream(id), event)
    }

    /// Whether somebody has asked for it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.stage != Stage::New
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> CountState {
        match self.stage {
            Stage::New | Stage::Open if self.lines.iter().any(|line| line.tally.is_none()) => CountState::Requested,
            Stage::New | Stage::Open => CountState::Counted,
            Stage::Reviewed => CountState::Reviewed,
            Stage::Applied => CountState::Applied,
            Stage::Cancelled => CountState::Cancelled,
        }
    }

    /// Where it is counted.
    #[must_use]
    pub fn location(&self) -> LocationId {
        self.location.clone().unwrap_or_else(LocationId::main)
    }

    /// Its SKUs, in the order of a walk through the bins.
    #[must_use]
    pub fn lines(&self) -> &[CountLine] {
        &self.lines
    }

    /// The largest difference that whoever counted may review.
    #[must_use]
    pub fn tolerance(&self) -> i64 {
        self.tolerance
    }

    /// Who asked for it.
    #[must_use]
    pub fn requested_by(&self) -> Option<&ActorId> {
        self.requested_by.as_ref()
    }

    /// Who found its differences right.
    #[must_use]
    pub fn reviewed_by(&self) -> Option<&ActorId> {
        self.reviewed_by.as_ref()
    }

    /// The largest difference of one SKU, either way.
    #[must_use]
    pub fn largest_difference(&self) -> i64 {
        self.lines.iter().filter_map(CountLine::difference).map(i64::abs).max().unwrap_or(0)
    }

    /// Whether somebody who did not count must look at the differences.
    #[must_use]
    pub fn needs_another(&self) -> bool {
        self.largest_difference() > self.tolerance
    }

    /// Whether `actor` counted any of it.
    #[must_use]
    pub fn was_counted_by(&self, actor: &ActorId) -> bool {
        self.lines.iter().filter_map(|line| line.tally.as_ref()).any(|(by, _)| by == actor)
    }
}
