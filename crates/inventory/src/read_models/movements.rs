//! Stock movements: what each event does to the counters of a SKU, location by location. The ledger and the views read
//! the same movements.

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;
use crate::domain::stock_item::{Fate, Hold, Level, StockEvent};

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
    /// Whose units, unless they are nobody's in particular.
    pub hold: Option<&'e Hold>,
}

/// The movements of `event`, in order; none if it changes no counter.
#[must_use]
pub fn movements(event: &StockEvent) -> Vec<Movement<'_>> {
    let counted = |kind, location, units| Movement { kind, location, delta: on_hand(units), hold: None };
    match event {
        StockEvent::Registered(_)
        | StockEvent::DetailsChanged(_)
        | StockEvent::HoldExtended { .. }
        | StockEvent::PromisableRaised { .. }
        | StockEvent::BalanceStruck { .. }
        | StockEvent::BinAssigned { .. } => Vec::new(),
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
            vec![Movement { kind: MovementKind::Returned, location, delta, hold: None }]
        }
        StockEvent::HoldsExpired { buckets, .. } => buckets
            .iter()
            .map(|bucket| Movement {
                kind: MovementKind::Expired,
                location: &bucket.location,
                delta: reserved(-bucket.quantity),
                hold: None,
            })
            .collect(),
        StockEvent::Regraded { location, quantity, from, to, .. } => {
            let kind = match to {
                Fate::Sellable | Fate::Damaged | Fate::QualityControl => MovementKind::Regraded,
                Fate::Scrapped => MovementKind::Scrapped,
                Fate::ReturnedToSupplier => MovementKind::ReturnedToSupplier,
            };
            vec![Movement { kind, location, delta: to.moves(*from, *quantity), hold: None }]
        }
        StockEvent::HoldTransferred { hold, .. } => vec![of(hold, MovementKind::Transferred, Level::default())],
    }
}

fn of(hold: &Hold, kind: MovementKind, delta: Level) -> Movement<'_> {
    Movement { kind, location: &hold.location, delta, hold: Some(hold) }
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
