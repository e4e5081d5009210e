//! Stock: how much of a SKU there is, and how much of that can still be promised.

use serde::{Deserialize, Serialize};

/// `GET /v1/stock/{sku}`: one SKU over all locations.
///
/// `available = onHand - reserved - committed - damaged - qualityControl - safetyStock`; it may be negative where a
/// backorder limit allows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units held for a while (carts, payments).
    pub reserved: i64,
    /// Units promised to orders.
    pub committed: i64,
    /// Units that are there and are not sold because they are damaged.
    #[serde(default)]
    pub damaged: i64,
    /// Units that are there and are not sold until quality control has looked at them.
    #[serde(default)]
    pub quality_control: i64,
    /// Units held back from sale.
    pub safety_stock: i64,
    /// Units that may be promised beyond what is there.
    pub backorder_limit: i64,
    /// From when on they may be, unless always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub backorders_from: Option<String>,
    /// Whether only units that are to come may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backorders_incoming_only: bool,
    /// Units that can be promised now.
    pub available: i64,
    /// Units that are to come; not part of what is available.
    #[serde(default)]
    pub incoming: i64,
    /// How many of them are on their way between two locations.
    #[serde(default)]
    pub in_transit: i64,
    /// What is to come by date, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<ExpectedUnits>,
    /// How many events made this stock; `ETag` changes with it, and when a hold ends by itself.
    pub version: u64,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub updated_at: String,
    /// The same per location.
    pub locations: Vec<LocationStock>,
}

/// One SKU at one location, as part of its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LocationStock {
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units held for a while.
    pub reserved: i64,
    /// Units promised to orders.
    pub committed: i64,
    /// Units that are there and are not sold because they are damaged.
    #[serde(default)]
    pub damaged: i64,
    /// Units that are there and are not sold until quality control has looked at them.
    #[serde(default)]
    pub quality_control: i64,
    /// Units there that nobody holds: `onHand - reserved - committed - damaged - qualityControl` (safety stock is kept
    /// per SKU).
    pub available: i64,
    /// Units that are to come there.
    #[serde(default)]
    pub incoming: i64,
    /// The bin it lies in, `zone-aisle-bay-level`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-01-03-2"))]
    pub bin: Option<String>,
}

/// Units of a SKU that are to come to one location at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpectedUnits {
    /// When; what is late is listed too.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub expected_at: String,
    /// Where.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// How many.
    pub quantity: i64,
}

/// `GET /v1/stock/history?sku=&asOf=`: one SKU as of an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockAsOf {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The instant.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub as_of: String,
    /// Units that were physically there.
    pub on_hand: i64,
    /// Units that were held for a while; those whose hold had ended do not count.
    pub reserved: i64,
    /// Units that were promised to orders.
    pub committed: i64,
    /// Units that were damaged.
    pub damaged: i64,
    /// Units that were in quality control.
    pub quality_control: i64,
    /// Units that were held back from sale.
    pub safety_stock: i64,
    /// Units that could be promised beyond what was there.
    pub backorder_limit: i64,
    /// Units that could be promised.
    pub available: i64,
    /// Units that were to come.
    #[serde(default)]
    pub incoming: i64,
    /// How many of them were on their way between two locations.
    #[serde(default)]
    pub in_transit: i64,
    /// The version the stock had.
    pub version: u64,
    /// The same per location; without bins.
    pub locations: Vec<LocationStock>,
}

/// `PUT /v1/stock/{sku}/locations/{locationId}/bin`: where in a location a SKU lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignBin {
    /// The bin: one to four parts out of letters, digits, `.`, `_` and `:`, `zone-aisle-bay-level`.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "A-01-03-2", pattern = "^[A-Za-z0-9._:]{1,31}(-[A-Za-z0-9._:]{1,31}){0,3}$")
    )]
    pub bin: String,
}

/// The bin of a SKU at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BinAssignment {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// The bin.
    #[cfg_attr(feature = "openapi", schema(example = "A-01-03-2"))]
    pub bin: String,
    /// The version of the SKU's stock.
    pub version: u64,
}

/// `GET /v1/locations/{locationId}/stock`: one SKU at one location, as an item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockAtLocation {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units held for a while.
    pub reserved: i64,
    /// Units promised to orders.
    pub committed: i64,
    /// Units that are there and are not sold because they are damaged.
    #[serde(default)]
    pub damaged: i64,
    /// Units that are there and are not sold until quality control has looked at them.
    #[serde(default)]
    pub quality_control: i64,
    /// Units there that nobody holds.
    pub available: i64,
    /// The bin it lies in, `zone-aisle-bay-level`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-01-03-2"))]
    pub bin: Option<String>,
}

/// `GET /v1/low-stock`: a SKU that is sold out or has reached its safety stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LowStock {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units held back from sale.
    pub safety_stock: i64,
    /// Units that can be promised now: 0 or less.
    pub available: i64,
}
