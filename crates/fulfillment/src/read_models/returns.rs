//! Returns as lists show them: what is expected, and what came.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use crate::domain::goods_return::GoodsReturn;

/// One return; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRow {
    /// Its id.
    pub return_id: ShortText,
    /// The return as of `version`.
    pub goods: GoodsReturn,
    /// Since when it is where it is.
    pub since: Timestamp,
    /// The version of its stream.
    pub version: Version,
}

impl ReturnRow {
    /// The index of its status.
    pub const BY_STATUS: usize = 0;
    /// The index of its order.
    pub const BY_ORDER: usize = 1;
}

impl ReadModel for ReturnRow {
    const NAME: &'static str = "returns";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["status", "order_id"];

    fn indexes(&self) -> Vec<IndexValue> {
        let order = self.goods.requested().map(|requested| requested.order_id.as_str());
        vec![self.goods.status().as_str().into(), order.map_or(IndexValue::Null, Into::into)]
    }
}

/// Folds the events of returns into [`ReturnRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReturnProjection;

impl Projection for ReturnProjection {
    type Row = ReturnRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<ReturnRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<GoodsReturn>()? else { return Ok(()) };
        let id = event.stream.id();
        if rows.get(id).is_none() {
            let goods = GoodsReturn::default();
            rows.put(id, ReturnRow { return_id: id.into(), goods, since: event.at, version: 0 });
        }
        rows.update(id, |row| {
            row.goods.apply(&happened);
            row.version = event.version;
            row.since = event.at;
        });
        Ok(())
    }
}
