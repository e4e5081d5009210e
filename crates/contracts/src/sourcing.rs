//! Sourcing: how the locations that serve a line are chosen, and the reasons.
//!
//! ```
//! use comanda_contracts::{SourcingPlanRequest, SourcingStrategy};
//!
//! let plan = r#"{"lines":[{"sku":"TEA-01","quantity":2}],"strategy":"NEAREST",
//!     "destination":{"latitude":52.52,"longitude":13.405}}"#;
//! let plan: SourcingPlanRequest = serde_json::from_str(plan).unwrap();
//! assert_eq!(plan.strategy, Some(SourcingStrategy::Nearest));
//! ```

use serde::{Deserialize, Serialize};

use crate::reservation::{Allocation, ReserveLine};

/// How locations are chosen for lines that name none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourcingStrategy {
    /// In the order of the locations' priority, each as far as it goes.
    Priority,
    /// The nearest to `destination` first, each as far as it goes; locations without coordinates come last.
    Nearest,
    /// As few locations for all lines together as can be.
    FewestSplits,
}

/// A place on earth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    #[cfg_attr(feature = "openapi", schema(example = 52.52, minimum = -90, maximum = 90))]
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    #[cfg_attr(feature = "openapi", schema(example = 13.405, minimum = -180, maximum = 180))]
    pub longitude: f64,
}

/// `POST /v1/sourcing:plan`: asks where the lines of a reservation would come from. It holds nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourcingPlanRequest {
    /// What would be held: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<ReserveLine>,
    /// How locations are chosen; unless given, one that serves the whole line, `main` before others, then by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<SourcingStrategy>,
    /// Where the goods go; needed by `NEAREST`, and by no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Coordinates>,
}

/// What a reservation would hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SourcingPlan {
    /// Whether every line would be held whole.
    pub sufficient: bool,
    /// One per line asked for, in order.
    pub lines: Vec<PlannedLine>,
}

/// What one line would hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlannedLine {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// What it is a line of.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units that would be held.
    pub planned: i64,
    /// Where they would come from.
    pub allocations: Vec<Allocation>,
    /// The locations that were looked at, in order: the first twenty, and all that would serve the line.
    pub locations: Vec<ConsideredLocation>,
}

/// Why a line is served from where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineSourcing {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// What it is a line of.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The locations that were looked at, in order: the first twenty, and all that serve the line.
    pub locations: Vec<ConsideredLocation>,
}

/// One location that was looked at for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsideredLocation {
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Whether the line takes units from there.
    pub chosen: bool,
    /// How many.
    pub quantity: i64,
    /// Units that were free there for the line, after the lines before it took theirs.
    pub available: i64,
    /// Why it was chosen or passed over.
    pub reason: SourcingReason,
    /// Its priority, where the strategy looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Metres to the destination along the great circle, where both places are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_metres: Option<i64>,
}

/// Why a location was chosen for a line or passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourcingReason {
    /// Chosen: the line names it.
    Named,
    /// Chosen: it is the first that serves the whole line.
    ServesWholeLine,
    /// Chosen: no location serves the whole line, and it is one of the first.
    ServesPart,
    /// Chosen: its priority comes first of those that have units.
    FirstByPriority,
    /// Chosen: it is the nearest of those that have units.
    Nearest,
    /// Chosen: it is one of the fewest that serve all lines.
    FewestLocations,
    /// Chosen: units on backorder wait there.
    AwaitsGoods,
    /// Passed over: the line names another one.
    OtherNamed,
    /// Passed over: no unit there is free.
    NothingFree,
    /// Passed over: what is free is held back as safety stock.
    HeldBack,
    /// Passed over: the line is served without it.
    NotNeeded,
}
