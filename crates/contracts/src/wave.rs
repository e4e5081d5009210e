//! Waves: pick lists of one location that are released and picked together.

use serde::{Deserialize, Serialize};

/// `POST /v1/waves`: releases pick lists together. The same id with the same lists gives the same answer again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseWaveRequest {
    /// The client's id for it, which makes a retry safe; made by the server unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "wave-3", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub wave_id: Option<String>,
    /// Where it is picked.
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: String,
    /// The lists: 1 to 200, all of that location.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200, example = json!(["order-7~1~main"]), value_type = Vec<crate::PickListIdText>))]
    pub pick_list_ids: Vec<String>,
}

/// A wave after it was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaveReleased {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "wave-3"))]
    pub wave_id: String,
    /// Its lists.
    pub pick_list_ids: Vec<String>,
    /// The lists that could not be released with it.
    pub left_out: Vec<LeftOutOfWave>,
}

/// A pick list that could not be released with a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LeftOutOfWave {
    /// The list.
    #[cfg_attr(feature = "openapi", schema(example = "order-8~1~main"))]
    pub pick_list_id: String,
    /// Why: NOTHING_TO_PICK, ORDER_ON_HOLD, RELEASED_BEFORE or WAVE_FULL.
    #[cfg_attr(feature = "openapi", schema(example = "ORDER_ON_HOLD"))]
    pub reason: String,
}

/// A wave on the board: how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaveSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "wave-3"))]
    pub wave_id: String,
    /// Where it is picked.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Where it is: RELEASED, IN_PROGRESS, COMPLETED or CANCELLED.
    #[cfg_attr(feature = "openapi", schema(example = "IN_PROGRESS"))]
    pub status: String,
    /// When it was released.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T10:00:00.000Z"))]
    pub released_at: String,
    /// Pick lists of which nothing is done yet.
    pub released: i64,
    /// Pick lists that are being picked.
    pub in_progress: i64,
    /// Pick lists of which nothing is left to do.
    pub completed: i64,
    /// Pick lists that their orders did not want any more.
    pub cancelled: i64,
    /// Units in all.
    pub quantity: i64,
    /// Units picked.
    pub picked: i64,
    /// Units that were not there.
    pub short: i64,
}

/// `GET /v1/waves/{id}`: a wave, and what is to be picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    /// How far it has come.
    pub summary: WaveSummary,
    /// The lists that could not be released with it.
    pub left_out: Vec<LeftOutOfWave>,
    /// One stop for each SKU and bin, in the order of the route.
    pub stops: Vec<WaveStop>,
}

/// One stop of a picker who picks for many orders at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaveStop {
    /// What to pick.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The bin, `zone-aisle-bay-level`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-12-3-1"))]
    pub bin: Option<String>,
    /// Units in all.
    #[cfg_attr(feature = "openapi", schema(example = 9))]
    pub quantity: i64,
    /// Units still to be picked.
    #[cfg_attr(feature = "openapi", schema(example = 9))]
    pub open: i64,
    /// Which units are whose.
    pub split: Vec<WaveShare>,
}

/// The units of a stop that one task takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaveShare {
    /// The pick list.
    #[cfg_attr(feature = "openapi", schema(example = "order-7~1~main"))]
    pub pick_list_id: String,
    /// Its task.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub task_id: String,
    /// Units in all.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub quantity: i64,
    /// Units still to be picked.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub open: i64,
}
