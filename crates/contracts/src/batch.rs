//! Batches: many reservations in one request, each with an outcome of its own.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::reservation::{Reservation, ReservationState, ReserveRequest};

/// `POST /v1/reservations:batch`: reserves many times at once. One item's refusal never touches another item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchRequest {
    /// 1 to 1,000 reservations, at most 2,000 lines in all.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub reservations: Vec<ReserveRequest>,
}

/// The answer to a batch: one outcome per item, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// How many items were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub rejected: u64,
    /// One per item, in the order asked.
    pub outcomes: Vec<BatchOutcome>,
}

/// What became of one item of a batch: `reservation` and its `state`, or `problem`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BatchOutcome {
    /// The item's place in the request, from 0.
    pub index: u64,
    /// The HTTP status it would have had on its own.
    pub status: u16,
    /// The reservation's id, the client's or the one the server made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// The reservation's state, if it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ReservationState>,
    /// Whether it had been accepted before and this is the same answer again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The reservation, if it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// Why it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}
