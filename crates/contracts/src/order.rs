//! Orders: what is placed, where it stands, and why it waits.
//!
//! ```
//! let request: comanda_contracts::PlaceOrderRequest =
//!     serde_json::from_str(r#"{"orderId":"o-7","lines":[{"sku":"TEA-01","qty":2}]}"#).unwrap();
//! assert_eq!(request.lines[0].quantity, 2);
//! ```

use serde::{Deserialize, Serialize};

/// `POST /v1/orders`: places an order. The same id with the same body gives the same answer again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrderRequest {
    /// The client's id for it, which makes a retry safe; made by the server unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "order-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub order_id: Option<String>,
    /// What is ordered: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<PlaceOrderLine>,
    /// What happens when a line is short; `SHIP_AVAILABLE` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<OrderPolicy>,
    /// How urgent it is; `STANDARD` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<OrderPriority>,
    /// When it is promised: an RFC 3339 instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// Whose it is: 1 to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "customer-12", min_length = 1, max_length = 128))]
    pub customer: Option<String>,
}

/// One line of an order, as ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrderLine {
    /// Its id, unique in the order; `1`, `2`, … by place unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: Option<String>,
    /// The SKU. Several lines may name the same one.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Units, 1 to 1,000,000,000. `qty` is the same field.
    #[serde(alias = "qty")]
    #[cfg_attr(feature = "openapi", schema(example = 2, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// What happens when a line of an order is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderPolicy {
    /// All lines or none: one missing line rejects the order.
    ShipComplete,
    /// What is there is shipped, the rest is rejected.
    ShipAvailable,
    /// What is there is shipped, the rest waits for stock.
    Backorder,
}

/// How urgent an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderPriority {
    /// Before all others.
    Express,
    /// As usual.
    Standard,
    /// When there is time.
    Economy,
}

/// An order after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderAccepted {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where it is now: PLACED, RESERVATION_PENDING, PARTIALLY_RESERVED, RESERVED, REJECTED, BACKORDERED, ON_HOLD,
    /// PICKING, PICKED, PACKED, READY_TO_SHIP, PARTIALLY_SHIPPED, SHIPPED, DELIVERED, PARTIALLY_RETURNED, RETURNED or
    /// CANCELLED.
    #[cfg_attr(feature = "openapi", schema(example = "RESERVATION_PENDING"))]
    pub status: String,
}

/// `GET /v1/orders/{id}/status`: where an order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderStatusAnswer {
    /// One of those of `OrderAccepted`.
    #[cfg_attr(feature = "openapi", schema(example = "RESERVED"))]
    pub status: String,
}

/// `POST /v1/orders/{id}/cancel`: without a body, the whole order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrderRequest {
    /// Which lines; the whole order unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<CancelOrderLine>>,
    /// Why: 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "customer changed their mind", min_length = 1, max_length = 500))]
    pub reason: Option<String>,
}

/// One line to cancel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrderLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000; all that are left of the line unless given. `qty` is the same field.
    #[serde(default, alias = "qty", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: Option<i64>,
}

/// `POST /v1/orders/{id}/hold`: lets an order rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldOrderRequest {
    /// Why: 1 to 500 characters.
    #[cfg_attr(feature = "openapi", schema(example = "address is checked", min_length = 1, max_length = 500))]
    pub reason: String,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where it is: one of those of `OrderAccepted`.
    #[cfg_attr(feature = "openapi", schema(example = "PARTIALLY_RESERVED"))]
    pub status: String,
    /// What happens when a line is short.
    pub policy: OrderPolicy,
    /// How urgent it is.
    pub priority: OrderPriority,
    /// When it was placed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub placed_at: String,
    /// When it is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Why it rests, if it is on hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold: Option<String>,
    /// Its lines, as ordered.
    pub lines: Vec<OrderLine>,
    /// What it waits for; empty when there is nothing left to happen.
    pub waits_for: Vec<WaitsFor>,
}

/// One line of an order, counted in units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Where it is: PENDING, CONFIRMED, REJECTED, BACKORDERED, PICKING, PICKED, SHORT_PICKED, PACKED, SHIPPED,
    /// DELIVERED, RETURNED or CANCELLED.
    #[cfg_attr(feature = "openapi", schema(example = "CONFIRMED"))]
    pub status: String,
    /// Units ordered: the sum of pending, reserved, backordered, rejected and cancelled.
    pub ordered: i64,
    /// Units that were asked for, without an answer yet.
    pub pending: i64,
    /// Units reserved, wherever they have come since.
    pub reserved: i64,
    /// Units that wait for stock.
    pub backordered: i64,
    /// Units that will not be served.
    pub rejected: i64,
    /// Why they will not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "INSUFFICIENT_STOCK"))]
    pub rejected_for: Option<String>,
    /// Units cancelled.
    pub cancelled: i64,
    /// Of those reserved: units picked.
    pub picked: i64,
    /// Of those picked: units packed.
    pub packed: i64,
    /// Of those packed: units that have left.
    pub shipped: i64,
    /// Of those that have left: units that have arrived.
    pub delivered: i64,
    /// Units that came back.
    pub returned: i64,
    /// Where the reserved units are.
    pub allocations: Vec<OrderAllocation>,
}

/// Reserved units of a line at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderAllocation {
    /// The reservation in Inventory.
    #[cfg_attr(feature = "openapi", schema(example = "order-7~1"))]
    pub reservation_id: String,
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// The bin inside it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    /// Units.
    pub quantity: i64,
}

/// Something that an order waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitsFor {
    /// What: RELEASE_OF_HOLD, RESERVATION, STOCK, PICKING, PACKING, READY_TO_SHIP, SHIPMENT or DELIVERY.
    #[cfg_attr(feature = "openapi", schema(example = "STOCK"))]
    pub code: String,
    /// The same as a sentence.
    #[cfg_attr(feature = "openapi", schema(example = "3 units of TEA-01 wait for stock."))]
    pub text: String,
    /// Since when; absent if that was long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub since: Option<String>,
    /// When something happens by itself at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:31:00.000Z"))]
    pub until: Option<String>,
}

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where it is: one of those of `OrderAccepted`.
    #[cfg_attr(feature = "openapi", schema(example = "RESERVED"))]
    pub status: String,
    /// Since when it is there.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub since: String,
    /// How urgent it is.
    pub priority: OrderPriority,
    /// When it was placed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub placed_at: String,
    /// When it is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// How many lines it has.
    pub lines: i64,
    /// Units that are not answered for yet.
    pub pending: i64,
    /// Units that wait for stock.
    pub backordered: i64,
}

/// `GET /v1/orders/{id}/timeline`: what happened to an order, newest first, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderTimeline {
    /// The order.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where it is now.
    #[cfg_attr(feature = "openapi", schema(example = "BACKORDERED"))]
    pub status: String,
    /// What it waits for.
    pub waits_for: Vec<WaitsFor>,
    /// What happened, newest first.
    pub items: Vec<TimelineEntry>,
    /// Send it as `?cursor=` for what happened before; absent when that is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One thing that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub at: String,
    /// What, for programs.
    #[cfg_attr(feature = "openapi", schema(example = "LINES_BACKORDERED"))]
    pub code: String,
    /// What, for people.
    #[cfg_attr(feature = "openapi", schema(example = "3 units of line 1 wait for stock."))]
    pub text: String,
    /// The command or message that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "place-order"))]
    pub command: Option<String>,
    /// Who sent it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What ties it to the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Its place among all that happened to the order, from 1.
    pub version: u64,
}

/// Units of an order line that wait for stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Backorder {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The order.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// Units.
    pub quantity: i64,
    /// When the order is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// When it was placed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub placed_at: String,
    /// Since when these units wait.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub since: String,
}

/// What waits for one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units that order lines wait for.
    pub waiting: i64,
    /// How many order lines wait.
    pub lines: i64,
}
