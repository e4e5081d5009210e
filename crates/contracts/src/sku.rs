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
