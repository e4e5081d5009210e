//! Waves as the board shows them. How far each has come is in its pick lists.

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::ids::WaveId;
use crate::domain::wave::{ReleasedWave, Wave, WaveEvent};

/// One wave; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveRow {
    /// Its id.
    pub wave_id: WaveId,
    /// How it was given to the floor.
    pub released: ReleasedWave,
}

impl WaveRow {
    /// The index of its location.
    pub const BY_LOCATION: usize = 0;
    /// The index of its age: the latest wave first.
    pub const BY_AGE: usize = 1;
}

impl ReadModel for WaveRow {
    const NAME: &'static str = "waves";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["location", "age"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.released.location.as_str().into(), self.released.released_at.as_millis().saturating_neg().into()]
    }
}

/// Folds wave events into [`WaveRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaveProjection;

impl Projection for WaveProjection {
    type Row = WaveRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<WaveRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Wave>()? else { return Ok(()) };
        let WaveEvent::Released(released) = &*happened;
        if let Ok(wave_id) = WaveId::parse(event.stream.id()) {
            rows.put(event.stream.id(), WaveRow { wave_id, released: released.clone() });
        }
        Ok(())
    }
}
