//! What Inventory tells others.

use serde::{Deserialize, Serialize};

/// Stock is committed to an order: the answer to a `ReserveStockRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The reservation.
    pub reservation_id: String,
    /// The order it is for.
    pub order_id: String,
    /// Which attempt of the order, from 1.
    pub attempt: u32,
    /// Every line asked for, with what is reserved for it: less than asked for only if that was allowed.
    pub lines: Vec<ReservedLine>,
}

impl StockReserved {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.stock-reserved.v1";
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReservedLine {
    /// The order line's id.
    pub line_id: String,
    /// The SKU.
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units reserved.
    pub reserved: i64,
    /// Where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<PickFrom>,
    /// Why fewer units are reserved than were asked for, if so: INSUFFICIENT_STOCK or UNKNOWN_SKU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<RejectionCode>,
}

/// Units at one place of a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PickFrom {
    /// The location.
    pub location_id: String,
    /// Units.
    pub quantity: i64,
    /// The bin inside the location, `zone-aisle-bay-level`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
}

/// Nothing is reserved: the answer to a `ReserveStockRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockReservationRejected {
    /// The reservation there is not.
    pub reservation_id: String,
    /// The order it was for.
    pub order_id: String,
    /// Which attempt of the order, from 1.
    pub attempt: u32,
    /// Why.
    pub code: RejectionCode,
    /// The lines that are short, or of unknown SKUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortfalls: Vec<LineShortfall>,
}

impl StockReservationRejected {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.stock-reservation-rejected.v1";
}

/// Why nothing is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RejectionCode {
    /// There is not enough of at least one line.
    InsufficientStock,
    /// At least one SKU is not known.
    UnknownSku,
    /// At least one location is not known.
    UnknownLocation,
    /// The reservation was released before it was asked for.
    AlreadyReleased,
    /// The id belongs to a reservation of other content.
    Conflict,
    /// The request is wrong in itself.
    Invalid,
}

/// What a line lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineShortfall {
    /// The order line's id.
    pub line_id: String,
    /// The SKU.
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units there were.
    pub available: i64,
}

/// What a reservation still held was given back, all of it or some lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReservationReleased {
    /// The reservation.
    pub reservation_id: String,
    /// The order it was for, if it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// What was given back, by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<super::QuantityOfLine>,
    /// Whether it holds nothing any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

impl ReservationReleased {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.reservation-released.v1";
}

/// A reservation has ended because its time was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReservationExpired {
    /// The reservation.
    pub reservation_id: String,
}

impl ReservationExpired {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.reservation-expired.v1";
}

/// Reserved units have left the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReservationConsumed {
    /// The reservation.
    pub reservation_id: String,
    /// The order it was for, if it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// What they left with: the shipment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What has left, by line.
    pub lines: Vec<super::QuantityOfLine>,
}

impl ReservationConsumed {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.reservation-consumed.v1";
}

/// Units can be promised that could not be before: goods came in, or were given back. Backorders wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockBecameAvailable {
    /// The SKU.
    pub sku: String,
    /// Where.
    pub location_id: String,
    /// Units.
    pub quantity: i64,
}

impl StockBecameAvailable {
    /// Its CloudEvents type.
    pub const TYPE: &'static str = "comanda.inventory.stock-became-available.v1";
}
