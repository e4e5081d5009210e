//! The judge: compares, over HTTP alone, what a server holds with what it has acknowledged.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use comanda_contracts::{Reservation, ReservationState, Stock};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hyper::header::HeaderValue;
use serde::Serialize;

use crate::books::{Books, Wrong, held, holds, units_held};
use crate::shop::{Shop, ShopError};

/// What must be true of one reservation of one line, after what its sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The reservation.
    pub id: String,
    /// Its SKU.
    pub sku: String,
    /// Its units.
    pub quantity: i64,
    /// The states it may be in: more than one where an answer was lost, none where it was refused.
    pub states: Vec<ReservationState>,
    /// Whether it may be unknown to the server: true where it was never acknowledged.
    pub may_be_absent: bool,
}

/// What was checked, and whether it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What must be true, in a few words.
    pub name: &'static str,
    /// Whether it is.
    pub ok: bool,
    /// The figures, and examples of what is wrong.
    pub detail: String,
}

/// The judge's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether every check held.
    pub ok: bool,
    /// Units promised beyond the opening stock, over all SKUs.
    pub oversold: i64,
    /// Each check.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// The verdict with one more check.
    #[must_use]
    pub fn and(mut self, check: Check) -> Self {
        self.ok &= check.ok;
        self.checks.push(check);
        self
    }
}

/// What the judge is told: everything else it finds out by asking.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The units each SKU opened with; nothing else may have changed its stock on hand.
    pub opening: BTreeMap<String, i64>,
    /// Every reservation that was ever sent for these SKUs.
    pub expected: Vec<Expected>,
    /// Per SKU, tokens of the last commands on it, so that no view is read before it has caught up.
    pub tokens: BTreeMap<String, Vec<HeaderValue>>,
}

/// Asks `addr` over `connections` connections.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// The server.
    pub addr: SocketAddr,
    /// How many questions at once.
    pub connections: usize,
}

impl Judge {
    /// A judge of the server at `addr`.
    #[must_use]
    pub fn of(addr: SocketAddr) -> Self {
        Self { addr, connections: 16 }
    }

    /// Checks all there is to check. Nobody may be writing meanwhile.
    ///
    /// # Errors
    /// [`ShopError`] when a question cannot be asked; a wrong answer is a failed check, not an error.
    pub async fn judge(&self, case: &Case) -> Result<Verdict, ShopError> {
        let found = self.look_up(&case.expected).await?;
        let mut verdict = Verdict { ok: true, oversold: 0, checks: Vec::new() };
        for check in reservation_checks(&case.expected, &found) {
            verdict = verdict.and(check);
        }
        let mut books = Books::default();
        let mut shop = Shop::new(self.addr);
        for (sku, opening) in &case.opening {
            let tokens = case.tokens.get(sku).map(Vec::as_slice).unwrap_or_default();
            let (stock, lost) = stock(self.addr, sku, tokens).await?;
            books.note_lost(lost);
            let held = held(sku, &case.expected, &found);
            books.compare(*opening, &stock, &held);
            books.read_ledger(&mut shop, sku, &held.ids).await?;
        }
        verdict.oversold = books.oversold;
        for check in books.checks() {
            verdict = verdict.and(check);
        }
        Ok(verdict)
    }

    /// Checks only that each reservation is there, or not, as expected.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub async fn judge_reservations(&self, expected: &[Expected]) -> Result<Verdict, ShopError> {
        let found = self.look_up(expected).await?;
        let verdict = Verdict { ok: true, oversold: 0, checks: Vec::new() };
        Ok(reservation_checks(expected, &found).into_iter().fold(verdict, Verdict::and))
    }

    /// Each reservation as the server knows it, in the order asked.
    async fn look_up(&self, expected: &[Expected]) -> Result<Vec<Option<Reservation>>, ShopError> {
        let connections = self.connections.max(1);
        let share = expected.len().div_ceil(connections).max(1);
        let mut asking: FuturesUnordered<_> = expected
            .chunks(share)
            .enumerate()
            .map(|(place, chunk)| async move {
                let mut shop = Shop::new(self.addr);
                let mut found = Vec::with_capacity(chunk.len());
                for one in chunk {
                    found.push(shop.reservation(&one.id).await?);
                }
                Ok::<_, ShopError>((place, found))
            })
            .collect();
        let mut chunks = BTreeMap::new();
        while let Some(chunk) = asking.next().await {
            let (place, found) = chunk?;
            chunks.insert(place, found);
        }
        Ok(chunks.into_values().flatten().collect())
    }
}

/// The stock of `sku` as seen after every token, and the refusal of a token that no view ever reaches: then the log
/// has lost what the token stands for.
async fn stock(addr: SocketAddr, sku: &str, tokens: &[HeaderValue]) -> Result<(Stock, Option<ShopError>), ShopError> {
    let mut shop = Shop::new(addr).with_attempts(2);
    for token in tokens {
        shop.see(Some(token.clone()));
        match shop.stock(sku).await {
            Err(lost @ ShopError::Refused { .. }) => return Ok((Shop::new(addr).stock(sku).await?, Some(lost))),
            answer => answer?,
        };
    }
    Ok((shop.stock(sku).await?, None))
}

fn reservation_checks(expected: &[Expected], found: &[Option<Reservation>]) -> Vec<Check> {
    let (mut missing, mut state, mut units, mut names) =
        (Wrong::default(), Wrong::default(), Wrong::default(), Wrong::default());
    let mut seen = HashSet::new();
    for (expected, found) in expected.iter().zip(found) {
        if !seen.insert(expected.id.as_str()) {
            names.add(format!("{} was acknowledged as two", expected.id));
        }
        let Some(found) = found else {
            if !expected.may_be_absent {
                missing.add(expected.id.clone());
            }
            continue;
        };
        if found.reservation_id != expected.id {
            names.add(format!("{} answers to {}", found.reservation_id, expected.id));
        }
        if !expected.states.contains(&found.state) {
            state.add(format!("{} is {:?}, not {:?}", expected.id, found.state, expected.states));
        }
        let right = if holds(found.state) { expected.quantity } else { 0 };
        if units_held(found, &expected.sku) != right {
            units.add(format!("{} holds {}, not {right}", expected.id, units_held(found, &expected.sku)));
        }
    }
    let looked_at = expected.len();
    vec![
        missing.check("every acknowledged reservation is there", looked_at),
        state.check("each is in the state that was acknowledged", looked_at),
        units.check("each holds what was acknowledged", looked_at),
        names.check("each id is one reservation", looked_at),
    ]
}
