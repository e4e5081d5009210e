//! Expiring holds: the reserved units of a SKU by when they come back, so that a read past that instant is exact; and
//! whose they are, so that somebody can look before they do.

use std::collections::BTreeMap;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{LocationId, OwnerId};
use crate::domain::stock_item::{Hold, StockEvent, StockItem};

/// The most holds of one row that are named. More end at one instant only if somebody means them to; they are counted.
pub const NAMED_HOLDS_MAX: usize = 1_000;

/// Units of one SKU at one location that come back at one instant.
///
/// The key is `sku/<15 digits of the instant>/location`: a SKU's rows are in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpiringHoldsRow {
    /// The SKU.
    pub sku: ShortText,
    /// When they come back.
    pub expires_at: Timestamp,
    /// Where they are.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
    /// Whose they are, by `reservation/line`.
    pub holds: BTreeMap<String, NamedHold>,
}

/// One hold among those that end at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedHold {
    /// Units.
    pub quantity: i64,
    /// Whom it is for, if anybody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
}

impl ExpiringHoldsRow {
    /// The place of `expires_at` among the indexes.
    pub const BY_EXPIRES_AT: usize = 0;

    /// Units that come back and whose are not named.
    #[must_use]
    pub fn unnamed(&self) -> i64 {
        self.quantity - self.holds.values().map(|hold| hold.quantity).sum::<i64>()
    }
}

impl ReadModel for ExpiringHoldsRow {
    const NAME: &'static str = "expiring_holds";
    const VERSION: u32 = 2;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["expires_at"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.expires_at.as_millis().into()]
    }
}

/// Folds stock events into [`ExpiringHoldsRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpiringHoldsProjection;

impl Projection for ExpiringHoldsProjection {
    type Row = ExpiringHoldsRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<ExpiringHoldsRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let sku = event.stream.id();
        match &*happened {
            StockEvent::Held(hold) => add(rows, sku, hold, hold.expires_at, hold.owner.clone()),
            StockEvent::HoldConfirmed(hold) | StockEvent::HoldReleased(hold) => drop(take(rows, sku, hold)),
            StockEvent::HoldExtended { hold, until } => {
                let owner = take(rows, sku, hold).and_then(|hold| hold.owner);
                add(rows, sku, hold, Some(*until), owner);
            }
            StockEvent::HoldTransferred { hold, owner } => {
                if let Some(at) = hold.expires_at {
                    rows.update(&key(sku, at, &hold.location), |row| {
                        if let Some(named) = row.holds.get_mut(&name(hold)) {
                            named.owner = Some(owner.clone());
                        }
                    });
                }
            }
            StockEvent::HoldsExpired { buckets, .. } => {
                for bucket in buckets {
                    rows.remove(&key(sku, bucket.expires_at, &bucket.location));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Adds `hold` to those that end at `at`.
fn add(rows: &mut Rows<ExpiringHoldsRow>, sku: &str, hold: &Hold, at: Option<Timestamp>, owner: Option<OwnerId>) {
    let Some(expires_at) = at else { return };
    let key = key(sku, expires_at, &hold.location);
    if rows.get(&key).is_none() {
        let (sku, location) = (sku.into(), hold.location.clone());
        rows.put(&key, ExpiringHoldsRow { sku, expires_at, location, quantity: 0, holds: BTreeMap::new() });
    }
    rows.update(&key, |row| {
        row.quantity += hold.quantity;
        if row.holds.len() < NAMED_HOLDS_MAX {
            row.holds.insert(name(hold), NamedHold { quantity: hold.quantity, owner });
        }
    });
}

/// Takes `hold` from those that end when it would; returns what is known of it.
fn take(rows: &mut Rows<ExpiringHoldsRow>, sku: &str, hold: &Hold) -> Option<NamedHold> {
    let key = key(sku, hold.expires_at?, &hold.location);
    let (mut taken, mut empty) = (None, false);
    rows.update(&key, |row| {
        row.quantity -= hold.quantity;
        taken = row.holds.remove(&name(hold));
        empty = row.quantity == 0;
    });
    if empty {
        rows.remove(&key);
    }
    taken
}

fn name(hold: &Hold) -> String {
    [hold.reservation.as_str(), "/", hold.line.as_str()].concat()
}

fn key(sku: &str, at: Timestamp, location: &LocationId) -> String {
    let at = format!("{:015}", at.as_millis());
    [sku, "/", &at, "/", location.as_str()].concat()
}
