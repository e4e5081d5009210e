//! Booking: the worker that talks to carriers. Each shipment is booked exactly once, whoever dies and whatever is lost.
//!
//! What it is about to do is in the log before a carrier hears of it, and what it heard is in the log before anything
//! follows. An answer that is lost is looked up by its reference until the carrier has it, or cannot be taking it any
//! more; only then is it asked anew. Any number of workers can run: of two that want to book one shipment, the log lets
//! one through.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqrs::{
    Ask, Command, CommandBus, CommandError, Dispatch, Envelope, Inquire, QueryBus, ShortText, Timestamp, Token,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rand::RngExt;
use tokio::time::Instant;

use super::carrier::{Carrier, CarrierError, Consignment};
use super::shipments::{Due, DueShipments};
use crate::domain::ids::ShipmentId;
use crate::domain::shipment::record_booking::{Outcome, RecordBooking};
use crate::domain::shipment::record_cancellation::RecordCancellation;
use crate::domain::shipment::record_lookup::{RecordLookup, Seen};
use crate::domain::shipment::start_booking::StartBooking;
use crate::domain::shipment::{Shipment, ShipmentStatus};
use crate::read_models::shipments::ShipmentRow;

/// The most shipments that one worker talks to carriers about at a time.
pub const IN_FLIGHT_MAX: usize = 32;

/// The longest reason that is kept, in characters.
const REASON_LENGTH_MAX: usize = 300;

/// The longest time a carrier can ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// How patient a worker is.
#[derive(Clone, Copy, Debug)]
pub struct BookingWaits {
    /// How long a call of the carrier may take.
    pub call: Duration,
    /// How long after a booking began nobody is expected to record its outcome any more: more than `call`.
    pub answer: Duration,
    /// The time between a lost answer and the first lookup.
    pub first_look: Duration,
    /// How long after a booking began the carrier may still be taking it: more than `answer`.
    pub settle: Duration,
    /// The first pause before something is tried again. It doubles each time, and half of it is drawn at random.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// The time between two looks at what is due.
    pub look_every: Duration,
}

impl Default for BookingWaits {
    /// 15 s for a call, 30 s for its outcome, 10 s before the first lookup, 10 min until it is settled; pauses of 2 s to
    /// 10 min; a look every 250 ms.
    fn default() -> Self {
        Self {
            call: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            first_look: Duration::from_secs(10),
            settle: Duration::from_secs(600),
            pause: Duration::from_secs(2),
            pause_max: Duration::from_secs(600),
            look_every: Duration::from_millis(250),
        }
    }
}

/// The worker that books, looks up and takes back shipments at their carriers.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use comanda_fulfillment::application::book_shipments::{BookShipments, BookingWaits};
/// # use comanda_fulfillment::application::carrier::Carrier;
/// # use cqrs::{CommandBus, QueryBus};
/// async fn book(commands: CommandBus, queries: QueryBus, carrier: Arc<dyn Carrier>) {
///     let worker = BookShipments::new("worker-1", commands, queries, carrier, BookingWaits::default());
///     worker.run(async { drop(tokio::signal::ctrl_c().await) }).await;
/// }
/// ```
pub struct BookShipments {
    name: Arc<str>,
    commands: CommandBus,
    queries: QueryBus,
    carrier: Arc<dyn Carrier>,
    waits: BookingWaits,
    /// What its own commands have recorded: the next look is at views that have read that.
    token: Mutex<Option<Token>>,
}

impl BookShipments {
    /// A worker called `name` that books with `carrier` what the buses of Fulfillment have.
    #[must_use]
    pub fn new(
        name: &str,
        commands: CommandBus,
        queries: QueryBus,
        carrier: Arc<dyn Carrier>,
        waits: BookingWaits,
    ) -> Self {
        Self { name: name.into(), commands, queries, carrier, waits, token: Mutex::default() }
    }

    /// Runs until `stop` resolves; then what it has begun is still recorded. A failure is logged, and what was due is
    /// tried again with the next look.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut working = FuturesUnordered::new();
        let mut names = HashSet::new();
        tokio::pin!(stop);
        'looks: loop {
            let free = IN_FLIGHT_MAX.saturating_sub(names.len());
            if free > 0 {
                // Those in flight may still be listed.
                let due = self.due(IN_FLIGHT_MAX + names.len()).await;
                for row in due.shipments {
                    if names.len() >= IN_FLIGHT_MAX || names.contains(&row.shipment_id) {
                        continue;
                    }
                    names.insert(row.shipment_id.clone());
                    working.push(self.work_named(row, due.now));
                }
            }
            // No look comes sooner because work has ended: a log that takes nothing is not asked without a pause.
            let pause = tokio::time::sleep(self.waits.look_every);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut stop => break 'looks,
                    Some(name) = working.next() => { names.remove(&name); }
                    () = &mut pause => break,
                }
            }
        }
        while working.next().await.is_some() {}
    }

    /// Does all that is due now, once: returns for how many shipments.
    pub async fn look(&self) -> usize {
        let Due { shipments, now } = self.due(IN_FLIGHT_MAX).await;
        let count = shipments.len();
        futures::stream::iter(shipments).for_each_concurrent(IN_FLIGHT_MAX, |row| self.work(row, now)).await;
        count
    }

    async fn due(&self, limit: usize) -> Due {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.queries.ask(Ask { query: DueShipments { limit }, token }).await {
            Ok(told) => told.answer,
            Err(why) => {
                tracing::warn!(%why, "it could not be read which shipments are due; they are late");
                Due { shipments: Vec::new(), now: Timestamp::EPOCH }
            }
        }
    }

    async fn work_named(&self, row: ShipmentRow, now: Timestamp) -> ShortText {
        let name = row.shipment_id.clone();
        self.work(row, now).await;
        name
    }

    async fn work(&self, row: ShipmentRow, now: Timestamp) {
        let Ok(id) = ShipmentId::parse(&row.shipment_id) else { return };
        match row.shipment.status() {
            ShipmentStatus::Planned => self.book(id).await,
            // One that nobody has recorded in time is unknown.
            ShipmentStatus::Booking | ShipmentStatus::BookingUnknown => self.look_up(id, &row.shipment, now).await,
            ShipmentStatus::Voided => self.take_back(id, &row.shipment).await,
            _ => {}
        }
    }

    /// Books a shipment, if nobody else does.
    async fn book(&self, shipment_id: ShipmentId) {
        let began = Instant::now();
        let start = StartBooking {
            shipment_id: shipment_id.clone(),
            by: Arc::clone(&self.name),
            answer_wait: self.waits.answer,
            settle_wait: self.waits.settle,
        };
        let Some(intent) = self.send(start).await else { return };
        let consignment =
            Consignment { carrier: intent.carrier, reference: shipment_id.clone(), packages: intent.packages };
        // Whoever slept between the intent and the call must not call: others may think that it is gone.
        let left = self.waits.answer.saturating_sub(began.elapsed());
        let outcome = if left < self.waits.call {
            Err(CarrierError::NotReached { reason: "there was no time left to ask it".to_owned(), retry_after: None })
        } else {
            match tokio::time::timeout(self.waits.call, self.carrier.book(&consignment)).await {
                Ok(answered) => answered,
                Err(_) => Err(CarrierError::Unknown("it has not answered in time".to_owned())),
            }
        };
        let attempt = intent.attempt;
        let (outcome, wait) = match outcome {
            Ok(booking) => (Outcome::Booked { tracking_number: booking.tracking_number.into() }, Duration::ZERO),
            Err(CarrierError::NotReached { reason, retry_after }) => {
                let wait = self.pause(intent.tried).max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
                (Outcome::NotReached { reason: short(&reason) }, wait)
            }
            Err(CarrierError::Unknown(reason)) => (Outcome::Unknown { reason: short(&reason) }, self.waits.first_look),
            Err(CarrierError::Refused(reason)) => (Outcome::Refused { reason: short(&reason) }, Duration::ZERO),
        };
        let _ = self.send(RecordBooking { shipment_id, attempt, outcome, wait }).await;
    }

    /// Asks the carrier whether it has a shipment. `asked_at` is an instant of the log before that.
    async fn look_up(&self, shipment_id: ShipmentId, shipment: &Shipment, asked_at: Timestamp) {
        let Some(planned) = shipment.planned() else { return };
        let find = self.carrier.find(&planned.carrier, &shipment_id);
        let seen = match tokio::time::timeout(self.waits.call, find).await {
            Ok(Ok(Some(booking))) => Seen::Booked { tracking_number: booking.tracking_number.into() },
            Ok(Ok(None)) => Seen::Absent { asked_at },
            // Whoever cannot be reached was not asked; the adapter says so once for all shipments.
            Ok(Err(why @ CarrierError::NotReached { .. })) => {
                tracing::debug!(%shipment_id, %why, "a shipment is looked up later");
                Seen::Nothing
            }
            Ok(Err(why)) => {
                tracing::warn!(%shipment_id, %why, "the carrier could not say whether it has a shipment");
                Seen::Nothing
            }
            Err(_) => Seen::Nothing,
        };
        let (attempt, wait) = (shipment.attempt(), self.pause(shipment.lookups() + 1));
        let _ = self.send(RecordLookup { shipment_id, attempt, seen, wait }).await;
    }

    /// Tells the carrier that a shipment does not leave.
    async fn take_back(&self, shipment_id: ShipmentId, shipment: &Shipment) {
        let Some(planned) = shipment.planned() else { return };
        let cancel = self.carrier.cancel(&planned.carrier, &shipment_id);
        let confirmed = match tokio::time::timeout(self.waits.call, cancel).await {
            Ok(Ok(())) => true,
            Ok(Err(why)) => {
                tracing::warn!(%shipment_id, %why, "the carrier has not taken back a void shipment");
                false
            }
            Err(_) => false,
        };
        let _ = self.send(RecordCancellation { shipment_id, confirmed, wait: self.waits.pause_max }).await;
    }

    /// Sends a command; nothing if it was refused (somebody else was first) or could not be sent (the log will say what
    /// is due).
    async fn send<C: Command>(&self, command: C) -> Option<C::Answer> {
        match self.commands.dispatch(Envelope::new(command)).await {
            Ok(answered) => {
                let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
                match &mut *token {
                    Some(token) => token.merge(&answered.token),
                    None => *token = Some(answered.token),
                }
                Some(answered.answer)
            }
            Err(CommandError::Rejected(why)) => {
                tracing::debug!(command = C::NAME, %why, "somebody else was first");
                None
            }
            Err(why) => {
                tracing::warn!(command = C::NAME, %why, "what a carrier was asked or has said could not be recorded");
                None
            }
        }
    }

    /// The pause after the `tried`th failure in a row: between half of it and all of it, so that not all come at once.
    fn pause(&self, tried: u32) -> Duration {
        let doubled = self.waits.pause.saturating_mul(1 << tried.saturating_sub(1).min(20));
        let whole = doubled.min(self.waits.pause_max);
        whole.mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

/// The first characters of a carrier's reason.
fn short(reason: &str) -> Arc<str> {
    reason.chars().take(REASON_LENGTH_MAX).collect::<String>().into()
}
