//! Transfers as lists show them: what is asked for, what is in transit, and what became of it.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Unreadable, Version};
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;
use crate::domain::transfer::Transfer;

/// One transfer; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferRow {
    /// Its id.
    pub transfer_id: ShortText,
    /// The transfer as of `version`.
    pub transfer: Transfer,
    /// The version of its stream.
    pub version: Version,
}

impl TransferRow {
    /// The place of the state among the indexes.
    pub const BY_STATE: usize = 0;
    /// The place of where it leaves among the indexes.
    pub const BY_FROM: usize = 1;
    /// The place of where it goes among the indexes.
    pub const BY_TO: usize = 2;
}

impl ReadModel for TransferRow {
    const NAME: &'static str = "transfers";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["state", "from_location", "to_location"];

    fn indexes(&self) -> Vec<IndexValue> {
        let place = |location: Option<&LocationId>| location.map_or(IndexValue::Null, |id| id.as_str().into());
        vec![self.transfer.state().as_str().into(), place(self.transfer.from()), place(self.transfer.to())]
    }
}

/// Folds the events of transfers into [`TransferRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferProjection;

impl Projection for TransferProjection {
    type Row = TransferRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<TransferRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Transfer>()? else { return Ok(()) };
        let id = event.stream.id();
        if rows.get(id).is_none() {
            rows.put(id, TransferRow { transfer_id: id.into(), transfer: Transfer::default(), version: 0 });
        }
        rows.update(id, |row| {
            row.transfer.apply(&happened);
            row.version = event.version;
        });
        Ok(())
    }
}
