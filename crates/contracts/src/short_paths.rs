//! The short paths: the interface of the system this domain comes from, still valid.

use serde::{Deserialize, Serialize};

/// `POST /inventory/{sku}/reserve`: holds units of one SKU until they are released.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShortReserveRequest {
    /// The reservation; one id may hold several SKUs.
    #[cfg_attr(feature = "openapi", schema(example = "order-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub reservation_id: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 2, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `POST /inventory/{sku}/replenish`: adds units at `main`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShortReplenishRequest {
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 100, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `POST /inventory/{sku}/release`: gives back what a reservation holds of this SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShortReleaseRequest {
    /// The reservation.
    #[cfg_attr(feature = "openapi", schema(example = "order-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub reservation_id: String,
}

/// `GET /inventory/{sku}`: what can be promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShortStock {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units that can be promised now.
    pub available: i64,
    /// When its stock last changed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub updated_at: String,
}

/// `GET /inventory/reservations/{id}`: what a reservation holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShortReservation {
    /// The reservation.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub reservation_id: String,
    /// What it holds now; empty once it is released.
    pub items: Vec<ShortItem>,
}

/// Units of one SKU that a reservation holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShortItem {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units.
    pub quantity: i64,
}
