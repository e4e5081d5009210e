//! Adjustments: changes of stock on hand that no order caused, each with its reason.
//!
//! ```
//! use comanda_contracts::AdjustmentRequest;
//!
//! let delivery = r#"{"sku":"TEA-01","delta":500,"reasonCode":"received"}"#;
//! let count = r#"{"sku":"TEA-01","locationId":"berlin","set":498,"expected":500,"reasonCode":"cycle_count"}"#;
//! assert_eq!(serde_json::from_str::<AdjustmentRequest>(delivery).unwrap().delta, Some(500));
//! assert_eq!(serde_json::from_str::<AdjustmentRequest>(count).unwrap().expected, Some(500));
//! ```

use serde::{Deserialize, Serialize};

/// `POST /v1/stock/adjustments`: changes what is on hand, either by `delta`, or to `set` if it still is `expected`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustmentRequest {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// The location; `main` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// Units to add (or, negative, to take away); not 0, at most 1,000,000,000 either way. Excludes `set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = -1_000_000_000, maximum = 1_000_000_000))]
    pub delta: Option<i64>,
    /// What is on hand from now on, 0 to 1,000,000,000,000. Needs `expected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000i64))]
    pub set: Option<i64>,
    /// What must be on hand for `set` to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub expected: Option<i64>,
    /// Why.
    pub reason_code: ReasonCode,
    /// What it refers to, such as a delivery note; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reference_uri: Option<String>,
}

/// The answer to an adjustment: the level it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Adjustment {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units added (negative: taken away).
    pub delta: i64,
    /// What is on hand at this location now.
    pub on_hand: i64,
    /// What of the SKU is available now, over all locations.
    pub available: i64,
    /// Why.
    pub reason_code: ReasonCode,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_uri: Option<String>,
    /// The version of the SKU's stock that it made.
    pub version: u64,
}

/// Why stock on hand changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A mistake in the books is put right.
    Correction,
    /// A count showed another number.
    CycleCount,
    /// Damaged.
    Damaged,
    /// Past its date.
    Expired,
    /// Found again.
    Found,
    /// Not to be found.
    Lost,
    /// Stolen.
    Stolen,
    /// Thrown away.
    Scrapped,
    /// Received from a supplier.
    Received,
    /// Put back on the shelf.
    Restock,
    /// Shrinkage.
    Shrinkage,
    /// Given away.
    Promotion,
    /// Taken for, or given back by, quality control.
    QualityControl,
    /// Moved from or to another place.
    Movement,
    /// Anything else: say what in `referenceUri`.
    Other,
}
