//! What lies in bins of a location: which SKUs a count of those bins is about.

use std::collections::BTreeSet;

use cqrs::{Compare, Query, QueryError, ReadSide, Select};

use super::page::PAGE_MAX;
use crate::domain::cycle_count::COUNT_LINES_MAX;
use crate::domain::ids::{Bin, LocationId, Sku};
use crate::read_models::stock_at_location::StockAtLocationRow;

/// Pages of a location's stock read for one answer.
const PAGES_MAX: usize = 500;

/// Asks which SKUs lie in some bins.
#[derive(Clone, Debug)]
pub struct SkusInBins {
    /// The location.
    pub location: LocationId,
    /// The bins. A zone, aisle or bay stands for all bins in it.
    pub bins: BTreeSet<Bin>,
}

impl Query for SkusInBins {
    const NAME: &'static str = "skus-in-bins";
    /// At most one more than a count may have.
    type Answer = BTreeSet<Sku>;

    async fn answer(self, read: &ReadSide) -> Result<BTreeSet<Sku>, QueryError> {
        let mut found = BTreeSet::new();
        let here = Select::first(PAGE_MAX);
        let mut here = here.with(StockAtLocationRow::BY_LOCATION, Compare::Equal, self.location.as_str());
        for _ in 0..PAGES_MAX {
            let rows = read.select::<StockAtLocationRow>(&here).await?;
            for (_, row) in rows.rows {
                let asked = row.bin.as_ref().is_some_and(|bin| self.bins.iter().any(|asked| holds(asked, bin)));
                found.extend(Sku::parse(&row.sku).ok().filter(|_| asked));
                if found.len() > COUNT_LINES_MAX {
                    return Ok(found);
                }
            }
            match rows.next {
                Some(next) => here.after = Some(next),
                None => return Ok(found),
            }
        }
        Err(QueryError::Unavailable(format!("{} holds more SKUs than can be looked at: name SKUs", self.location)))
    }
}

/// Whether `bin` is `asked`, or inside it.
fn holds(asked: &Bin, bin: &Bin) -> bool {
    let rest = bin.as_str().strip_prefix(asked.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
