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
    OrderRejected, OrderReserved, ReleaseReservationRequested, ReservationConsumed, ReservationExpired,
    ReservationReleased, ReserveStockRequested, ShipmentBooked, ShipmentDelivered, ShipmentDispatched,
    StockBecameAvailable, StockReservationRejected, StockReserved,
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
    schema: fn(&mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema>,
    example: fn() -> Result<Value, serde_json::Error>,
    reread: fn(&Value) -> Result<Value, serde_json::Error>,
}

impl EventType {
    /// An example of its `data`.
    ///
    /// # Errors
    /// If the shape cannot be written as JSON, which a test excludes.
    pub fn example(&self) -> Result<Value, serde_json::Error> {
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

/// A shape with an example.
trait Example: Serialize + DeserializeOwned + ToSchema {
    fn example() -> Self;
}

fn schema_of<T: ToSchema>(named: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    T::schemas(named);
    T::schema()
}

fn reread<T: Serialize + DeserializeOwned>(data: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(data)?)
}

macro_rules! events {
    ($($owner:ident: $shape:ident of $subject:literal => [$($reader:ident),*];)*) => {
        /// Every contract event.
        pub const EVENTS: &[EventType] = &[$(
            EventType {
                kind: $shape::TYPE,
                name: stringify!($shape),
                owner: Owner::$owner,
                readers: &[$(Owner::$reader),*],
                subject: $subject,
                schema: schema_of::<$shape>,
                example: || serde_json::to_value(<$shape as Example>::example()),
                reread: reread::<$shape>,
            }
        ),*];
    };
}

events! {
    Inventory: StockReserved of "reservationId" => [Fulfillment];
    Inventory: StockReservationRejected of "reservationId" => [Fulfillment];
    Inventory: ReservationReleased of "reservationId" => [Fulfillment];
    Inventory: ReservationExpired of "reservationId" => [];
    Inventory: ReservationConsumed of "reservationId" => [];
    Inventory: StockBecameAvailable of "sku" => [Fulfillment];
    Fulfillment: ReserveStockRequested of "reservationId" => [Inventory];
    Fulfillment: ReleaseReservationRequested of "reservationId" => [Inventory];
    Fulfillment: ConsumeReservationRequested of "reservationId" => [Inventory];
    Fulfillment: GoodsReturned of "returnId" => [Inventory];
    Fulfillment: OrderPlaced of "orderId" => [];
    Fulfillment: OrderReserved of "orderId" => [];
    Fulfillment: OrderBackordered of "orderId" => [];
    Fulfillment: OrderRejected of "orderId" => [];
    Fulfillment: OrderCancelled of "orderId" => [];
    Fulfillment: OrderReadyToShip of "orderId" => [];
    Fulfillment: ShipmentBooked of "shipmentId" => [];
    Fulfillment: ShipmentDispatched of "shipmentId" => [];
    Fulfillment: ShipmentDelivered of "shipmentId" => [];
}
