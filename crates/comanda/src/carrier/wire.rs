//! The JSON that client and stand-in exchange.

use serde::{Deserialize, Serialize};

/// The code of a 404 that says that there is no such booking. Another 404 may come from anybody on the way.
pub(super) const UNKNOWN_CONSIGNMENT: &str = "UNKNOWN_CONSIGNMENT";

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConsignmentRequest {
    /// The carrier.
    pub(super) carrier: String,
    /// Boxes in it.
    pub(super) packages: u32,
}

/// What was agreed to. A carrier may say more than that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsignmentAnswer {
    /// The carrier's number for it.
    pub(super) tracking_number: String,
}

/// What was not agreed to, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Refusal {
    /// A stable code.
    pub(super) code: String,
    /// A sentence.
    pub(super) detail: String,
}
