//! A reservation by its id, read from its own stream: no view has to catch up first.

use cqrs::{Query, QueryError, ReadSide, Version};

use crate::domain::ids::ReservationId;
use crate::domain::reservation::{Reservation, ReservationView};

/// Asks for one reservation.
#[derive(Clone, Debug)]
pub struct ReservationById {
    /// Its id.
    pub reservation_id: ReservationId,
}

/// A reservation as of now. A tombstone has no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundReservation {
    /// The reservation.
    pub reservation: ReservationView,
    /// The version of its stream.
    pub version: Version,
}

impl Query for ReservationById {
    const NAME: &'static str = "reservation-by-id";
    /// None if nobody ever named it.
    type Answer = Option<FoundReservation>;

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundReservation>, QueryError> {
        let (found, version) = read.state(&Reservation::stream(&self.reservation_id)).await?;
        let view = || FoundReservation { reservation: found.view(&self.reservation_id, read.now()), version };
        Ok(found.exists().then(view))
    }
}
