//! Where a shipment is, and where it can come from there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a shipment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentStatus {
    /// Its carrier is to be asked, for the first time or again.
    #[default]
    Planned,
    /// Its carrier is being asked.
    Booking,
    /// Its carrier takes it.
    Booked,
    /// Its carrier was asked, and the answer was lost.
    BookingUnknown,
    /// Its carrier does not take it.
    BookingFailed,
    /// It has left the house.
    Dispatched,
    /// Its carrier has told that it is on its way.
    InTransit,
    /// It has arrived.
    Delivered,
    /// It could not be handed over.
    DeliveryFailed,
    /// It does not leave.
    Voided,
}

/// The shipment cannot become that any more, or not yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shipment that is {from} cannot become {to}")]
pub struct WrongShipmentTransition {
    /// What it is.
    pub from: ShipmentStatus,
    /// What it should have become.
    pub to: ShipmentStatus,
    /// What it can become.
    pub allowed: &'static [ShipmentStatus],
}

impl WrongShipmentTransition {
    /// The refusal to make a shipment that is `from` become `to`.
    #[must_use]
    pub fn new(from: ShipmentStatus, to: ShipmentStatus) -> Self {
        Self { from, to, allowed: from.next() }
    }
}

impl ShipmentStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Booking,
        Self::Booked,
        Self::BookingUnknown,
        Self::BookingFailed,
        Self::Dispatched,
        Self::InTransit,
        Self::Delivered,
        Self::DeliveryFailed,
        Self::Voided,
    ];

    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "PLANNED",
            Self::Booking => "BOOKING",
            Self::Booked => "BOOKED",
            Self::BookingUnknown => "BOOKING_UNKNOWN",
            Self::BookingFailed => "BOOKING_FAILED",
            Self::Dispatched => "DISPATCHED",
            Self::InTransit => "IN_TRANSIT",
            Self::Delivered => "DELIVERED",
            Self::DeliveryFailed => "DELIVERY_FAILED",
            Self::Voided => "VOIDED",
        }
    }

    /// What a shipment can become from here.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        use ShipmentStatus as S;
        match self {
            S::Planned => &[S::Booking, S::Voided],
            S::Booking => &[S::Planned, S::Booked, S::BookingUnknown, S::BookingFailed, S::Voided],
            S::BookingUnknown => &[S::Planned, S::Booked, S::BookingFailed, S::Voided],
            S::BookingFailed => &[S::Planned, S::Voided],
            S::Booked => &[S::Dispatched, S::Voided],
            S::Dispatched | S::DeliveryFailed => &[S::InTransit, S::Delivered, S::DeliveryFailed],
            S::InTransit => &[S::Delivered, S::DeliveryFailed],
            S::Delivered | S::Voided => &[],
        }
    }
}

impl fmt::Display for ShipmentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
