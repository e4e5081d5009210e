//! The movement log: every movement of stock that has a reason, over all SKUs, in the order of time.
//!
//! What reservations do has no reason code and is not in it: a flash sale writes no row here. It is in each SKU's ledger.

use std::sync::Arc;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use super::movements::{MovementKind, cause, movements};
use crate::domain::ids::LocationId;
use crate::domain::reason::Reason;
use crate::domain::stock_item::{Level, StockItem};

/// One movement; the key is `sku/<15 digits of the version>/<its place among the event's movements>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementRow {
    /// The SKU.
    pub sku: ShortText,
    /// The version of its stock that the movement made.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: MovementKind,
    /// Where.
    pub location: LocationId,
    /// What was added to each counter.
    pub delta: Level,
    /// What was added to the units that are to come there.
    pub incoming: i64,
    /// Why.
    pub reason: Reason,
    /// What it refers to.
    pub reference: Option<Arc<str>>,
    /// Who did it.
    pub actor: Option<String>,
}

impl MovementRow {
    /// The place of the SKU among the indexes.
    pub const BY_SKU: usize = 0;
    /// The place of the reason among the indexes.
    pub const BY_REASON: usize = 1;
    /// The place of the location among the indexes.
    pub const BY_LOCATION: usize = 2;
    /// The place of the instant among the indexes.
    pub const BY_AT: usize = 3;
}

impl ReadModel for MovementRow {
    const NAME: &'static str = "movement_log";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["sku", "reason", "location", "at"];

    fn indexes(&self) -> Vec<IndexValue> {
        let reason = self.reason.as_str();
        vec![(&*self.sku).into(), reason.into(), self.location.as_str().into(), self.at.as_millis().into()]
    }
}

/// Folds stock events into [`MovementRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct MovementLogProjection;

impl Projection for MovementLogProjection {
    type Row = MovementRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<MovementRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let (Some(reason), reference) = cause(&happened) else { return Ok(()) };
        let sku = event.stream.id();
        for (place, movement) in movements(&happened).iter().enumerate() {
            let row = MovementRow {
                sku: sku.into(),
                version: event.version,
                at: event.at,
                kind: movement.kind,
                location: movement.location.clone(),
                delta: movement.delta,
                incoming: movement.incoming,
                reason,
                reference: reference.clone(),
                actor: event.metadata.actor.clone(),
            };
            rows.put(&format!("{sku}/{:015}/{place}", event.version), row);
        }
        Ok(())
    }
}
