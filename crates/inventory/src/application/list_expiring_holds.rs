//! List expiring holds: what comes back by itself, the soonest first, and whose it is.

use std::ops::Bound;
use std::sync::Arc;

use cqrs::{Compare, IndexValue, Invalid, Query, QueryError, ReadSide, Select, ShortText, Timestamp};

use super::page::{Page, check_limit};
use crate::domain::ids::{LineId, LocationId, OwnerId, ReservationId, Sku};
use crate::read_models::expiring_holds::{ExpiringHoldsRow, NamedHold};

/// Rows read at once; each names up to a thousand holds.
const ROWS: usize = 20;

/// How often rows are read for one page; it then ends early.
const READS_MAX: usize = 25;

/// Stands for the holds of a row that are not named. It comes after every name.
const UNNAMED: &str = "~";

/// Asks for a part of the holds that end by themselves and have not ended yet.
#[derive(Clone, Debug)]
pub struct ListExpiringHolds {
    /// Only those that end before this instant.
    pub before: Option<Timestamp>,
    /// Only those of this SKU.
    pub sku: Option<Sku>,
    /// Only those for this owner.
    pub owner: Option<OwnerId>,
    /// Only what comes after this hold.
    pub after: Option<HoldCursor>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// The place of a hold in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldCursor {
    /// When it ends, in milliseconds.
    pub expires_at: i64,
    /// Its row.
    pub row: String,
    /// Its name in the row.
    pub hold: String,
}

/// A hold that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringHold {
    /// The reservation and the line; none for holds that are only counted.
    pub of: Option<(ReservationId, LineId)>,
    /// What is held.
    pub sku: ShortText,
    /// Where.
    pub location: LocationId,
    /// How many units.
    pub quantity: i64,
    /// When they come back.
    pub expires_at: Timestamp,
    /// Whom it is for, if anybody said.
    pub owner: Option<OwnerId>,
}

impl Query for ListExpiringHolds {
    const NAME: &'static str = "list-expiring-holds";
    type Answer = Page<ExpiringHold, HoldCursor>;

    fn validate(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    fn partition_key(&self) -> Option<&str> {
        self.sku.as_ref().map(Sku::as_str)
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let mut page = Page { items: Vec::new(), next: None };
        let mut select = self.select(read.now());
        let mut rows: Vec<(String, Arc<ExpiringHoldsRow>)> = Vec::new();
        if let Some(HoldCursor { row, .. }) = &self.after {
            // The row the last page ended in may have more.
            let found = read.row::<ExpiringHoldsRow>(row).await?.filter(|row| row.expires_at > read.now());
            rows.extend(found.map(|found| (row.clone(), found)));
        }
        let mut more = true;
        for _ in 0..READS_MAX {
            for (key, row) in rows.drain(..) {
                if self.add(&key, &row, &mut page) {
                    return Ok(page);
                }
            }
            if !more {
                return Ok(Page { next: None, ..page });
            }
            let found = read.select::<ExpiringHoldsRow>(&select).await?;
            rows.extend(found.rows.into_iter().map(|(key, row)| (key, Arc::new(row))));
            more = found.next.is_some();
            select.after = found.next;
        }
        Ok(page)
    }
}

impl ListExpiringHolds {
    fn select(&self, now: Timestamp) -> Select {
        let by = ExpiringHoldsRow::BY_EXPIRES_AT;
        let prefix = self.sku.as_ref().map(|sku| format!("{sku}/"));
        // A SKU's rows are in the order of time by their keys.
        let order = prefix.is_none().then_some(by);
        let place = |cursor: &HoldCursor| {
            let value = order.map_or(IndexValue::Null, |_| cursor.expires_at.into());
            (value, cursor.row.clone())
        };
        let after = self.after.as_ref().map(place);
        let select = Select { order, after, key_prefix: prefix, ..Select::first(ROWS) };
        let select = select.with(by, Compare::AtLeast, now.as_millis().saturating_add(1));
        match self.before {
            Some(before) => select.with(by, Compare::AtMost, before.as_millis().saturating_sub(1)),
            None => select,
        }
    }

    /// Adds the holds of a row; whether the page is full. `next` is where the list goes on.
    fn add(&self, key: &str, row: &ExpiringHoldsRow, page: &mut Page<ExpiringHold, HoldCursor>) -> bool {
        let after = self.after.as_ref().filter(|after| after.row == key).map(|after| after.hold.as_str());
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let place = |hold: &str| {
            Some(HoldCursor { expires_at: row.expires_at.as_millis(), row: key.to_owned(), hold: hold.to_owned() })
        };
        for (name, hold) in row.holds.range::<str, _>((from, Bound::Unbounded)) {
            if self.owner.is_some() && self.owner != hold.owner {
                continue;
            }
            page.items.push(expiring(row, of(name), hold));
            page.next = place(name);
            if page.items.len() >= self.limit {
                return true;
            }
        }
        if row.unnamed() > 0 && self.owner.is_none() && after != Some(UNNAMED) {
            page.items.push(expiring(row, None, &NamedHold { quantity: row.unnamed(), owner: None }));
        }
        page.next = place(UNNAMED);
        page.items.len() >= self.limit
    }
}

fn of(name: &str) -> Option<(ReservationId, LineId)> {
    let (reservation, line) = name.split_once('/')?;
    ReservationId::parse(reservation).ok().zip(LineId::parse(line).ok())
}

fn expiring(row: &ExpiringHoldsRow, of: Option<(ReservationId, LineId)>, hold: &NamedHold) -> ExpiringHold {
    ExpiringHold {
        of,
        sku: row.sku.clone(),
        location: row.location.clone(),
        quantity: hold.quantity,
        expires_at: row.expires_at,
        owner: hold.owner.clone(),
    }
}
