//! SKUs: the things that are sold.

use serde::{Deserialize, Serialize};

/// `POST /v1/skus`: makes a SKU known. The same request again gives the same answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterSku {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// A name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Units held back from sale; 0 unless given, at most 1,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub safety_stock: Option<i64>,
    /// Units that may be promised beyond what is on hand; 0 unless given, at most 1,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub backorder_limit: Option<i64>,
}

/// `PATCH /v1/skus/{sku}`: changes the fields that are given and leaves the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSku {
    /// A new name, 1 to 200 characters.
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
}

/// `PUT /v1/skus/{sku}/backorders`: how far, from when on and against what a SKU may be promised beyond what is on hand.
///
/// It holds for reservations; an order is only ever given what is on hand, and waits for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetBackorders {
    /// Units that may be promised beyond what is on hand, 0 to 1,000,000,000: at least as many as are promised so.
    #[cfg_attr(feature = "openapi", schema(example = 50, minimum = 0, maximum = 1_000_000_000))]
    pub limit: i64,
    /// Only from this instant on (a preorder); at once unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub from: Option<String>,
    /// Only units that are to come; otherwise as many as the limit allows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incoming_only: bool,
}

/// How a SKU may be promised beyond what is on hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Backorders {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units that may be promised beyond what is on hand.
    pub limit: i64,
    /// Only from this instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub from: Option<String>,
    /// Whether only units that are to come may be promised.
    pub incoming_only: bool,
    /// The version of the SKU's stock.
    pub version: u64,
}

/// A SKU as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sku {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units held back from sale.
    pub safety_stock: i64,
    /// Units that may be promised beyond what is on hand.
    pub backorder_limit: i64,
    /// How often it has changed; the same as in `ETag`.
    pub version: u64,
}
