//! The ledger of a SKU: every stock movement, newest first, read from its stream.

use std::sync::Arc;

use cqrs::{Invalid, Query, QueryError, ReadSide, Recorded, Timestamp, Unreadable, Version};

use super::page::{Page, check_limit};
use crate::domain::ids::{LineId, LocationId, OwnerId, ReservationId, Sku};
use crate::domain::reason::Reason;
use crate::domain::stock_item::{Level, StockEvent, StockItem};
use crate::read_models::movements::{Movement, MovementKind, cause, movements};

/// Events read at once.
const EVENTS: usize = 100;

/// How often events are read for one page; it then ends early (events without a movement are rare).
const READS_MAX: usize = 10;

/// The place after every event.
const END: Version = i64::MAX as Version;

/// Asks for a part of a SKU's ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The SKU.
    pub sku: Sku,
    /// Only what comes after this entry.
    pub after: Option<LedgerCursor>,
    /// At most so many entries, 1 to 200.
    pub limit: usize,
}

/// The place of an entry in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerCursor {
    /// The version of the stock that the entry's event made.
    pub version: Version,
    /// Its place among the movements of that event, from 0.
    pub place: usize,
}

/// One stock movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The version of the stock that it made; movements of one event share it.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: MovementKind,
    /// Where.
    pub location: LocationId,
    /// What was added to each counter.
    pub delta: Level,
    /// What was added to the units that are to come there.
    pub incoming: i64,
    /// Why, for adjustments.
    pub reason: Option<Reason>,
    /// What it refers to.
    pub reference: Option<Arc<str>>,
    /// The reservation it belongs to.
    pub reservation: Option<ReservationId>,
    /// The line of that reservation.
    pub line: Option<LineId>,
    /// Whom the units are for from then on, where they were held or changed hands.
    pub owner: Option<OwnerId>,
    /// Who did it.
    pub actor: Option<String>,
    /// What ties it to the request that caused it.
    pub correlation_id: Option<String>,
}

impl Query for Ledger {
    const NAME: &'static str = "ledger";
    /// None if the SKU is not registered.
    type Answer = Option<Page<LedgerEntry, LedgerCursor>>;

    fn validate(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    fn partition_key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let stream = StockItem::stream(&self.sku);
        let mut before = self.after.map_or(END, |after| after.version.saturating_add(1)).min(END);
        let mut page = Page { items: Vec::new(), next: None };
        for _ in 0..READS_MAX {
            let events = read.history(stream.name(), before, EVENTS).await?;
            if events.is_empty() && before == END {
                return Ok(None);
            }
            for event in &events {
                before = event.version;
                page.next = self.add(event, &mut page.items).map_err(|error| QueryError::Broken(error.to_string()))?;
                if page.next.is_some() {
                    return Ok(Some(page));
                }
            }
            if events.len() < EVENTS {
                return Ok(Some(page));
            }
        }
        page.next = Some(LedgerCursor { version: before, place: usize::MAX });
        Ok(Some(page))
    }
}

impl Ledger {
    /// Adds the entries of `event`; once the page is full, returns the place of its last entry.
    fn add(&self, event: &Recorded, page: &mut Vec<LedgerEntry>) -> Result<Option<LedgerCursor>, Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(None) };
        for (place, movement) in movements(&happened).iter().enumerate() {
            let here = LedgerCursor { version: event.version, place };
            if self.after.is_some_and(|after| after.version == here.version && place <= after.place) {
                continue;
            }
            page.push(entry(event, &happened, movement));
            if page.len() >= self.limit {
                return Ok(Some(here));
            }
        }
        Ok(None)
    }
}

fn entry(event: &Recorded, happened: &StockEvent, movement: &Movement<'_>) -> LedgerEntry {
    let (reason, reference) = cause(happened);
    LedgerEntry {
        version: event.version,
        at: event.at,
        kind: movement.kind,
        location: movement.location.clone(),
        delta: movement.delta,
        incoming: movement.incoming,
        reason,
        reference,
        reservation: movement.hold.map(|hold| hold.reservation.clone()),
        line: movement.hold.map(|hold| hold.line.clone()),
        owner: match happened {
            StockEvent::HoldTransferred { owner, .. } => Some(owner.clone()),
            _ => movement.hold.and_then(|hold| hold.owner.clone()),
        },
        actor: event.metadata.actor.clone(),
        correlation_id: event.metadata.correlation_id.clone(),
    }
}
