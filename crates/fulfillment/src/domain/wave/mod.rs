//! A wave: pick lists of one location that were released together, so that one walk serves many orders.

pub mod batch;
pub mod release;

use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{LocationId, WaveId};
use super::pick_list::PickListId;

/// The most pick lists of one wave.
pub const WAVE_LISTS_MAX: usize = 200;

/// The most tasks of one wave, over all its lists.
pub const WAVE_TASKS_MAX: usize = 2_000;

/// What happens to a wave. Stored for ever: a variant or field is only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaveEvent {
    /// Its lists were given to the floor.
    Released(ReleasedWave),
}

/// A wave as it was given to the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedWave {
    /// Where it is picked.
    pub location: LocationId,
    /// Its lists: 1 to 200.
    pub lists: Vec<PickListId>,
    /// The lists that were asked for as well and could not be released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// When.
    pub released_at: Timestamp,
}

/// A list that could not be released with a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The list.
    pub list: PickListId,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a list could not be released with a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LeftOutReason {
    /// The order holds no units there, or nothing is left to pick.
    NothingToPick,
    /// The order is on hold.
    OrderOnHold,
    /// It was released before.
    ReleasedBefore,
    /// The wave has as many tasks as it may have.
    WaveFull,
}

impl LeftOutReason {
    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToPick => "NOTHING_TO_PICK",
            Self::OrderOnHold => "ORDER_ON_HOLD",
            Self::ReleasedBefore => "RELEASED_BEFORE",
            Self::WaveFull => "WAVE_FULL",
        }
    }
}

/// One wave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    released: Option<Arc<ReleasedWave>>,
}

impl Wave {
    /// The stream of the wave `id`.
    #[must_use]
    pub fn stream(id: &WaveId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// How it was given to the floor; none if there is no such wave.
    #[must_use]
    pub fn released(&self) -> Option<&ReleasedWave> {
        self.released.as_deref()
    }
}

impl Aggregate for Wave {
    const KIND: &'static str = "wave";
    type Event = WaveEvent;

    fn apply(&mut self, event: &WaveEvent) {
        let WaveEvent::Released(released) = event;
        self.released = Some(Arc::new(released.clone()));
    }
}
