//! A reservation: stock held for one owner, line by line, from the first hold until it is consumed or given back.

pub mod commit;
pub mod confirm;
pub mod consume;
pub mod extend;
pub mod give_back;
pub mod order;
pub mod plan;
pub mod release;
pub mod release_item;
pub mod reserve;
pub mod reserve_item;
mod shelves;
pub mod ship;
pub mod sourcing;
pub mod transfer;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{LineId, LocationId, OrderId, OwnerId, ReservationId, Sku};
use super::stock_item::{Allocation, Hold};
use order::{CommittedLine, ForOrder, LineShortfall, Refusal};
pub(super) use shelves::Shelves;
pub use shelves::Shortfall;
use sourcing::Strategy;
pub use view::{LineView, ReservationAnswer, ReservationState, ReservationView, WrongTransition};

/// The most lines of one reservation.
pub const LINES_MAX: usize = 2_000;

/// The longest a hold may be asked to last: a week.
pub const TTL_MAX: Duration = Duration::from_secs(604_800);

/// What happens to a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ReservationEvent {
    /// Stock was reserved for it.
    Reserved {
        /// Its lines, as asked for and as held: shared with the state that is folded from it.
        lines: Arc<Vec<Line>>,
        /// How long the hold was asked to last, in milliseconds; without end unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<i64>,
        /// When it ends by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Whether fewer units than asked for were welcome.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        allow_partial: bool,
        /// Whom it is for, if they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<OwnerId>,
        /// How its locations were to be chosen, if not as they always are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strategy: Option<Strategy>,
    },
    /// One SKU was reserved for it, on a line of its own and without end (a short path).
    ItemReserved(Line),
    /// It had expired, and the same quantities were reserved again, without end.
    HeldAgain {
        /// Where the units of each line are now.
        lines: Vec<LineUnits>,
        /// How many of a line were not there then, if any.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        beyond: BTreeMap<LineId, i64>,
    },
    /// Its units are committed.
    Confirmed,
    /// It lasts longer.
    Extended {
        /// When it ends by itself now.
        expires_at: Timestamp,
    },
    /// All it still held was given back. As its first event: a tombstone, its reserve came too late.
    Released,
    /// What it still held of one SKU was given back. Without a line of it: a tombstone for that SKU.
    ItemReleased {
        /// The SKU.
        sku: Sku,
    },
    /// Units have left the house.
    Consumed {
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// Stock was committed to an order at once: the answer to its request.
    Committed {
        /// The order.
        order: ForOrder,
        /// Its lines, as asked for and as committed.
        lines: Vec<CommittedLine>,
        /// Whether fewer units than asked for were welcome.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        allow_partial: bool,
    },
    /// A request of an order was refused: the answer to it. What the reservation holds stays as it is.
    Refused {
        /// The order.
        order: ForOrder,
        /// Why.
        code: Refusal,
        /// The lines that were short or of unknown SKUs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shortfalls: Vec<LineShortfall>,
    },
    /// An order gave units back. As the first event, without lines: a tombstone, its request came too late.
    GivenBack {
        /// The order.
        order_id: OrderId,
        /// Which units.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<LineUnits>,
        /// Whether it holds nothing any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ended: bool,
    },
    /// Units of an order have left the house.
    Shipped {
        /// The order.
        order_id: OrderId,
        /// What they left with.
        reference: Arc<str>,
        /// Which units.
        lines: Vec<LineUnits>,
    },
    /// It is for somebody else now.
    Transferred {
        /// Whom it is for.
        owner: OwnerId,
    },
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its id, unique in the reservation.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Where they had to come from, if the owner cared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// Where the units are that it holds, or held when it expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// How many of those were not there when they were promised.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beyond: i64,
    /// Units that have left.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub consumed: i64,
    /// Whether it was given back by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

impl Line {
    fn held(&self) -> i64 {
        self.allocations.iter().map(|allocation| allocation.quantity).sum()
    }

    /// Its units at one location as the stock item keeps them.
    fn hold(&self, reservation: &ReservationId, at: &Allocation, expires_at: Option<Timestamp>) -> Hold {
        Hold {
            reservation: reservation.clone(),
            line: self.line_id.clone(),
            location: at.location.clone(),
            quantity: at.quantity,
            expires_at,
            owner: None,
        }
    }
}

/// Units of one line, by location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineUnits {
    /// The line.
    pub line_id: LineId,
    /// Its units.
    pub allocations: Vec<Allocation>,
}

/// How far a reservation has come; what time and quantities add to it is derived ([`ReservationState`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// Nothing was reserved yet.
    #[default]
    New,
    Reserved,
    Committed,
    Released,
    /// An order asked for it and was refused.
    Refused,
}

/// How a reservation was asked for, beside its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terms {
    ttl_ms: Option<i64>,
    allow_partial: bool,
    #[serde(default)]
    owner: Option<OwnerId>,
    #[serde(default)]
    strategy: Option<Strategy>,
}

/// One reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    stage: Stage,
    /// None for one that the short paths opened SKU by SKU.
    terms: Option<Terms>,
    lines: Arc<Vec<Line>>,
    expires_at: Option<Timestamp>,
    /// SKUs given back one by one: they cannot be reserved again under this id.
    given_back: BTreeSet<Sku>,
    /// The order whose request was answered, if it is for one.
    #[serde(default)]
    order: Option<ForOrder>,
    /// What its units have left with.
    #[serde(default)]
    shipped_with: BTreeSet<Arc<str>>,
    /// Whom it is for now.
    #[serde(default)]
    owner: Option<OwnerId>,
}

impl Reservation {
    /// The stream of reservation `id`, wherever it was made.
    #[must_use]
    pub fn stream(id: &ReservationId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// The stream of reservation `id`, made in the partition of `sku`, its first line's.
    #[must_use]
    pub fn stream_beside(id: &ReservationId, sku: &Sku) -> Stream<Self> {
        Stream::in_partition_of(id.as_str(), sku)
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    fn line(&self, id: &LineId) -> Option<&Line> {
        self.lines.iter().find(|line| line.line_id == *id)
    }

    fn line_mut(&mut self, id: &LineId) -> Option<&mut Line> {
        Arc::make_mut(&mut self.lines).iter_mut().find(|line| line.line_id == *id)
    }

    /// Takes units off the line that held them; returns how many.
    fn take(&mut self, units: &LineUnits) -> i64 {
        let Some(line) = self.line_mut(&units.line_id) else { return 0 };
        for gone in &units.allocations {
            if let Some(left) = line.allocations.iter_mut().find(|left| left.location == gone.location) {
                left.quantity -= gone.quantity;
            }
        }
        line.allocations.retain(|left| left.quantity > 0);
        units.allocations.iter().map(|gone| gone.quantity).sum()
    }

    fn consume(&mut self, units: &LineUnits) {
        let gone = self.take(units);
        if let Some(line) = self.line_mut(&units.line_id) {
            line.consumed += gone;
        }
    }

    fn give_back(&mut self, sku: &Sku) {
        self.given_back.insert(sku.clone());
        for line in Arc::make_mut(&mut self.lines).iter_mut().filter(|line| line.sku == *sku) {
            line.allocations.clear();
            line.released = true;
        }
        let nothing_left = self.lines.iter().all(|line| line.held() == 0 && line.consumed == 0);
        if !self.lines.is_empty() && nothing_left {
            self.stage = Stage::Released;
        }
    }
}

impl Aggregate for Reservation {
    const KIND: &'static str = "reservation";
    const FOLD_VERSION: u32 = 3;
    type Event = ReservationEvent;

    fn apply(&mut self, event: &ReservationEvent) {
        match event {
            ReservationEvent::Reserved { lines, ttl_ms, expires_at, allow_partial, owner, strategy } => {
                self.stage = Stage::Reserved;
                let (owner, strategy) = (owner.clone(), strategy.clone());
                self.owner.clone_from(&owner);
                self.terms = Some(Terms { ttl_ms: *ttl_ms, allow_partial: *allow_partial, owner, strategy });
                self.lines = Arc::clone(lines);
                self.expires_at = *expires_at;
            }
            ReservationEvent::ItemReserved(line) => {
                self.stage = Stage::Reserved;
                Arc::make_mut(&mut self.lines).push(line.clone());
            }
            ReservationEvent::HeldAgain { lines, beyond } => {
                self.expires_at = None;
                for units in lines {
                    if let Some(line) = self.line_mut(&units.line_id) {
                        line.allocations.clone_from(&units.allocations);
                        line.beyond = beyond.get(&line.line_id).copied().unwrap_or(0);
                    }
                }
            }
            ReservationEvent::Confirmed => {
                self.stage = Stage::Committed;
                self.expires_at = None;
            }
            ReservationEvent::Extended { expires_at } => self.expires_at = Some(*expires_at),
            ReservationEvent::Released => {
                self.stage = Stage::Released;
                Arc::make_mut(&mut self.lines).iter_mut().for_each(|line| line.allocations.clear());
            }
            ReservationEvent::ItemReleased { sku } => self.give_back(sku),
            ReservationEvent::Committed { order, lines, .. } => {
                self.stage = Stage::Committed;
                self.order = Some(order.clone());
                self.lines = Arc::new(lines.iter().map(CommittedLine::line).collect());
            }
            ReservationEvent::Refused { order, .. } => {
                self.order.get_or_insert_with(|| order.clone());
                if self.stage == Stage::New {
                    self.stage = Stage::Refused;
                }
            }
            ReservationEvent::GivenBack { lines, ended, .. } => {
                for units in lines {
                    self.take(units);
                }
                if *ended && self.lines.iter().all(|line| line.consumed == 0) {
                    self.stage = Stage::Released;
                }
            }
            ReservationEvent::Shipped { reference, lines, .. } => {
                self.shipped_with.insert(Arc::clone(reference));
                lines.iter().for_each(|units| self.consume(units));
            }
            ReservationEvent::Transferred { owner } => self.owner = Some(owner.clone()),
            ReservationEvent::Consumed { lines } => lines.iter().for_each(|units| self.consume(units)),
        }
    }
}
