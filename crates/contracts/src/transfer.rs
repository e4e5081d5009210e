//! Transfers: goods that go from one location to another, and are in transit in between.

use serde::{Deserialize, Serialize};

/// `POST /v1/transfers`: asks for goods at another location. Nothing moves yet, and nothing is held for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestTransfer {
    /// The client's id for it, which makes a retry safe.
    #[cfg_attr(feature = "openapi", schema(example = "move-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub transfer_id: String,
    /// Where the goods are.
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub from_location_id: String,
    /// Where they are to go.
    #[cfg_attr(feature = "openapi", schema(example = "berlin", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub to_location_id: String,
    /// What is to go: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<RequestTransferLine>,
}

/// One line that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestTransferLine {
    /// Its id, unique in the transfer; `1`, `2`, … by place unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: Option<String>,
    /// The SKU. Several lines may name the same one.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 20, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `POST /v1/transfers/{transferId}/ship`: all of it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShipTransfer {
    /// When it is expected where it goes.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-02T09:00:00.000Z"))]
    pub expected_at: String,
}

/// `POST /v1/transfers/{transferId}/receive`: goods of it have come, or are known to be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveTransfer {
    /// Which time that goods of it come: the client's id, unique in the transfer, which makes a retry safe.
    #[cfg_attr(feature = "openapi", schema(example = "van-1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub delivery_id: String,
    /// What became of which line: 1 to 2,000; all that is in transit has come unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<ReceiveTransferLine>>,
}

/// What became of units of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveTransferLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units that came, damaged ones among them; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 18, minimum = 0, maximum = 1_000_000_000))]
    pub quantity: Option<i64>,
    /// How many of them are damaged, 0 to `quantity`; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub damaged: Option<i64>,
    /// Units that were lost on the way, beside those that came; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub lost: Option<i64>,
}

/// A transfer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "move-7"))]
    pub transfer_id: String,
    /// Where it is in its life.
    pub state: TransferState,
    /// Where its goods were.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub from_location_id: String,
    /// Where they go.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub to_location_id: String,
    /// When they are expected, once they have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-02T09:00:00.000Z"))]
    pub expected_at: Option<String>,
    /// Its lines.
    pub lines: Vec<TransferLine>,
}

/// One line of a transfer, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TransferLine {
    /// Its id in the transfer.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units that are to go, or have gone.
    pub quantity: i64,
    /// Units in transit.
    pub in_transit: i64,
    /// Units that have come.
    pub received: i64,
    /// How many of them came damaged.
    pub damaged: i64,
    /// Units that were lost on the way.
    pub lost: i64,
}

/// Where a transfer is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransferState {
    /// Nothing of it has left.
    Requested,
    /// All of it is in transit.
    Shipped,
    /// Some of it has come or is lost, the rest is in transit.
    PartiallyReceived,
    /// All of it has come, or is known to be lost.
    Received,
    /// Nothing of it has left, and nothing will.
    Cancelled,
}
