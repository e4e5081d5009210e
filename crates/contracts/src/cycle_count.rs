//! Cycle counts: units are counted, differences looked at, and the books follow.
//!
//! ```
//! use comanda_contracts::RequestCountRequest;
//!
//! let count = r#"{"countId":"count-7","locationId":"berlin","bins":["A-01"],"by":"mia"}"#;
//! assert_eq!(serde_json::from_str::<RequestCountRequest>(count).unwrap().bins, ["A-01"]);
//! ```

use serde::{Deserialize, Serialize};

/// `POST /v1/counts`: asks for a count. The same id with the same body gives the same answer again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestCountRequest {
    /// The client's id for it; made by the server unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "count-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub count_id: Option<String>,
    /// The location; `main` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "berlin", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// SKUs to count: with what lies in `bins` 1 to 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 500))]
    pub skus: Vec<String>,
    /// Bins whose SKUs are to be counted; a zone, aisle or bay stands for all bins in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 100, example = json!(["A-01"])))]
    pub bins: Vec<String>,
    /// The largest difference, in units of one SKU, that whoever counted may review; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub tolerance: Option<i64>,
    /// Who asks: told from the credential where there is one, needed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "mia", max_length = 512))]
    pub by: Option<String>,
}

/// `POST /v1/counts/{countId}/record`: what was there, all SKUs of the count or some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordCountRequest {
    /// Who counted: told from the credential where there is one, needed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "tom", max_length = 512))]
    pub by: Option<String>,
    /// What was there: 1 to 500 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub lines: Vec<CountedLine>,
}

/// Units of one SKU that were there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountedLine {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// All units there, whatever their condition and whoever they are promised to: 0 to 1,000,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 498, minimum = 0, maximum = 1_000_000_000_000i64))]
    pub quantity: i64,
}

/// `POST /v1/counts/{countId}/recount`: SKUs are to be counted once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecountRequest {
    /// Who asks: told from the credential where there is one, needed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "mia", max_length = 512))]
    pub by: Option<String>,
    /// Which SKUs; all of the count unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub skus: Option<Vec<String>>,
}

/// `POST /v1/counts/{countId}/review` and `/apply`: who does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountActRequest {
    /// Who: told from the credential where there is one, needed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "mia", max_length = 512))]
    pub by: Option<String>,
}

/// `POST /v1/counts/{countId}/cancel`: nothing follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelCountRequest {
    /// Who: told from the credential where there is one, needed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "mia", max_length = 512))]
    pub by: Option<String>,
    /// Why, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A count as whoever counts sees it: what the books expect is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "count-7"))]
    pub count_id: String,
    /// Where it is counted.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Where it is in its life.
    pub state: CountState,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Who found its differences right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
    /// Its SKUs, in the order of a walk through the bins.
    pub lines: Vec<CountLine>,
}

/// One SKU of a count as whoever counts sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CountLine {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The bin it lay in when the count was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-01-03-2"))]
    pub bin: Option<String>,
    /// Units counted, if it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<i64>,
    /// Who counted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_by: Option<String>,
    /// How often it was counted.
    pub rounds: u32,
}

/// `GET /v1/counts/{countId}/differences`: a count as whoever reviews it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CountDifferences {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "count-7"))]
    pub count_id: String,
    /// Where it is counted.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Where it is in its life.
    pub state: CountState,
    /// The largest difference that whoever counted may review.
    pub tolerance: i64,
    /// Whether somebody who did not count must review it.
    pub needs_another_reviewer: bool,
    /// Who found its differences right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
    /// SKU by SKU, in the order of the count.
    pub lines: Vec<CountDifference>,
}

/// What was found of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CountDifference {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The bin it lay in when the count was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-01-03-2"))]
    pub bin: Option<String>,
    /// Units on hand by the books when the count was asked for.
    pub expected: i64,
    /// Units on hand by the books when it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked: Option<i64>,
    /// Units counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<i64>,
    /// Units counted beyond (negative: short of) what was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<i64>,
    /// Who counted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_by: Option<String>,
    /// Units that came or went between the count and its application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_since: Option<i64>,
    /// Units on hand after it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hand: Option<i64>,
}

/// `GET /v1/counts`: a count as an item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CountSummary {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "count-7"))]
    pub count_id: String,
    /// Where it is counted.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub location_id: String,
    /// Where it is in its life.
    pub state: CountState,
    /// SKUs to count.
    pub lines: u64,
    /// SKUs counted.
    pub counted: u64,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub requested_at: String,
    /// When something last happened to it.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub updated_at: String,
}

/// Where a count is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CountState {
    /// Something is still to be counted.
    Requested,
    /// All is counted.
    Counted,
    /// The differences were found right.
    Reviewed,
    /// The books have followed.
    Applied,
    /// Nothing follows from it.
    Cancelled,
}
