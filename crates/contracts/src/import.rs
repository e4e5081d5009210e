//! Import: a page of a catalogue with its stock, all of it or nothing.

use serde::{Deserialize, Serialize};

use crate::ReasonCode;

/// `POST /v1/stock:import`: makes every row so, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRequest {
    /// 1 to 1,000 rows. Several may name a SKU, each another of its locations.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub rows: Vec<ImportRow>,
    /// Why stock on hand is not what it was; `correction` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
    /// Where that is written down, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reference_uri: Option<String>,
}

/// One SKU, and what there is of it at one location. What is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRow {
    /// The SKU; registered if it is not known.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Its name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Units held back from sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub safety_stock: Option<i64>,
    /// Units that may be promised beyond what is on hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub backorder_limit: Option<i64>,
    /// The location of which the rest speaks; `main` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// The units that are on hand there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub on_hand: Option<i64>,
    /// How many of them are damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub damaged: Option<i64>,
    /// How many of them are in quality control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub quality_control: Option<i64>,
    /// The bin where they lie, zone-aisle-bay-level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:]{1,31}(-[A-Za-z0-9._:]{1,31}){0,3}$"))]
    pub bin: Option<String>,
}

/// What an import has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// SKUs that are known now and were not.
    pub registered: u64,
    /// Rows that changed something of a SKU that was known.
    pub changed: u64,
    /// Rows that were so already.
    pub unchanged: u64,
}
