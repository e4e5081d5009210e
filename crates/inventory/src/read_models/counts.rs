//! Cycle counts: where each is counted, and how far it has come.

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::cycle_count::{CountEvent, CountState, CycleCount};
use crate::domain::ids::LocationId;
use cqrs::Aggregate;

/// One count; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountRow {
    /// Its id.
    pub count_id: ShortText,
    /// The count.
    pub count: CycleCount,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
}

impl CountRow {
    /// The place of `location` among the indexes.
    pub const BY_LOCATION: usize = 0;
    /// The place of `state` among the indexes.
    pub const BY_STATE: usize = 1;

    /// Where it is counted.
    #[must_use]
    pub fn location(&self) -> LocationId {
        self.count.location()
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> CountState {
        self.count.state()
    }
}

impl ReadModel for CountRow {
    const NAME: &'static str = "counts";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["location", "state"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.location().as_str().into(), self.state().as_str().into()]
    }
}

/// Folds the events of counts into [`CountRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountProjection;

impl Projection for CountProjection {
    type Row = CountRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<CountRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<CycleCount>()? else { return Ok(()) };
        let (id, at) = (event.stream.id(), event.at);
        if matches!(&*happened, CountEvent::Requested { .. }) {
            let count = CycleCount::default();
            rows.put(id, CountRow { count_id: id.into(), count, requested_at: at, updated_at: at });
        }
        rows.update(id, |row| {
            row.count.apply(&happened);
            row.updated_at = at;
        });
        Ok(())
    }
}
