//! What an evening tells others: the shapes they know, and which event becomes which.

use cqrs::{ContractEvent, Recorded, Unreadable};
use serde::{Deserialize, Serialize};

use super::evening::{Evening, EveningEvent, Part};

/// Asks whoever has it for a part, or for its cancellation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartOfEvening {
    pub(crate) evening: String,
    pub(crate) part: Part,
}

/// The type of a request.
pub(crate) const REQUESTED: &str = "evenings.part-requested.v1";

/// The type of a cancellation.
pub(crate) const CANCELLED: &str = "evenings.part-cancelled.v1";

/// Which events are requests to others. The rest is the evening's own business.
pub(crate) fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    let Some(happened) = event.as_event_of::<Evening>()? else { return Ok(None) };
    let (kind, part) = match *happened {
        EveningEvent::Requested { part, .. } => (REQUESTED, part),
        EveningEvent::CancelRequested { part } => (CANCELLED, part),
        EveningEvent::Confirmed { .. } | EveningEvent::Refused { .. } | EveningEvent::TimedOut { .. } => {
            return Ok(None);
        }
    };
    let evening = event.stream.id();
    ContractEvent::new(event, kind, evening, evening, &PartOfEvening { evening: evening.into(), part }).map(Some)
}
