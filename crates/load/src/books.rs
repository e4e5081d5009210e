//! Book-keeping for the judge: what reservations add up to, compared with counters and ledgers.

use std::collections::HashSet;

use comanda_contracts::{Movement, Reservation, ReservationState, Stock};

use crate::judge::{Check, Expected};
use crate::shop::{Shop, ShopError};

/// At most this many pages of a SKU's ledger are read: 200 entries each.
pub(crate) const LEDGER_PAGES_MAX: usize = 50_000;
/// A finding names at most this many examples.
const EXAMPLES_MAX: usize = 5;

/// Collects what is wrong, and a few examples of it.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    count: usize,
    examples: Vec<String>,
}

impl Wrong {
    pub(crate) fn add(&mut self, example: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example);
        }
    }

    pub(crate) fn check(&self, name: &'static str, looked_at: usize) -> Check {
        let examples = if self.count == 0 { String::new() } else { format!(": {}", self.examples.join("; ")) };
        Check { name, ok: self.count == 0, detail: format!("{} of {looked_at} wrong{examples}", self.count) }
    }
}

pub(crate) fn holds(state: ReservationState) -> bool {
    use ReservationState::{Confirmed, Held, PartiallyConsumed, PartiallyHeld};
    matches!(state, Held | PartiallyHeld | Confirmed | PartiallyConsumed)
}

pub(crate) fn units_held(reservation: &Reservation, sku: &str) -> i64 {
    reservation.lines.iter().filter(|line| line.sku == sku).map(|line| line.held).sum()
}

/// What the reservations of one SKU add up to.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Units in reservations that are confirmed.
    committed: i64,
    /// Units in the others that hold something.
    reserved: i64,
    /// Units that were acknowledged as held, whatever the server says now.
    acknowledged: i64,
    /// The reservations that the server knows, whatever their state.
    pub(crate) ids: HashSet<String>,
}

pub(crate) fn held(sku: &str, expected: &[Expected], found: &[Option<Reservation>]) -> Held {
    let mut held = Held::default();
    for (expected, found) in expected.iter().zip(found).filter(|(expected, _)| expected.sku == sku) {
        if !expected.may_be_absent && !expected.states.is_empty() && expected.states.iter().all(|state| holds(*state)) {
            held.acknowledged += expected.quantity;
        }
        let Some(found) = found else { continue };
        let units = units_held(found, sku);
        if matches!(found.state, ReservationState::Confirmed | ReservationState::PartiallyConsumed) {
            held.committed += units;
        } else {
            held.reserved += units;
        }
        held.ids.insert(expected.id.clone());
    }
    held
}

/// The findings on the counters and ledgers of all SKUs.
#[derive(Debug, Default)]
pub(crate) struct Books {
    skus: usize,
    entries: usize,
    /// Units promised beyond the opening stock so far.
    pub(crate) oversold: i64,
    unreached: Wrong,
    overselling: Wrong,
    counters: Wrong,
    ledger: Wrong,
}

impl Books {
    /// Notes the refusal of an acknowledged command's token, if there was one.
    pub(crate) fn note_lost(&mut self, lost: Option<ShopError>) {
        if let Some(refusal) = lost {
            self.unreached.add(refusal.to_string());
        }
    }

    pub(crate) fn compare(&mut self, opening: i64, stock: &Stock, held: &Held) {
        self.skus += 1;
        let sku = &stock.sku;
        let promised = held.acknowledged.max(held.reserved + held.committed).max(stock.reserved + stock.committed);
        if promised > opening {
            self.oversold += promised - opening;
            self.overselling.add(format!("{promised} of {opening} units of {sku} are promised"));
        }
        let available = stock.on_hand - stock.reserved - stock.committed - stock.safety_stock;
        for (what, is, should) in [
            ("on hand", stock.on_hand, opening),
            ("reserved", stock.reserved, held.reserved),
            ("committed", stock.committed, held.committed),
            ("available", stock.available, available),
        ] {
            if is != should {
                self.counters.add(format!("{what} of {sku} is {is}, not {should}"));
            }
        }
    }

    /// Reads the ledger of `sku`: it must show one hold for each of `ids`, and none for any other.
    pub(crate) async fn read_ledger(
        &mut self,
        shop: &mut Shop,
        sku: &str,
        ids: &HashSet<String>,
    ) -> Result<(), ShopError> {
        let mut holds = HashSet::new();
        let mut cursor = None;
        for _ in 0..LEDGER_PAGES_MAX {
            let page = shop.ledger(sku, cursor.as_deref()).await?;
            self.entries += page.items.len();
            for entry in page.items.iter().filter(|entry| entry.movement == Movement::Held) {
                let id = entry.reservation_id.clone().unwrap_or_default();
                if !ids.contains(&id) {
                    self.ledger.add(format!("{sku} has a hold of {id:?}, which nobody asked for or which is gone"));
                }
                if !holds.insert((id.clone(), entry.line_id.clone(), entry.location_id.clone())) {
                    self.ledger.add(format!("{sku} is held twice for {id}"));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let held: HashSet<&String> = holds.iter().map(|(id, _, _)| id).collect();
        for id in ids.iter().filter(|id| !held.contains(id)) {
            self.ledger.add(format!("{sku} has no hold of {id}"));
        }
        Ok(())
    }

    pub(crate) fn checks(&self) -> Vec<Check> {
        vec![
            self.unreached.check("the views reach every acknowledged command", self.skus),
            self.overselling.check("nothing is oversold", self.skus),
            self.counters.check("every counter is the sum of its reservations", self.skus * 4),
            self.ledger.check("the ledger holds each reservation exactly once", self.entries),
        ]
    }
}
