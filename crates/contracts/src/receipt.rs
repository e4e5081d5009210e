//! Receipts: goods of suppliers that are to come, or have come; and all that is to come of a SKU.
//!
//! ```
//! use comanda_contracts::{CreateReceipt, ReceiptOpening};
//!
//! let announced: CreateReceipt = serde_json::from_str(
//!     r#"{"receiptId":"po-17","state":"EXPECTED","expectedAt":"2026-03-01T09:00:00Z","lines":[{"sku":"TEA-01","quantity":500}]}"#,
//! ).unwrap();
//! assert_eq!((announced.state, announced.lines[0].quantity), (ReceiptOpening::Expected, 500));
//! ```

use serde::{Deserialize, Serialize};

/// `POST /v1/receipts`: announces goods, or books goods in that nobody had announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateReceipt {
    /// The client's id for it, which makes a retry safe.
    #[cfg_attr(feature = "openapi", schema(example = "po-17", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub receipt_id: String,
    /// Whether the goods are to come, or have come.
    pub state: ReceiptOpening,
    /// Where they come; `main` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// What the supplier calls it, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub supplier_reference: Option<String>,
    /// When lines are expected that say nothing else; only with `state` EXPECTED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub expected_at: Option<String>,
    /// What comes: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<CreateReceiptLine>,
}

/// How a receipt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptOpening {
    /// The goods are to come.
    Expected,
    /// They have come, unannounced, and are on hand.
    Received,
}

/// One line of a receipt, as it is announced or booked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateReceiptLine {
    /// Its id, unique in the receipt; `1`, `2`, … by place unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: Option<String>,
    /// The SKU. Several lines may name the same one.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 500, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
    /// When they are expected; only with `state` EXPECTED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub expected_at: Option<String>,
    /// How many of them came damaged, 0 to `quantity`; only with `state` RECEIVED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub damaged: Option<i64>,
}

/// `POST /v1/receipts/{receiptId}/receive`: goods of it have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveGoods {
    /// Which time that goods of it come: the client's id, unique in the receipt, which makes a retry safe.
    #[cfg_attr(feature = "openapi", schema(example = "truck-1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub delivery_id: String,
    /// What came: 1 to 2,000 lines; all that is still to come unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<ReceiveGoodsLine>>,
}

/// Units of one line that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveGoodsLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000, damaged ones among them.
    #[cfg_attr(feature = "openapi", schema(example = 480, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
    /// How many of them are damaged, 0 to `quantity`; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub damaged: Option<i64>,
}

/// `POST /v1/receipts/{receiptId}/reschedule`: what has not come yet is expected at another time. Either `expectedAt`, for
/// all of it, or `lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescheduleReceipt {
    /// When all that has not come yet is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-08T09:00:00.000Z"))]
    pub expected_at: Option<String>,
    /// When these lines are expected: 1 to 2,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<RescheduleLine>>,
}

/// A line that is expected at another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescheduleLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// When it is expected now.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-08T09:00:00.000Z"))]
    pub expected_at: String,
}

/// A receipt as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "po-17"))]
    pub receipt_id: String,
    /// Where it is in its life.
    pub state: ReceiptState,
    /// Where its goods come.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// What the supplier calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_reference: Option<String>,
    /// Its lines.
    pub lines: Vec<ReceiptLine>,
}

/// One line of a receipt, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiptLine {
    /// Its id in the receipt.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units that were announced; 0 if they came unannounced.
    pub expected: i64,
    /// When what has not come yet is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub expected_at: Option<String>,
    /// Units that have come.
    pub received: i64,
    /// How many of them came damaged.
    pub damaged: i64,
    /// Units that are still to come: 0 once the receipt is cancelled or closed.
    pub outstanding: i64,
}

/// Where a receipt is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptState {
    /// Nothing of it has come yet.
    Expected,
    /// Some of it has come.
    PartiallyReceived,
    /// All of it has come.
    Received,
    /// Nothing of it will come.
    Cancelled,
    /// Some of it has come, and the rest will not.
    Closed,
}

/// `GET /v1/incoming`: units of one line that are to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IncomingUnits {
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Where they are to come.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// When; what is late is listed too.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:00:00.000Z"))]
    pub expected_at: String,
    /// How many.
    pub quantity: i64,
    /// The receipt that brings them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    /// The transfer that brings them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<String>,
    /// The line of it.
    pub line_id: String,
}
