//! Returns: what is to come back, and what came in which state.

use serde::{Deserialize, Serialize};

use crate::events::Disposition;

/// `POST /v1/returns`: announces that units come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestReturnRequest {
    /// The client's id for it.
    #[cfg_attr(feature = "openapi", schema(example = "return-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub return_id: String,
    /// The order.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub order_id: String,
    /// What is to come: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<ReturnLine>,
    /// Why, 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub reason: Option<String>,
}

/// Units of one line that are to come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReturnLine {
    /// The line of the order.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `POST /v1/returns/{returnId}/receive`: what came, after it was inspected. What is not named will not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveReturnRequest {
    /// What came: 1 to 2,000 entries. A line can stand in several, one for each state.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<ReceivedLine>,
}

/// Units of one line that came back in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceivedLine {
    /// The line of the order.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
    /// Where they are now.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: String,
    /// What becomes of them.
    pub disposition: Disposition,
}

/// A return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GoodsReturn {
    /// Its id.
    pub return_id: String,
    /// The order.
    pub order_id: String,
    /// Where it is: REQUESTED, RECEIVED or CANCELLED.
    pub status: String,
    /// What was to come.
    pub lines: Vec<ReturnLine>,
    /// What came.
    pub received: Vec<ReceivedLine>,
    /// Why, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was announced.
    pub requested_at: String,
}

/// What a command on a return answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReturnAccepted {
    /// The return.
    pub return_id: String,
    /// Where it is.
    pub status: String,
}
