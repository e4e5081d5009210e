//! List movements: what moved for a reason, over all SKUs or of one, the oldest first.

use cqrs::{Compare, IndexValue, Invalid, Query, QueryError, ReadSide, Select, Timestamp};

use super::page::{Page, check_limit};
use crate::domain::ids::{LocationId, Sku};
use crate::domain::reason::Reason;
use crate::read_models::movement_log::MovementRow;

/// Asks for a part of the movements.
#[derive(Clone, Debug)]
pub struct ListMovements {
    /// Only this SKU's.
    pub sku: Option<Sku>,
    /// Only those for this reason.
    pub reason: Option<Reason>,
    /// Only those here.
    pub location: Option<LocationId>,
    /// Only those at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those before this instant.
    pub to: Option<Timestamp>,
    /// Only what comes after this movement.
    pub after: Option<MovementCursor>,
    /// At most so many movements, 1 to 200.
    pub limit: usize,
}

/// The place of a movement in the list: its instant in milliseconds, and its key.
pub type MovementCursor = (i64, String);

impl Query for ListMovements {
    const NAME: &'static str = "list-movements";
    type Answer = Page<MovementRow, MovementCursor>;

    fn validate(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let found = read.select::<MovementRow>(&self.select()).await?;
        let next = found.next.and_then(|(at, key)| match at {
            IndexValue::Int(at) => Some((at, key)),
            IndexValue::Null | IndexValue::Text(_) => None,
        });
        Ok(Page { items: found.rows.into_iter().map(|(_, row)| row).collect(), next })
    }
}

impl ListMovements {
    fn select(&self) -> Select {
        let after = self.after.clone().map(|(at, key)| (IndexValue::Int(at), key));
        let mut select = Select { order: Some(MovementRow::BY_AT), after, ..Select::first(self.limit) };
        if let Some(sku) = &self.sku {
            select = select.with(MovementRow::BY_SKU, Compare::Equal, sku.as_str());
        }
        if let Some(reason) = self.reason {
            select = select.with(MovementRow::BY_REASON, Compare::Equal, reason.as_str());
        }
        if let Some(location) = &self.location {
            select = select.with(MovementRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        if let Some(from) = self.from {
            select = select.with(MovementRow::BY_AT, Compare::AtLeast, from.as_millis());
        }
        if let Some(to) = self.to {
            select = select.with(MovementRow::BY_AT, Compare::AtMost, to.as_millis().saturating_sub(1));
        }
        select
    }
}
