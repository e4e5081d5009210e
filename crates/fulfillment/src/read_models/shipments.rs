//! Shipments as lists show them: where each is, and when somebody has to talk to its carrier next.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use crate::domain::shipment::Shipment;

/// One shipment; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentRow {
    /// Its id.
    pub shipment_id: ShortText,
    /// The shipment as of `version`.
    pub shipment: Shipment,
    /// Since when it is where it is.
    pub since: Timestamp,
    /// The version of its stream.
    pub version: Version,
}

impl ShipmentRow {
    /// The index of its status.
    pub const BY_STATUS: usize = 0;
    /// The index of its order.
    pub const BY_ORDER: usize = 1;
    /// The index of when it was planned, in milliseconds.
    pub const BY_AGE: usize = 2;
    /// The index of when somebody has to talk to its carrier next, in milliseconds; nothing if nobody has to.
    pub const BY_WORK: usize = 3;
}

impl ReadModel for ShipmentRow {
    const NAME: &'static str = "shipments";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["status", "order_id", "planned_at", "work_at"];

    fn indexes(&self) -> Vec<IndexValue> {
        let planned = self.shipment.planned();
        vec![
            self.shipment.status().as_str().into(),
            planned.map_or(IndexValue::Null, |planned| planned.order_id.as_str().into()),
            planned.map_or(IndexValue::Null, |planned| planned.planned_at.as_millis().into()),
            self.shipment.work_at().map_or(IndexValue::Null, |at| at.as_millis().into()),
        ]
    }
}

/// Folds shipment events into [`ShipmentRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShipmentProjection;

impl Projection for ShipmentProjection {
    type Row = ShipmentRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<ShipmentRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Shipment>()? else { return Ok(()) };
        let id = event.stream.id();
        if rows.get(id).is_none() {
            let shipment = Shipment::default();
            rows.put(id, ShipmentRow { shipment_id: id.into(), shipment, since: event.at, version: 0 });
        }
        rows.update(id, |row| {
            let before = row.shipment.status();
            row.shipment.apply(&happened);
            row.version = event.version;
            if row.shipment.status() != before {
                row.since = event.at;
            }
        });
        Ok(())
    }
}
