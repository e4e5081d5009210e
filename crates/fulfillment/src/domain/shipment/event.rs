//! What happens to a shipment. Stored for ever: a variant or field is only ever added.

use std::sync::Arc;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{CarrierId, LocationId, OrderId};
use crate::domain::order::{LineUnits, UnitsAt};

/// What happens to a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ShipmentEvent {
    /// It was planned: its carrier is to be asked.
    Planned(Planned),
    /// Somebody asks the carrier now. Recorded before the carrier hears of it: whatever happens to whoever asks, somebody
    /// knows that the carrier may have said yes.
    BookingStarted {
        /// Which attempt, from 1.
        attempt: u32,
        /// Who asks.
        by: Arc<str>,
        /// When the answer counts as lost.
        answer_by: Timestamp,
        /// From when on a carrier that does not know of it never will.
        settled_by: Timestamp,
    },
    /// The carrier takes it.
    Booked {
        /// The attempt.
        attempt: u32,
        /// The order.
        order_id: OrderId,
        /// The carrier.
        carrier: CarrierId,
        /// The carrier's number for it.
        tracking_number: Arc<str>,
    },
    /// The carrier was not reached: it is asked again later.
    BookingPostponed {
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: Arc<str>,
        /// When it is asked again.
        book_at: Timestamp,
    },
    /// The carrier's answer was lost.
    BookingUnknown {
        /// The attempt.
        attempt: u32,
        /// How.
        reason: Arc<str>,
        /// When the carrier is asked whether it has it.
        look_at: Timestamp,
    },
    /// Whether the carrier has it is not known yet: it could not say, or may still be taking it.
    LookedUp {
        /// The attempt.
        attempt: u32,
        /// When the carrier is asked again whether it has it.
        look_at: Timestamp,
    },
    /// The carrier does not have it, and never will: it can be asked anew.
    BookingAbsent {
        /// The attempt.
        attempt: u32,
        /// When it is asked anew.
        book_at: Timestamp,
    },
    /// The carrier does not take it.
    BookingFailed {
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: Arc<str>,
    },
    /// Somebody wants the carrier to be asked again.
    RebookRequested {
        /// When it is asked.
        book_at: Timestamp,
    },
    /// It has left the house.
    Dispatched {
        /// The order.
        order_id: OrderId,
        /// What has left.
        lines: Vec<UnitsAt>,
    },
    /// The carrier has told where it is.
    Tracked(Tracked),
    /// It has arrived.
    Delivered {
        /// The order.
        order_id: OrderId,
    },
    /// It could not be handed over.
    DeliveryFailed {
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
    /// It does not leave.
    Voided {
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
        /// When the carrier is told, if it may have been booked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cancel_at: Option<Timestamp>,
    },
    /// The carrier is to be told, at this time, that it does not leave.
    CancellationDue {
        /// When.
        cancel_at: Timestamp,
    },
    /// The carrier knows that it does not leave.
    CancellationConfirmed,
}

/// A shipment as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// The order.
    pub order_id: OrderId,
    /// Who is asked to take it.
    pub carrier: CarrierId,
    /// What was asked to be in it; all that was ready if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<LineUnits>,
    /// Where it was asked to leave from, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_from: Option<LocationId>,
    /// What is in it, all of one location.
    pub lines: Vec<UnitsAt>,
    /// Its boxes.
    pub packages: u32,
    /// When it was planned: the carrier is asked from then on.
    pub planned_at: Timestamp,
}

/// What the carrier tells of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    /// The carrier's name for this piece of news, unique in the shipment.
    pub event_id: Arc<str>,
    /// What it says.
    pub news: News,
    /// In the carrier's words, if it said more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Arc<str>>,
    /// When it happened, by the carrier's clock.
    pub happened_at: Timestamp,
}

/// What a piece of news says of a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum News {
    /// It is on its way.
    InTransit,
    /// It has arrived.
    Delivered,
    /// It could not be handed over.
    DeliveryFailed,
}
