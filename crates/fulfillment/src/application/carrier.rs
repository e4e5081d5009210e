//! The carrier port: whoever takes shipments. Asked over a network that can time out after saying yes.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::ids::{CarrierId, ShipmentId};

/// What a carrier is asked to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consignment {
    /// The carrier.
    pub carrier: CarrierId,
    /// Our reference, the carrier's key for it: the shipment's id. A carrier takes one consignment per reference.
    pub reference: ShipmentId,
    /// Boxes in it.
    pub packages: u32,
}

/// What a carrier has agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The carrier's number for it.
    pub tracking_number: String,
}

/// Why a carrier did not agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// The carrier has refused, for good.
    #[error("the carrier refuses: {0}")]
    Refused(String),
    /// Nothing was asked of it (no connection, an open circuit breaker): asking later is safe.
    #[error("the carrier was not reached: {reason}")]
    NotReached {
        /// Why.
        reason: String,
        /// When to ask again, if the carrier said so.
        retry_after: Option<Duration>,
    },
    /// It was asked, and the answer was lost: look it up by reference, never ask again blindly.
    #[error("it is not known whether the carrier agreed: {0}")]
    Unknown(String),
}

/// Whoever delivers shipments.
///
/// # Contract
/// * [`book`](Carrier::book) MUST say [`CarrierError::NotReached`] only if the request cannot have reached the carrier.
/// * [`find`](Carrier::find) MUST see every booking that a `book` with an unknown outcome has made, once the carrier answers.
///
/// ```
/// use comanda_fulfillment::application::carrier::{Booking, Carrier, CarrierError, Consignment};
///
/// /// Books `consignment`, whose last attempt may have had its answer lost: looked up first, so never booked twice.
/// async fn again(carrier: &dyn Carrier, consignment: &Consignment) -> Result<Booking, CarrierError> {
///     match carrier.find(&consignment.carrier, &consignment.reference).await? {
///         Some(booked) => Ok(booked),
///         None => carrier.book(consignment).await,
///     }
/// }
/// # let _ = again;
/// ```
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Asks the carrier to take a consignment. Never called twice for one reference without a [`find`](Carrier::find) between
    /// that found nothing.
    ///
    /// # Errors
    /// [`CarrierError`]
    async fn book(&self, consignment: &Consignment) -> Result<Booking, CarrierError>;

    /// The booking under `reference`, if the carrier has one.
    ///
    /// # Errors
    /// [`CarrierError`]
    async fn find(&self, carrier: &CarrierId, reference: &ShipmentId) -> Result<Option<Booking>, CarrierError>;

    /// Takes a booking back. One that is not there counts as taken back.
    ///
    /// # Errors
    /// [`CarrierError`]
    async fn cancel(&self, carrier: &CarrierId, reference: &ShipmentId) -> Result<(), CarrierError>;
}
