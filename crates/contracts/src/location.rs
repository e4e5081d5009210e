//! Locations: the places that hold stock. `main` exists from the start.

use serde::{Deserialize, Serialize};

/// `POST /v1/locations`: makes a location known. The same request again gives the same answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterLocation {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "berlin", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: String,
    /// A name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A location as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a location holds over all SKUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// The location's id.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Units physically there.
    pub on_hand: i64,
    /// Units held for a while.
    pub reserved: i64,
    /// Units promised for good.
    pub committed: i64,
    /// Units there that are not fit for sale.
    pub damaged: i64,
    /// Units there that are fit for sale and promised to nobody.
    pub available: i64,
}
