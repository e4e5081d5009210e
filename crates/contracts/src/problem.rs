//! What every error looks like: a problem as RFC 9457 describes it, with a stable code.
//!
//! ```
//! let problem: comanda_contracts::Problem = serde_json::from_str(
//!     r#"{"type":"/problems/insufficient-stock","title":"Not enough stock","status":409,"code":"INSUFFICIENT_STOCK",
//!         "detail":"SKU TEA-01: 3 wanted, 2 available.",
//!         "shortfalls":[{"sku":"TEA-01","requested":3,"available":2}]}"#,
//! ).unwrap();
//! assert_eq!(problem.shortfalls[0].available, 2);
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An error answer (`application/problem+json`).
///
/// `code` is what a program looks at: it never changes its meaning. The members after it are there when the code says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where this kind of problem is described: `/problems/<code in lower case with hyphens>`.
    #[serde(rename = "type")]
    pub problem_type: Cow<'static, str>,
    /// The kind of problem in a few words; the same for every problem of this code.
    pub title: Cow<'static, str>,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What was wrong this time, where, and what to do.
    pub detail: String,
    /// The stable code, such as `INSUFFICIENT_STOCK`.
    pub code: Cow<'static, str>,
    /// What this problem is about: a path of this interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Each wrong field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What was missing, per SKU (`INSUFFICIENT_STOCK`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortfalls: Vec<Shortfall>,
    /// The state a transition would have left (`WRONG_TRANSITION`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The state a transition would have led to (`WRONG_TRANSITION`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The states that can be reached from `from` (`WRONG_TRANSITION`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
    /// The value the request counted on (`VERSION_MISMATCH`, `STOCK_CHANGED`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<i64>,
    /// The value found instead (`VERSION_MISMATCH`, `STOCK_CHANGED`), or what has to be covered (`STOCK_PROMISED`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<i64>,
    /// The state of the thing the request is about, where that is why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldError {
    /// An RFC 6901 JSON pointer into the body, such as `/lines/0/quantity`; `?name` for a query parameter, `{name}` for
    /// a path parameter and the header's name for a header.
    pub pointer: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

/// How much of one SKU was missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Shortfall {
    /// The SKU.
    pub sku: String,
    /// The location, where the request named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// Units asked for, over all lines of this SKU.
    pub requested: i64,
    /// Units that could have been had.
    pub available: i64,
}
