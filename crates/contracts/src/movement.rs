//! Movements by reason: what moved, over all SKUs, and sums of it by day.

use serde::{Deserialize, Serialize};

use crate::adjustment::ReasonCode;
use crate::ledger::Movement;

/// `GET /v1/stock/movements`: one stock movement that has a reason, the oldest first in the list.
///
/// What reservations do has no reason code: it is in each SKU's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StockMovement {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The version of the SKU's stock that it made.
    pub version: u64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub at: String,
    /// What kind of movement.
    pub movement: Movement,
    /// Where.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Why.
    pub reason_code: ReasonCode,
    /// Units added to (negative: taken from) what is on hand.
    pub on_hand_delta: i64,
    /// Units added to (negative: taken from) what is damaged.
    pub damaged_delta: i64,
    /// Units added to (negative: taken from) what is in quality control.
    #[serde(default)]
    pub quality_control_delta: i64,
    /// Units added to what is to come there.
    pub incoming_delta: i64,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_uri: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// `GET /v1/stock/movements/sums`: what moved for each reason on each day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MovementSums {
    /// By day and then by reason; days and reasons without a movement are left out.
    pub sums: Vec<MovementSum>,
}

/// What moved for a reason on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MovementSum {
    /// The day, in UTC.
    #[cfg_attr(feature = "openapi", schema(format = "date", example = "2026-03-01"))]
    pub day: String,
    /// The reason.
    pub reason_code: ReasonCode,
    /// How many movements.
    pub movements: i64,
    /// Units added to what is on hand.
    pub on_hand_in: i64,
    /// Units taken from what is on hand.
    pub on_hand_out: i64,
    /// Units added to (negative: taken from) what is damaged.
    pub damaged_delta: i64,
    /// Units added to (negative: taken from) what is in quality control.
    #[serde(default)]
    pub quality_control_delta: i64,
    /// Units added to (negative: taken from) what is to come.
    pub incoming_delta: i64,
}
