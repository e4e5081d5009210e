//! Stock movements: what each event does to the counters of a SKU, location by location. The ledger and the views read
//! the same movements.

use std::sync::Arc;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;
use crate::domain::reason::Reason;
use crate::domain::stock_item::{Arrival, Fate, Hold, Inbound, Level, StockEvent};

/// What kind of movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    /// On hand changed for a reason.
    Adjusted,
    /// Goods came in.
    Replenished,
    /// Units were reserved.
    Held,
    /// Reserved units were committed.
    Confirmed,
    /// Units were committed to an order at once.
    Committed,
    /// Held units were given back.
    Released,
    /// Reserved units came back because their time was over.
    Expired,
    /// Committed units left.
    Consumed,
    /// Sold units came back.
    Returned,
    /// Units are to come with a receipt.
    Expected,
    /// They are not expected any more, or not at that time.
    Withdrawn,
    /// Units came in with a receipt.
    Received,
    /// Units left for another location, and are to come there.
    TransferShipped,
    /// Units came in with a transfer.
    TransferReceived,
    /// Units in transit will not come.
    LostInTransit,
    /// Units changed their condition.
    Regraded,
    /// Units were thrown away.
    Scrapped,
    /// Units went back to whom they were bought from.
    ReturnedToSupplier,
    /// Held or committed units are for somebody else; no counter changes.
    Transferred,
}

/// One change of one SKU's counters at one location.
#[derive(Clone, Copy, Debug)]
pub struct Movement<'e> {
    /// What kind.
    pub kind: MovementKind,
    /// Where.
    pub location: &'e LocationId,
    /// What is added to each counter.
    pub delta: Level,
    /// What is added to the units that are to come there.
    pub incoming: i64,
    /// Whose units, unless they are nobody's in particular.
    pub hold: Option<&'e Hold>,
}

impl Movement<'_> {
    /// What is added to the units that are on their way between two locations.
    #[must_use]
    pub fn in_transit(&self) -> i64 {
        match self.kind {
            MovementKind::TransferShipped | MovementKind::TransferReceived | MovementKind::LostInTransit => {
                self.incoming
            }
            _ => 0,
        }
    }
}

/// The movements of `event`, in order; none if it changes no counter.
#[must_use]
pub fn movements(event: &StockEvent) -> Vec<Movement<'_>> {
    let counted = |kind, location, units| Movement { kind, location, delta: on_hand(units), incoming: 0, hold: None };
    match event {
        StockEvent::Registered(_)
        | StockEvent::DetailsChanged(_)
        | StockEvent::HoldExtended { .. }
        | StockEvent::PromisableRaised { .. }
        | StockEvent::BinAssigned { .. }
        | StockEvent::BackordersChanged(_)
        | StockEvent::BackordersOpened { .. }
        | StockEvent::BalanceStruck { .. } => Vec::new(),
        StockEvent::Adjusted { location, delta, .. } => vec![counted(MovementKind::Adjusted, location, *delta)],
        StockEvent::Replenished { location, quantity } => vec![counted(MovementKind::Replenished, location, *quantity)],
        StockEvent::Held(hold) => vec![of(hold, MovementKind::Held, reserved(hold.quantity))],
        StockEvent::Committed(hold) => vec![of(hold, MovementKind::Committed, committed(hold.quantity))],
        StockEvent::HoldConfirmed(hold) => {
            let delta = Level { reserved: -hold.quantity, ..committed(hold.quantity) };
            vec![of(hold, MovementKind::Confirmed, delta)]
        }
        StockEvent::HoldReleased(hold) => vec![of(hold, MovementKind::Released, reserved(-hold.quantity))],
        StockEvent::CommitmentReleased(hold) => vec![of(hold, MovementKind::Released, committed(-hold.quantity))],
        StockEvent::Consumed(hold) => {
            let delta = Level { on_hand: -hold.quantity, ..committed(-hold.quantity) };
            vec![of(hold, MovementKind::Consumed, delta)]
        }
        StockEvent::Returned { location, quantity, disposition, .. } => {
            let delta = disposition.adds(*quantity);
            vec![Movement { kind: MovementKind::Returned, location, delta, incoming: 0, hold: None }]
        }
        StockEvent::HoldsExpired { buckets, .. } => buckets
            .iter()
            .map(|bucket| Movement {
                kind: MovementKind::Expired,
                location: &bucket.location,
                delta: reserved(-bucket.quantity),
                incoming: 0,
                hold: None,
            })
            .collect(),
        StockEvent::Expected(arrival) => vec![incoming(MovementKind::Expected, arrival, arrival.quantity)],
        StockEvent::Withdrawn(arrival) => vec![incoming(MovementKind::Withdrawn, arrival, -arrival.quantity)],
        StockEvent::Delivered(delivery) => {
            let kind = match delivery.by {
                Inbound::Receipt(_) => MovementKind::Received,
                Inbound::Transfer(_) => MovementKind::TransferReceived,
            };
            let (location, delta) = (&delivery.location, delivery.adds());
            vec![Movement { kind, location, delta, incoming: -delivery.expected, hold: None }]
        }
        StockEvent::Transferred { from, arrival } => {
            let (kind, units) = (MovementKind::TransferShipped, arrival.quantity);
            vec![counted(kind, from, -units), incoming(kind, arrival, units)]
        }
        StockEvent::LostInTransit(arrival) => {
            vec![incoming(MovementKind::LostInTransit, arrival, -arrival.quantity)]
        }
        StockEvent::Regraded { location, quantity, from, to, .. } => {
            let kind = match to {
                Fate::Sellable | Fate::Damaged | Fate::QualityControl => MovementKind::Regraded,
                Fate::Scrapped => MovementKind::Scrapped,
                Fate::ReturnedToSupplier => MovementKind::ReturnedToSupplier,
            };
            vec![Movement { kind, location, delta: to.moves(*from, *quantity), incoming: 0, hold: None }]
        }
        StockEvent::HoldTransferred { hold, .. } => vec![of(hold, MovementKind::Transferred, Level::default())],
    }
}

/// Why `event` moves stock, and what it refers to; no reason for what reservations do.
#[must_use]
pub fn cause(event: &StockEvent) -> (Option<Reason>, Option<Arc<str>>) {
    let by = |inbound: &Inbound| Some(inbound.to_string().into());
    match event {
        StockEvent::Adjusted { reason, reference, .. } | StockEvent::Regraded { reason, reference, .. } => {
            (Some(*reason), reference.clone())
        }
        StockEvent::Replenished { .. } => (Some(Reason::Received), None),
        StockEvent::Returned { disposition, reference, .. } => {
            (Some(disposition.reason()), Some(Arc::clone(reference)))
        }
        StockEvent::Expected(arrival) | StockEvent::Withdrawn(arrival) => (None, by(&arrival.by)),
        StockEvent::Delivered(delivery) => (Some(delivery.reason()), by(&delivery.by)),
        StockEvent::Transferred { arrival, .. } => (Some(Reason::Movement), by(&arrival.by)),
        StockEvent::LostInTransit(arrival) => (Some(Reason::Lost), by(&arrival.by)),
        _ => (None, None),
    }
}

fn of(hold: &Hold, kind: MovementKind, delta: Level) -> Movement<'_> {
    Movement { kind, location: &hold.location, delta, incoming: 0, hold: Some(hold) }
}

fn incoming(kind: MovementKind, arrival: &Arrival, units: i64) -> Movement<'_> {
    Movement { kind, location: &arrival.location, delta: Level::default(), incoming: units, hold: None }
}

fn on_hand(units: i64) -> Level {
    Level { on_hand: units, ..Level::default() }
}

fn committed(units: i64) -> Level {
    Level { committed: units, ..Level::default() }
}

fn reserved(units: i64) -> Level {
    Level { reserved: units, ..Level::default() }
}

/// When the units that `event` reserves (or reserves for longer) come back by themselves.
#[must_use]
pub fn expires_at(event: &StockEvent) -> Option<Timestamp> {
    match event {
        StockEvent::Held(hold) => hold.expires_at,
        StockEvent::HoldExtended { until, .. } => Some(*until),
        _ => None,
    }
}
