//! The ledger: every change of a SKU's stock, for good.

use serde::{Deserialize, Serialize};

use crate::adjustment::ReasonCode;

/// `GET /v1/stock/{sku}/ledger`: one stock movement, newest first in the list.
///
/// The sums of the deltas of all entries of a SKU are its counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The version of the SKU's stock that it made. Movements that happened at once share it.
    pub version: u64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub at: String,
    /// What kind of movement.
    pub movement: Movement,
    /// Where.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units added to (negative: taken from) what is on hand.
    pub on_hand_delta: i64,
    /// Units added to what is reserved.
    pub reserved_delta: i64,
    /// Units added to what is committed.
    pub committed_delta: i64,
    /// Units added to what is damaged.
    #[serde(default)]
    pub damaged_delta: i64,
    /// Units added to what is to come there.
    #[serde(default)]
    pub incoming_delta: i64,
    /// Why, for adjustments, receipts and returns.
    /// Units added to what is in quality control.
    #[serde(default)]
    pub quality_control_delta: i64,
    /// Why, for adjustments, receipts, returns and changes of condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_uri: Option<String>,
    /// The reservation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// The reservation's line it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
    /// Whom the units are for from then on, where they were held for somebody or changed hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The id that ties it to the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// What kind of stock movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Movement {
    /// On hand changed for the reason given.
    Adjusted,
    /// Goods came in.
    Replenished,
    /// Units were reserved.
    Held,
    /// Reserved units became committed ones.
    Confirmed,
    /// Units were committed to an order at once.
    Committed,
    /// Held units were given back.
    Released,
    /// Reserved units came back because their time was over.
    Expired,
    /// Committed units left.
    Consumed,
    /// Sold goods came back; `reasonCode` says what became of them.
    Returned,
    /// Goods of a supplier are to come.
    Expected,
    /// They are not expected any more, or not at that time.
    Withdrawn,
    /// Goods of a supplier came in.
    Received,
    /// Units left for another location (`onHandDelta`), and are to come there (`incomingDelta`).
    TransferShipped,
    /// Units of a transfer came in.
    TransferReceived,
    /// Units in transit are lost.
    LostInTransit,
    /// Units changed their condition: the deltas say from which to which.
    Regraded,
    /// Units were thrown away.
    Scrapped,
    /// Units went back to whom they were bought from.
    ReturnedToSupplier,
    /// Held or committed units are for another owner: no counter changes.
    Transferred,
}
