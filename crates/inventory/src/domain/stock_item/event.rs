//! What happens to a stock item. Stored for ever: a variant or field is only ever added.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Arrival, BackorderTerms, Bucket, Condition, Delivery, Details, Fate, Level};
use crate::domain::ids::{Bin, LineId, LocationId, OwnerId, ReservationId};
use crate::domain::reason::Reason;

/// Units of one line at one location that are, or were, held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Whose hold it is.
    pub reservation: ReservationId,
    /// The line of that reservation.
    pub line: LineId,
    /// Where the units are.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
    /// When the hold ends by itself; never without it, nor once committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whom it is for, as told where units are held or change hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
}

/// What happens to a stock item. Each one that changes a counter is a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StockEvent {
    /// The SKU was made known.
    Registered(Details),
    /// Its details are these from now on.
    DetailsChanged(Details),
    /// On hand changed.
    Adjusted {
        /// Where.
        location: LocationId,
        /// By how many units.
        delta: i64,
        /// Why.
        reason: Reason,
        /// What it refers to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
    },
    /// Goods came in.
    Replenished {
        /// Where.
        location: LocationId,
        /// How many units.
        quantity: i64,
    },
    /// Units were reserved.
    Held(Hold),
    /// Units were committed to an order at once.
    Committed(Hold),
    /// Reserved units were committed; `expiresAt` is what they had.
    HoldConfirmed(Hold),
    /// Reserved units came back; `expiresAt` is what they had.
    HoldReleased(Hold),
    /// Committed units came back.
    CommitmentReleased(Hold),
    /// Reserved units are held for longer.
    HoldExtended {
        /// The hold as it was.
        hold: Hold,
        /// When it ends now.
        until: Timestamp,
    },
    /// Committed units left the house.
    Consumed(Hold),
    /// Sold units came back and were inspected.
    Returned {
        /// Where they are now.
        location: LocationId,
        /// How many units.
        quantity: i64,
        /// What becomes of them.
        disposition: Disposition,
        /// What they came back with.
        reference: Arc<str>,
    },
    /// Its details let more units be promised than before: whoever waits for stock must hear of it.
    PromisableRaised {
        /// The first location to look at.
        location: LocationId,
        /// How many more.
        quantity: i64,
    },
    /// The SKU lies in this bin of a location from now on.
    BinAssigned {
        /// The location.
        location: LocationId,
        /// The bin inside it.
        bin: Bin,
    },
    /// Reserved units came back because their time was over: all that was due, or the first thousand buckets of it.
    HoldsExpired {
        /// What came back. Empty if every hold that could have been due had ended otherwise.
        buckets: Vec<Bucket>,
        /// When the next holds end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    /// Units of a receipt are to come.
    Expected(Arrival),
    /// Units of a receipt that were expected are so no more: they come at another time, or not at all.
    Withdrawn(Arrival),
    /// Units came in with a receipt or a transfer.
    Delivered(Delivery),
    /// Units left for another location and are in transit.
    Transferred {
        /// Where they left.
        from: LocationId,
        /// What is to come where they go.
        arrival: Arrival,
    },
    /// Units in transit will not come.
    LostInTransit(Arrival),
    /// From now on units are promised beyond what is there under these terms.
    BackordersChanged(BackorderTerms),
    /// The day has come from which on units are promised beyond what is there.
    BackordersOpened {
        /// The first location to look at.
        location: LocationId,
        /// How many more can be promised.
        quantity: i64,
    },
    /// Units changed their condition, or left unsold.
    Regraded {
        /// Where.
        location: LocationId,
        /// How many units.
        quantity: i64,
        /// The condition they were in.
        from: Condition,
        /// What became of them.
        to: Fate,
        /// Why.
        reason: Reason,
        /// What it refers to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
    },
    /// All counters as they stand here, so that a reader of a long log need not start at its first event.
    BalanceStruck {
        /// Its details.
        details: Details,
        /// Its counters per location.
        levels: BTreeMap<LocationId, Level>,
    },
    /// Held or committed units are for somebody else from now on.
    HoldTransferred {
        /// The hold as it was.
        hold: Hold,
        /// Whom it is for now.
        owner: OwnerId,
    },
}

/// What becomes of units that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Disposition {
    /// They are sold again.
    Restock,
    /// They are kept, and not sold.
    Damaged,
    /// They are thrown away: stock on hand stays as it is.
    Scrap,
}

impl Disposition {
    /// What `units` that come back so add to the counters.
    #[must_use]
    pub fn adds(self, units: i64) -> Level {
        match self {
            Self::Restock => Level { on_hand: units, ..Level::default() },
            Self::Damaged => Level { on_hand: units, damaged: units, ..Level::default() },
            Self::Scrap => Level::default(),
        }
    }

    /// The reason code of the ledger entry.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Restock => Reason::Restock,
            Self::Damaged => Reason::Damaged,
            Self::Scrap => Reason::Scrapped,
        }
    }
}
