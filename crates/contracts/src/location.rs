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
