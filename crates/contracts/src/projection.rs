//! Projections: how the views are, their rebuilds, and the streams that wait in them.

use serde::{Deserialize, Serialize};

/// `GET /v1/projections`: how a view is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Projection {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "stock"))]
    pub name: String,
    /// The version of its rows and its fold.
    pub version: u32,
    /// The build that queries read; absent until the first one of this version is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<u32>,
    /// What swap-back leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptBuild>,
    /// Events of the log that it has read.
    pub events: u64,
    /// Events of the log that it has not read.
    pub behind_events: u64,
    /// Streams that wait in it because an event could not be applied.
    pub parked: u64,
    /// The build that is made beside it, or was made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<Rebuild>,
}

/// The build that was live before the last swap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeptBuild {
    /// The version whose rows it has. Only a program of this version can swap back to it.
    pub version: u32,
    /// Its number.
    pub build: u32,
}

/// A build that is made beside the live one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rebuild {
    /// What for: `FIRST` (queries wait for it), `REBUILD`, `COMPARE`, or `SWAP_BACK`.
    pub purpose: String,
    /// `WAITING`, `FOLDING`, `COMPARING`, `DONE`, `FAILED`, or `DROPPED` (the process ended before it was whole).
    pub state: String,
    /// Events folded.
    pub events: u64,
    /// Events of the log.
    pub events_total: u64,
    /// Events folded per second.
    pub events_per_second: f64,
    /// How long it took, or has taken until now.
    pub elapsed_seconds: f64,
    /// When it will have read the log at this rate, in seconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<f64>,
    /// Whether it is the live build now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swapped: Option<bool>,
    /// How it differs from the build that was live then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ComparedBuilds>,
    /// Streams that wait in it because an event could not be applied. Rows of theirs may be the same in both builds and
    /// wrong in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How a new build differs from the live one, both having read equally far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ComparedBuilds {
    /// Keys looked at.
    pub rows: u64,
    /// Rows that only the live build had.
    pub only_live: u64,
    /// Rows that only the new build has.
    pub only_new: u64,
    /// Rows that differ.
    pub different: u64,
    /// The first keys that are not the same in both, at most 20.
    pub keys: Vec<String>,
}

/// `POST /v1/projections/{name}/rebuild`: builds the view anew from the start of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RebuildRequest {
    /// Only compare the new build with the live one, and drop it; false unless given.
    #[serde(default)]
    pub compare_only: bool,
}

/// A stream that waits in a view, from an event on that could not be applied there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ParkedKey {
    /// The stream: what is replayed.
    #[cfg_attr(feature = "openapi", schema(example = "stock/TEA-01"))]
    pub key: String,
    /// The partition of the log.
    pub partition: u16,
    /// The position in it of the event that could not be applied.
    pub position: u64,
    /// The version of that event in its stream.
    pub version: u64,
    /// Why it could not.
    pub cause: String,
    /// How many events wait, with it.
    pub waiting: u64,
}

/// What became of a parked stream that was replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReplayedKey {
    /// Whether all that waited is applied.
    pub whole: bool,
    /// How many events were applied.
    pub events: u64,
    /// Where it waits now, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<ParkedKey>,
}
