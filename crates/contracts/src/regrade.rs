//! Changes of condition: units that are damaged, in quality control, fit for sale again, or leave unsold.
//!
//! ```
//! use comanda_contracts::{RegradeRequest, StockCondition, StockFate};
//!
//! let release = r#"{"quantity":3,"from":"QUALITY_CONTROL","to":"SELLABLE","reasonCode":"quality_control"}"#;
//! let release: RegradeRequest = serde_json::from_str(release).unwrap();
//! assert_eq!((release.from, release.to), (StockCondition::QualityControl, StockFate::Sellable));
//! ```

use serde::{Deserialize, Serialize};

use crate::adjustment::ReasonCode;

/// `POST /v1/stock/{sku}/regrade`: units change their condition, or leave unsold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegradeRequest {
    /// The location; `main` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 3, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
    /// The condition they are in.
    pub from: StockCondition,
    /// What becomes of them.
    pub to: StockFate,
    /// Why.
    pub reason_code: ReasonCode,
    /// What it refers to, such as an inspection; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reference_uri: Option<String>,
}

/// The condition of units on hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StockCondition {
    /// Fit for sale. Only what is promised to nobody can be taken off sale.
    Sellable,
    /// Damaged: kept, and not sold.
    Damaged,
    /// In quality control: kept, and not sold until somebody has looked.
    QualityControl,
}

/// What becomes of units that change their condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StockFate {
    /// They can be sold (again).
    Sellable,
    /// They are kept as damaged.
    Damaged,
    /// They go into quality control.
    QualityControl,
    /// They are thrown away.
    Scrapped,
    /// They go back to whom they were bought from.
    ReturnedToSupplier,
}

/// The answer to a change of condition: the level it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Regrade {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units that changed.
    pub quantity: i64,
    /// The condition they were in.
    pub from: StockCondition,
    /// What became of them.
    pub to: StockFate,
    /// What is on hand at this location now.
    pub on_hand: i64,
    /// What of it is damaged.
    pub damaged: i64,
    /// What of it is in quality control.
    pub quality_control: i64,
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
