//! Reservations: stock held for one owner, line by line.
//!
//! ```
//! let request: comanda_contracts::ReserveRequest =
//!     serde_json::from_str(r#"{"reservationId":"cart-7","lines":[{"sku":"TEA-01","quantity":2}]}"#).unwrap();
//! assert_eq!(request.lines[0].quantity, 2);
//! ```

use serde::{Deserialize, Serialize};

use crate::sourcing::{Coordinates, LineSourcing, SourcingStrategy};

/// `POST /v1/reservations`: holds stock. The same id with the same body gives the same answer again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveRequest {
    /// The client's id for it, which makes a retry safe; made by the server unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "cart-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub reservation_id: Option<String>,
    /// What to hold: 1 to 2,000 lines.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Vec<ReserveLine>,
    /// Seconds until the hold ends by itself, 1 to 604,800 (a week); 900 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 604_800))]
    pub ttl_seconds: Option<i64>,
    /// Whether to hold what is there when a line is short; otherwise it is all or nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_partial: bool,
    /// Whom it is for, such as a customer or a session, if that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "customer-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub owner: Option<String>,
    /// How locations are chosen for lines that name none; unless given, one that serves the whole line, `main` before
    /// others, then by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<SourcingStrategy>,
    /// Where the goods go; needed by `NEAREST`, and by no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Coordinates>,
    /// Whether the first answer says in `sourcing` why each location was chosen or passed over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explain: bool,
}

/// One line of a reservation, as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveLine {
    /// Its id, unique in the reservation; `1`, `2`, … by place unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: Option<String>,
    /// The SKU. Several lines may name the same one.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub sku: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 2, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
    /// The location it must come from; chosen by the server unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "main", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
}

/// `POST /v1/reservations/{id}/extend`: lets the hold last longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtendRequest {
    /// Seconds from now until it ends by itself, 1 to 604,800.
    #[cfg_attr(feature = "openapi", schema(example = 900, minimum = 1, maximum = 604_800))]
    pub ttl_seconds: i64,
}

/// `POST /v1/reservations/{id}/transfer`: gives the reservation to another owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferRequest {
    /// Whom it is for from now on.
    #[cfg_attr(feature = "openapi", schema(example = "customer-8", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub owner: String,
}

/// `POST /v1/reservations/{id}/consume`: the goods have left. Without a body, all that is left of the reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumeRequest {
    /// What has left; all that is left unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<ConsumeLine>>,
}

/// One line of which some units have left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumeLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000, at most what the line still holds.
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// A reservation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "cart-7"))]
    pub reservation_id: String,
    /// Where it is in its life.
    pub state: ReservationState,
    /// When it ends, or ended, by itself; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub expires_at: Option<String>,
    /// Whom it is for, if anybody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "customer-7"))]
    pub owner: Option<String>,
    /// Its lines.
    pub lines: Vec<ReservationLine>,
    /// Why its lines are served from where they are: in the answer that decided it, if `explain` asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sourcing: Vec<LineSourcing>,
}

/// One line of a reservation, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReservationLine {
    /// Its id in the reservation.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// The SKU.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Units asked for.
    pub requested: i64,
    /// Units held, reserved or committed: 0 once the reservation is released or expired.
    pub held: i64,
    /// How many of the held units were not there when they were promised: they wait for goods that are to come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backordered: i64,
    /// Where the held units are.
    pub allocations: Vec<Allocation>,
    /// Units that have left.
    pub consumed: i64,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

/// Units of one line at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// The location.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units.
    pub quantity: i64,
}

/// `GET /v1/reservations`: a hold that ends by itself, as an item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpiringHold {
    /// The reservation; absent for holds that are only counted, where more than a thousand end at one instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "cart-7"))]
    pub reservation_id: Option<String>,
    /// Its line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: Option<String>,
    /// What is held.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// Where.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// How many units.
    pub quantity: i64,
    /// When they come back.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub expires_at: String,
    /// Whom it is for, if anybody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "customer-7"))]
    pub owner: Option<String>,
}

/// Where a reservation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationState {
    /// All that was asked for is reserved.
    Held,
    /// Some of what was asked for is reserved.
    PartiallyHeld,
    /// Committed: it does not expire any more.
    Confirmed,
    /// Some of it has left.
    PartiallyConsumed,
    /// All of it has left.
    Consumed,
    /// Given back.
    Released,
    /// An order asked for it and was refused: it holds nothing.
    Rejected,
    /// Its time is over.
    Expired,
}
