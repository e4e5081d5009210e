//! Contract events, version 1: what the contexts tell each other and the world, each the `data` of a CloudEvents 1.0 event.
//!
//! Every shape names its CloudEvents `type` in `TYPE`. A field may be added, and is then optional; nothing is ever
//! renamed, removed or given another meaning: that is a new version beside this one. Unknown fields are ignored.
//!
//! No event says that a cart's hold has expired: it ends at the `expiresAt` its owner was told, whether or not a job runs,
//! and stock counts held units, not holds. What the others gain is said: [`StockBecameAvailable`]. An order's reservation
//! has no end.
//!
//! ```
//! use comanda_contracts::events::StockBecameAvailable;
//!
//! let event = StockBecameAvailable { sku: "TEA-01".into(), location_id: "main".into(), quantity: 4 };
//! assert_eq!(StockBecameAvailable::TYPE, "comanda.inventory.stock-became-available.v1");
//! assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"sku":"TEA-01","locationId":"main","quantity":4}"#);
//! ```

mod envelope;
mod fulfillment;
mod inventory;

pub use envelope::CloudEvent;
pub use fulfillment::{
    ConsumeLineRequested, ConsumeReservationRequested, Disposition, GoodsReturned, OrderBackordered, OrderCancelled,
    OrderPlaced, OrderPlacedLine, OrderReadyToShip, OrderRejected, OrderReserved, QuantityOfLine, RejectedLine,
    ReleaseLineRequested, ReleaseReservationRequested, ReserveLineRequested, ReserveStockRequested, ReturnedLine,
    ShipmentBooked, ShipmentDelivered, ShipmentDispatched,
};
pub use inventory::{
    LineShortfall, PickFrom, RejectionCode, ReservationConsumed, ReservationReleased, ReservedLine,
    StockBecameAvailable, StockReservationRejected, StockReserved,
};
