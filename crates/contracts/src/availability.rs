//! Availability: can all of this be promised now?

use serde::{Deserialize, Serialize};

/// `POST /v1/availability:query`: asks for many SKUs in one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AvailabilityRequest {
    /// 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<WantedLine>,
    /// By when it may be, RFC 3339: each line then says what can be promised by that date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub by: Option<String>,
}

/// How much of which SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedLine {
    /// The SKU. Several lines may name the same one: they share its stock.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 2, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// The answer: line by line, and whether all of them can be had together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityAnswer {
    /// Whether every line is known and sufficient.
    pub sufficient: bool,
    /// One per line asked for, in order.
    pub lines: Vec<AvailabilityLine>,
}

/// What one line would find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityLine {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units of the SKU that are available, before any line of this request; 0 for an unknown SKU.
    pub available: i64,
    /// Whether this line could be held, after the lines before it took theirs; backorder limits count.
    pub sufficient: bool,
    /// Whether the SKU is registered.
    pub known: bool,
    /// With `by`: units of the SKU that can be promised by then, before any line of this request. That is what is
    /// available, what is to come until then, and what may be promised beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_to_promise: Option<i64>,
}
