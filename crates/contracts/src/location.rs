//! Locations: the places that hold stock. `main` exists from the start.

use serde::{Deserialize, Serialize};

use crate::sourcing::Coordinates;

/// `POST /v1/locations`: makes a location known. The same request again gives the same answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterLocation {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "berlin", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: String,
    /// A name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Which comes first where priority decides, 1 to 1,000,000: 1 before 2, and those without one last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1, maximum = 1_000_000))]
    pub priority: Option<u32>,
    /// Where on earth it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

/// `PATCH /v1/locations/{locationId}`: changes the fields that are given and leaves the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateLocation {
    /// A new name, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// A new priority, 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1, maximum = 1_000_000))]
    pub priority: Option<u32>,
    /// Where on earth it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

/// A location as it is registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which comes first where priority decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Where on earth it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
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
    /// Units there that are not sold because they are damaged.
    pub damaged: i64,
    /// Units there that are not sold until quality control has looked at them.
    #[serde(default)]
    pub quality_control: i64,
    /// Units there that are fit for sale and promised to nobody: `onHand - reserved - committed - damaged -
    /// qualityControl`.
    pub available: i64,
    /// Units that are to come there; not part of what is available.
    #[serde(default)]
    pub incoming: i64,
}
