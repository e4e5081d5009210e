//! Receipts as lists show them: what is expected, and what has come.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Unreadable, Version};
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;
use crate::domain::receipt::Receipt;

/// One receipt; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRow {
    /// Its id.
    pub receipt_id: ShortText,
    /// The receipt as of `version`.
    pub receipt: Receipt,
    /// The version of its stream.
    pub version: Version,
}

impl ReceiptRow {
    /// The place of the state among the indexes.
    pub const BY_STATE: usize = 0;
    /// The place of the location among the indexes.
    pub const BY_LOCATION: usize = 1;
}

impl ReadModel for ReceiptRow {
    const NAME: &'static str = "receipts";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["state", "location"];

    fn indexes(&self) -> Vec<IndexValue> {
        let location = self.receipt.location().map(LocationId::as_str);
        vec![self.receipt.state().as_str().into(), location.map_or(IndexValue::Null, Into::into)]
    }
}

/// Folds the events of receipts into [`ReceiptRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReceiptProjection;

impl Projection for ReceiptProjection {
    type Row = ReceiptRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<ReceiptRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Receipt>()? else { return Ok(()) };
        let id = event.stream.id();
        if rows.get(id).is_none() {
            rows.put(id, ReceiptRow { receipt_id: id.into(), receipt: Receipt::default(), version: 0 });
        }
        rows.update(id, |row| {
            row.receipt.apply(&happened);
            row.version = event.version;
        });
        Ok(())
    }
}
