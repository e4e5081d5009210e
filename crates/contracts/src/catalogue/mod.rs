//! The catalogue: every contract event with its owner, readers, schema and example, and the documents made from them.
//!
//! ```
//! use comanda_contracts::catalogue::{EVENTS, asyncapi, schemas};
//!
//! assert!(EVENTS.iter().any(|event| event.kind == "comanda.inventory.stock-reserved.v1"));
//! assert_eq!(schemas()["comanda.inventory.stock-reserved.v1"]["title"], "StockReserved");
//! assert_eq!(asyncapi()["asyncapi"], "3.0.0");
//! ```

mod asyncapi;
mod examples;
mod schemas;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub use asyncapi::asyncapi;
pub use schemas::schemas;

use crate::events::{
    ConsumeReservationRequested, GoodsReturned, OrderBackordered, OrderCancelled, OrderPlaced, OrderReadyToShip,
    OrderRejected, OrderReserved, ReleaseReservationRequested, ReservationConsumed, ReservationReleased,
    ReserveStockRequested, ShipmentBooked, ShipmentDelivered, ShipmentDispatched, StockBecameAvailable,
    StockReservationRejected, StockReserved,
};

/// A context: owns a log of contract events, and reads those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Stock and reservations.
    Inventory,
    /// Orders, picking and shipments.
    Fulfillment,
}

impl Owner {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Inventory, Self::Fulfillment];

    /// Its name: the `context` parameter of the feed, and, after a slash, the `source` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Fulfillment => "fulfillment",
        }
    }
}

/// What there is to know of one contract event.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// Its CloudEvents `type`, with its version.
    pub kind: &'static str,
    /// The name of its shape.
    pub name: &'static str,
    /// The context that says it.
    pub owner: Owner,
    /// The contexts that act on it. Webhooks and readers of the feed may too.
    pub readers: &'static [Owner],
    /// What its CloudEvents `subject` is.
    pub subject: &'static str,
    /// Its schema, and those it names.
    schema: fn(&mut Named) -> RefOr<Schema>,
    example: fn() -> Value,
    reread: fn(&Value) -> Result<Value, serde_json::Error>,
}

impl EventType {
    /// An example of its `data`.
    #[must_use]
    pub fn example(&self) -> Value {
        (self.example)()
    }

    /// Reads `data` into its shape and writes it again: what is left is what a reader understands of it.
    ///
    /// # Errors
    /// If it is no `data` of this event.
    pub fn reread(&self, data: &Value) -> Result<Value, serde_json::Error> {
        (self.reread)(data)
    }
}

/// Schemas and their names.
type Named = Vec<(String, RefOr<Schema>)>;

fn schema_of<T: ToSchema>(named: &mut Named) -> RefOr<Schema> {
    T::schemas(named);
    T::schema()
}

fn reread<T: Serialize + DeserializeOwned>(data: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(data)?)
}

macro_rules! events {
    ($($owner:ident: $shape:ident of $subject:literal, $example:ident => [$($reader:ident),*];)*) => {
        /// Every contract event.
        pub const EVENTS: &[EventType] = &[$(
            EventType {
                kind: $shape::TYPE,
                name: stringify!($shape),
                owner: Owner::$owner,
                readers: &[$(Owner::$reader),*],
                subject: $subject,
                schema: schema_of::<$shape>,
                example: examples::$example,
                reread: reread::<$shape>,
            }
        ),*];
    };
}

events! {
    Inventory: StockReserved of "reservationId", stock_reserved => [Fulfillment];
    Inventory: StockReservationRejected of "reservationId", stock_reservation_rejected => [Fulfillment];
    Inventory: ReservationReleased of "reservationId", reservation_released => [Fulfillment];
    Inventory: ReservationConsumed of "reservationId", reservation_consumed => [];
    Inventory: StockBecameAvailable of "sku", stock_became_available => [Fulfillment];
    Fulfillment: ReserveStockRequested of "reservationId", reserve_stock_requested => [Inventory];
    Fulfillment: ReleaseReservationRequested of "reservationId", release_reservation_requested => [Inventory];
    Fulfillment: ConsumeReservationRequested of "reservationId", consume_reservation_requested => [Inventory];
    Fulfillment: GoodsReturned of "returnId", goods_returned => [Inventory];
    Fulfillment: OrderPlaced of "orderId", order_placed => [];
    Fulfillment: OrderReserved of "orderId", order_reserved => [];
    Fulfillment: OrderBackordered of "orderId", order_backordered => [];
    Fulfillment: OrderRejected of "orderId", order_rejected => [];
    Fulfillment: OrderCancelled of "orderId", order_cancelled => [];
    Fulfillment: OrderReadyToShip of "orderId", order_ready_to_ship => [];
    Fulfillment: ShipmentBooked of "shipmentId", shipment_booked => [];
    Fulfillment: ShipmentDispatched of "shipmentId", shipment_dispatched => [];
    Fulfillment: ShipmentDelivered of "shipmentId", shipment_delivered => [];
}
