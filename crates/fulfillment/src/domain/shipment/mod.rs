//! A shipment: ready units of one order that leave together. Its carrier is booked exactly once.

pub mod dispatch;
mod event;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod plan;
pub mod rebook;
pub mod record_booking;
pub mod record_cancellation;
pub mod record_lookup;
pub mod start_booking;
mod status;
pub mod track;
pub mod void;

use std::sync::Arc;

use cqrs::{Aggregate, States, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{OrderId, ShipmentId};
pub use event::{News, Planned, ShipmentEvent, Tracked};
pub use status::{ShipmentStatus, WrongShipmentTransition};

/// The most boxes of one shipment.
pub const PACKAGES_MAX: u32 = 1_000;

/// The most shipments of one order, voided ones left out.
pub const SHIPMENTS_MAX: usize = 1_000;

/// The most pieces of news of one shipment.
pub const TRACKED_MAX: usize = 500;

/// How often a carrier in a row can be unreachable before somebody has to look at it.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Why an answer counts as lost though nobody said so.
const NOBODY_TOLD: &str = "nobody has recorded the answer in time";

/// Why a command on a shipment is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipmentRejection {
    /// No such shipment.
    #[error("shipment {shipment_id} does not exist")]
    UnknownShipment {
        /// The id.
        shipment_id: ShipmentId,
    },
    /// It cannot become that from where it is.
    #[error(transparent)]
    WrongTransition(WrongShipmentTransition),
    /// The carrier has told too much of it.
    #[error("a shipment has at most {TRACKED_MAX} pieces of news")]
    TooMuchNews,
    /// Another piece of news has this id.
    #[error("the news {event_id} was told before with other content")]
    IdConflict {
        /// The id.
        event_id: Arc<str>,
    },
}

impl ShipmentRejection {
    fn wrong(shipment: &Shipment, to: ShipmentStatus) -> Self {
        Self::WrongTransition(WrongShipmentTransition::new(shipment.status, to))
    }
}

/// One shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    planned: Option<Arc<Planned>>,
    status: ShipmentStatus,
    /// The last attempt to book it.
    attempt: u32,
    /// Attempts since somebody last wanted it booked.
    tried: u32,
    /// Lookups in a row that did not settle whether the carrier has it.
    lookups: u32,
    /// Since when on the carrier's answer to the last attempt is settled.
    settled_by: Timestamp,
    /// When somebody has to talk to the carrier next.
    work_at: Option<Timestamp>,
    tracking_number: Option<Arc<str>>,
    tracked: Vec<Tracked>,
    /// Why the last thing that went wrong did.
    reason: Option<Arc<str>>,
}

impl Shipment {
    /// The stream of shipment `id`, which exists.
    #[must_use]
    pub fn stream(id: &ShipmentId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// The stream of shipment `id` of `order`, made beside its order: what concerns one order stays in order.
    #[must_use]
    pub fn stream_of(id: &ShipmentId, order: &OrderId) -> Stream<Self> {
        Stream::in_partition_of(id.as_str(), order)
    }

    /// How it was planned; none if there is no such shipment.
    #[must_use]
    pub fn planned(&self) -> Option<&Planned> {
        self.planned.as_deref()
    }

    /// Where it is.
    #[must_use]
    pub fn status(&self) -> ShipmentStatus {
        self.status
    }

    /// The number of the last attempt to book it; 0 before the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Attempts since somebody last wanted it booked.
    #[must_use]
    pub fn tried(&self) -> u32 {
        self.tried
    }

    /// Lookups in a row that did not settle whether the carrier has it.
    #[must_use]
    pub fn lookups(&self) -> u32 {
        self.lookups
    }

    /// When somebody has to talk to its carrier next: to book it, to look a booking up, to take one back.
    #[must_use]
    pub fn work_at(&self) -> Option<Timestamp> {
        self.work_at
    }

    /// The carrier's number for it, if it is booked.
    #[must_use]
    pub fn tracking_number(&self) -> Option<&str> {
        self.tracking_number.as_deref()
    }

    /// What the carrier has told of it, as it was heard.
    #[must_use]
    pub fn tracked(&self) -> &[Tracked] {
        &self.tracked
    }

    /// Why the last thing that went wrong did.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether `attempt` is the last one and nothing is known of its outcome.
    fn awaits(&self, attempt: u32) -> bool {
        self.attempt == attempt && matches!(self.status, ShipmentStatus::Booking | ShipmentStatus::BookingUnknown)
    }

    /// The shipment in its stream, and how it was planned.
    fn known(id: &ShipmentId, states: &States<'_>) -> Result<(Arc<Self>, Arc<Planned>), ShipmentRejection> {
        let shipment = states.of(&Self::stream(id));
        match shipment.planned.clone() {
            Some(planned) => Ok((shipment, planned)),
            None => Err(ShipmentRejection::UnknownShipment { shipment_id: id.clone() }),
        }
    }

    fn set(&mut self, status: ShipmentStatus, work_at: Option<Timestamp>) {
        self.status = status;
        self.work_at = work_at;
    }

    fn fails(&mut self, status: ShipmentStatus, reason: Option<&Arc<str>>, work_at: Option<Timestamp>) {
        self.set(status, work_at);
        self.reason = reason.cloned();
    }
}

impl Aggregate for Shipment {
    const KIND: &'static str = "shipment";
    type Event = ShipmentEvent;

    fn apply(&mut self, event: &ShipmentEvent) {
        use ShipmentStatus as S;
        match event {
            ShipmentEvent::Planned(planned) => {
                self.set(S::Planned, Some(planned.planned_at));
                self.planned = Some(Arc::new(planned.clone()));
            }
            ShipmentEvent::BookingStarted { attempt, answer_by, settled_by, .. } => {
                self.set(S::Booking, Some(*answer_by));
                (self.attempt, self.settled_by, self.lookups) = (*attempt, *settled_by, 0);
                self.tried += 1;
            }
            ShipmentEvent::Booked { tracking_number, .. } => {
                self.fails(S::Booked, None, None);
                self.tracking_number = Some(Arc::clone(tracking_number));
            }
            ShipmentEvent::BookingPostponed { reason, book_at, .. } => {
                self.fails(S::Planned, Some(reason), Some(*book_at));
            }
            ShipmentEvent::BookingUnknown { reason, look_at, .. } => {
                self.fails(S::BookingUnknown, Some(reason), Some(*look_at));
            }
            ShipmentEvent::LookedUp { look_at, .. } => {
                self.set(S::BookingUnknown, Some(*look_at));
                self.lookups += 1;
            }
            ShipmentEvent::BookingAbsent { book_at, .. } => self.set(S::Planned, Some(*book_at)),
            ShipmentEvent::BookingFailed { reason, .. } => self.fails(S::BookingFailed, Some(reason), None),
            ShipmentEvent::RebookRequested { book_at } => {
                self.fails(S::Planned, None, Some(*book_at));
                self.tried = 0;
            }
            ShipmentEvent::Dispatched { .. } => self.set(S::Dispatched, None),
            ShipmentEvent::Tracked(tracked) => {
                // News can come late: what has arrived is on its way no more.
                if tracked.news == News::InTransit && self.status.next().contains(&S::InTransit) {
                    self.status = S::InTransit;
                }
                self.tracked.push(tracked.clone());
            }
            ShipmentEvent::Delivered { .. } => self.fails(S::Delivered, None, None),
            ShipmentEvent::DeliveryFailed { reason } => self.fails(S::DeliveryFailed, reason.as_ref(), None),
            ShipmentEvent::Voided { reason, cancel_at } => self.fails(S::Voided, reason.as_ref(), *cancel_at),
            ShipmentEvent::CancellationDue { cancel_at } => self.work_at = Some(*cancel_at),
            ShipmentEvent::CancellationConfirmed => self.work_at = None,
        }
    }

    /// Whoever asked the carrier is gone, or stuck: its answer counts as lost. It is never asked again blindly.
    fn due(&self, at: Timestamp) -> Option<ShipmentEvent> {
        let answer_by = self.work_at.filter(|_| self.status == ShipmentStatus::Booking)?;
        let late = answer_by <= at;
        late.then(|| ShipmentEvent::BookingUnknown {
            attempt: self.attempt,
            reason: NOBODY_TOLD.into(),
            look_at: answer_by,
        })
    }
}
