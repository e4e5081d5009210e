//! A cycle count: units of some SKUs at a location are counted, the differences are looked at, and the books follow.

pub mod apply;
pub mod cancel;
pub mod record;
pub mod recount;
pub mod request;
pub mod review;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Version};
use serde::{Deserialize, Serialize};

use super::ids::{ActorId, Bin, CountId, LocationId, Sku};
pub use view::{CountAnswer, CountState, UnknownCount, WrongCountTransition};

/// The most SKUs of one count.
pub const COUNT_LINES_MAX: usize = 500;

/// What happens to a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CountEvent {
    /// Somebody is to count.
    Requested {
        /// Where.
        location: LocationId,
        /// What was asked for.
        scope: Scope,
        /// What that is, in the order of a walk through the bins.
        lines: Vec<LineToCount>,
        /// The largest difference that whoever counted may review.
        tolerance: i64,
        /// Who asked.
        by: ActorId,
    },
    /// Units were counted, of all SKUs or some.
    Counted {
        /// Who counted.
        by: ActorId,
        /// What was there.
        tallies: Vec<Tally>,
    },
    /// Some are to be counted again.
    RecountRequested {
        /// Who asked.
        by: ActorId,
        /// Which.
        skus: Vec<Sku>,
    },
    /// The differences were looked at and found right.
    Reviewed {
        /// Who looked.
        by: ActorId,
    },
    /// The books follow what was counted.
    Applied {
        /// Who said so.
        by: ActorId,
        /// What changed.
        lines: Vec<AppliedLine>,
    },
    /// Nothing follows from it.
    Cancelled {
        /// Who said so.
        by: ActorId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
}

/// What is to be counted, as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// These SKUs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skus: BTreeSet<Sku>,
    /// And all that lay in these bins.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bins: BTreeSet<Bin>,
}

/// One SKU to be counted, and what the books said when that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineToCount {
    /// The SKU.
    pub sku: Sku,
    /// The bin it lay in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
    /// Units on hand then.
    pub expected: i64,
}

/// Units of one SKU as counted, and what the books said at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// The SKU.
    pub sku: Sku,
    /// Units that were there.
    pub counted: i64,
    /// Units on hand by the books.
    pub booked: i64,
    /// The version of the SKU's stock.
    pub version: Version,
    /// How often the books had been corrected there: a correction since would be made twice.
    pub corrections: u64,
}

/// How the books followed for one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedLine {
    /// The SKU.
    pub sku: Sku,
    /// Units that came or went between the count and now: they are left as they are.
    pub moved_since: i64,
    /// Units added (negative: taken away).
    pub delta: i64,
    /// Units on hand there now.
    pub on_hand: i64,
}

/// One SKU of a count as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountLine {
    /// What was expected.
    pub expected: LineToCount,
    /// What was counted last, and by whom.
    pub tally: Option<(ActorId, Tally)>,
    /// How often it was counted.
    pub rounds: u32,
    /// How the books followed.
    pub applied: Option<AppliedLine>,
}

impl CountLine {
    /// Units counted beyond (negative: short of) what the books said at that moment.
    #[must_use]
    pub fn difference(&self) -> Option<i64> {
        self.tally.as_ref().map(|(_, tally)| tally.counted - tally.booked)
    }
}

/// How far a count has come; whether all is counted is derived ([`CountState`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// Nobody asked for it yet.
    #[default]
    New,
    Open,
    Reviewed,
    Applied,
    Cancelled,
}

/// One cycle count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleCount {
    stage: Stage,
    location: Option<LocationId>,
    scope: Scope,
    lines: Vec<CountLine>,
    tolerance: i64,
    requested_by: Option<ActorId>,
    reviewed_by: Option<ActorId>,
}

impl CycleCount {
    /// The stream of count `id`.
    #[must_use]
    pub fn stream(id: &CountId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    fn line_mut(&mut self, sku: &Sku) -> Option<&mut CountLine> {
        self.lines.iter_mut().find(|line| line.expected.sku == *sku)
    }
}

impl Aggregate for CycleCount {
    const KIND: &'static str = "count";
    type Event = CountEvent;

    fn apply(&mut self, event: &CountEvent) {
        match event {
            CountEvent::Requested { location, scope, lines, tolerance, by } => {
                self.stage = Stage::Open;
                self.location = Some(location.clone());
                self.scope = scope.clone();
                let line = |expected: &LineToCount| CountLine {
                    expected: expected.clone(),
                    tally: None,
                    rounds: 0,
                    applied: None,
                };
                self.lines = lines.iter().map(line).collect();
                (self.tolerance, self.requested_by) = (*tolerance, Some(by.clone()));
            }
            CountEvent::Counted { by, tallies } => {
                for tally in tallies {
                    if let Some(line) = self.line_mut(&tally.sku) {
                        line.tally = Some((by.clone(), tally.clone()));
                        line.rounds += 1;
                    }
                }
            }
            CountEvent::RecountRequested { skus, .. } => {
                (self.stage, self.reviewed_by) = (Stage::Open, None);
                for sku in skus {
                    if let Some(line) = self.line_mut(sku) {
                        line.tally = None;
                    }
                }
            }
            CountEvent::Reviewed { by } => (self.stage, self.reviewed_by) = (Stage::Reviewed, Some(by.clone())),
            CountEvent::Applied { lines, .. } => {
                self.stage = Stage::Applied;
                for applied in lines {
                    if let Some(line) = self.line_mut(&applied.sku) {
                        line.applied = Some(applied.clone());
                    }
                }
            }
            CountEvent::Cancelled { .. } => self.stage = Stage::Cancelled,
        }
    }
}
