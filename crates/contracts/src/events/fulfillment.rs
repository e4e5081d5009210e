//! What Fulfillment tells others, and what it asks of Inventory.

use serde::{Deserialize, Serialize};

/// Asks Inventory to commit stock to an order, without end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReserveStockRequested {
    /// The id of the reservation to be: `orderId~attempt`, one for each attempt.
    pub reservation_id: String,
    /// The order.
    pub order_id: String,
    /// Which attempt of the order, from 1.
    pub attempt: u32,
    /// Whether to reserve what is there when a line is short; otherwise it is all or nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_partial: bool,
    /// What to reserve: 1 to 2,000 lines.
    pub lines: Vec<ReserveLineRequested>,
}

impl ReserveStockRequested {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.reserve-stock-requested.v1";
}

/// One line to reserve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReserveLineRequested {
    /// The order line's id.
    pub line_id: String,
    /// The SKU. Several lines may name the same one.
    pub sku: String,
    /// Units, 1 to 1,000,000,000.
    pub quantity: i64,
    /// Locations it must not come from: a picker found none there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_locations: Vec<String>,
}

/// Asks Inventory to give back what a reservation holds. It may overtake the request to reserve: that is then refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleaseReservationRequested {
    /// The reservation.
    pub reservation_id: String,
    /// The order.
    pub order_id: String,
    /// What to give back, by line; all it still holds if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<ReleaseLineRequested>,
}

impl ReleaseReservationRequested {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.release-reservation-requested.v1";
}

/// Units of one line to give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleaseLineRequested {
    /// The line.
    pub line_id: String,
    /// Units, at most what the line holds.
    pub quantity: i64,
    /// The location whose units they are; any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
}

/// Tells Inventory that reserved units have left the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsumeReservationRequested {
    /// The reservation.
    pub reservation_id: String,
    /// The order.
    pub order_id: String,
    /// What they left with: the shipment.
    pub reference: String,
    /// What has left.
    pub lines: Vec<ConsumeLineRequested>,
}

impl ConsumeReservationRequested {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.consume-reservation-requested.v1";
}

/// Units of one line that have left one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsumeLineRequested {
    /// The line.
    pub line_id: String,
    /// Units.
    pub quantity: i64,
    /// The location they left.
    pub location_id: String,
}

/// Goods have come back and were inspected: the stock follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GoodsReturned {
    /// The return.
    pub return_id: String,
    /// The order they were sold with.
    pub order_id: String,
    /// What came back.
    pub lines: Vec<ReturnedLine>,
}

impl GoodsReturned {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.goods-returned.v1";
}

/// Units that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReturnedLine {
    /// The order line's id.
    pub line_id: String,
    /// The SKU.
    pub sku: String,
    /// Units.
    pub quantity: i64,
    /// Where they are now.
    pub location_id: String,
    /// What becomes of them.
    pub disposition: Disposition,
}

/// What becomes of goods that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// They are sold again.
    Restock,
    /// They are kept, and not sold.
    Damaged,
    /// They are thrown away.
    Scrap,
}

/// Units of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct QuantityOfLine {
    /// The line.
    pub line_id: String,
    /// Units.
    pub quantity: i64,
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// The order.
    pub order_id: String,
    /// Its lines.
    pub lines: Vec<OrderPlacedLine>,
}

impl OrderPlaced {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-placed.v1";
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderPlacedLine {
    /// The line.
    pub line_id: String,
    /// The SKU.
    pub sku: String,
    /// Units.
    pub quantity: i64,
}

/// Stock is committed to lines of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderReserved {
    /// The order.
    pub order_id: String,
    /// Whether nothing of the order waits or is missing now.
    pub complete: bool,
    /// What this attempt reserved, by line.
    pub lines: Vec<QuantityOfLine>,
}

impl OrderReserved {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-reserved.v1";
}

/// Lines of an order wait for stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderBackordered {
    /// The order.
    pub order_id: String,
    /// What waits, by line.
    pub lines: Vec<QuantityOfLine>,
}

impl OrderBackordered {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-backordered.v1";
}

/// Lines of an order will not be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderRejected {
    /// The order.
    pub order_id: String,
    /// Whether the whole order is rejected.
    pub complete: bool,
    /// Which.
    pub lines: Vec<RejectedLine>,
}

impl OrderRejected {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-rejected.v1";
}

/// Units of one line that will not be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RejectedLine {
    /// The line.
    pub line_id: String,
    /// Units.
    pub quantity: i64,
    /// Why: INSUFFICIENT_STOCK, UNKNOWN_SKU, RESERVATION_TIMEOUT, SHORT_PICK, …
    pub code: String,
}

/// Lines of an order were cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order_id: String,
    /// Whether nothing of the order is left.
    pub complete: bool,
    /// What was cancelled, by line.
    pub lines: Vec<QuantityOfLine>,
}

impl OrderCancelled {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-cancelled.v1";
}

/// An order is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderReadyToShip {
    /// The order.
    pub order_id: String,
}

impl OrderReadyToShip {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.order-ready-to-ship.v1";
}

/// A carrier has said yes to a shipment, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShipmentBooked {
    /// The shipment.
    pub shipment_id: String,
    /// The order.
    pub order_id: String,
    /// The carrier.
    pub carrier: String,
    /// The carrier's number for it.
    pub tracking_number: String,
}

impl ShipmentBooked {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.shipment-booked.v1";
}

/// A shipment has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShipmentDispatched {
    /// The shipment.
    pub shipment_id: String,
    /// The order.
    pub order_id: String,
    /// What has left, by line.
    pub lines: Vec<QuantityOfLine>,
}

impl ShipmentDispatched {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.shipment-dispatched.v1";
}

/// A shipment has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShipmentDelivered {
    /// The shipment.
    pub shipment_id: String,
    /// The order.
    pub order_id: String,
}

impl ShipmentDelivered {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.fulfillment.shipment-delivered.v1";
}
