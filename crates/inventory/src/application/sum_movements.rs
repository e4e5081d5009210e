//! Sum movements: what moved for each reason on each day, of one SKU or of all.

use std::collections::BTreeMap;

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Select, Timestamp};

use crate::domain::ids::{LocationId, Sku};
use crate::domain::reason::Reason;
use crate::read_models::movement_sums::{ALL_SKUS, Moved, MovementSumRow};

/// The most days one question spans.
pub const DAYS_MAX: i64 = 92;

/// Rows read at once.
const PAGE: usize = 1_000;

/// Pages read for one question.
const PAGES_MAX: usize = 200;

const DAY_MS: i64 = 86_400_000;

/// Asks what moved from one day to another, both included.
#[derive(Clone, Debug)]
pub struct SumMovements {
    /// Only this SKU.
    pub sku: Option<Sku>,
    /// Only this reason.
    pub reason: Option<Reason>,
    /// Only here.
    pub location: Option<LocationId>,
    /// The first day, by its first instant.
    pub from: Timestamp,
    /// The last day, by its first instant.
    pub to: Timestamp,
}

/// What moved for a reason on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementSum {
    /// The day, in UTC: `2026-03-01`.
    pub day: String,
    /// The reason.
    pub reason: Reason,
    /// The sums.
    pub moved: Moved,
}

impl Query for SumMovements {
    const NAME: &'static str = "sum-movements";
    /// By day and then by reason; days and reasons without a movement are left out.
    type Answer = Vec<MovementSum>;

    fn validate(&self) -> Result<(), Invalid> {
        let days = (self.to.as_millis() - self.from.as_millis()) / DAY_MS + 1;
        if self.to >= self.from && days <= DAYS_MAX {
            Ok(())
        } else {
            Err(Invalid::field("?to", "not before `from`, and at most 92 days in all"))
        }
    }

    async fn answer(self, read: &ReadSide) -> Result<Vec<MovementSum>, QueryError> {
        let mut sums: BTreeMap<(String, &'static str), (Reason, Moved)> = BTreeMap::new();
        let mut select = self.select();
        for _ in 0..PAGES_MAX {
            let found = read.select::<MovementSumRow>(&select).await?;
            for (_, row) in found.rows {
                let (_, moved) = sums.entry((row.day, row.reason.as_str())).or_insert((row.reason, Moved::default()));
                *moved += row.moved;
            }
            let Some(next) = found.next else {
                let sum = |((day, _), (reason, moved))| MovementSum { day, reason, moved };
                return Ok(sums.into_iter().map(sum).collect());
            };
            select.after = Some(next);
        }
        Err(QueryError::Unavailable("there are more sums than can be read at once: ask for fewer days".to_owned()))
    }
}

impl SumMovements {
    fn select(&self) -> Select {
        let day = |at: Timestamp| at.to_rfc3339().chars().take(10).collect::<String>();
        let sku = self.sku.as_ref().map_or(ALL_SKUS, Sku::as_str);
        let mut select = Select::first(PAGE)
            .with(MovementSumRow::BY_SKU, Compare::Equal, sku)
            .with(MovementSumRow::BY_DAY, Compare::AtLeast, day(self.from).as_str())
            .with(MovementSumRow::BY_DAY, Compare::AtMost, day(self.to).as_str());
        if let Some(reason) = self.reason {
            select = select.with(MovementSumRow::BY_REASON, Compare::Equal, reason.as_str());
        }
        if let Some(location) = &self.location {
            select = select.with(MovementSumRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        select
    }
}
