//! Availability of many SKUs: could all of this be held now?

use std::collections::BTreeMap;

use cqrs::{Invalid, Query, QueryError, ReadSide, Timestamp};

use super::due::as_of_now;
use crate::domain::ids::{Quantity, Sku};
use crate::domain::reservation::LINES_MAX;
use crate::read_models::stock::StockRow;

/// Asks whether the lines could be held.
#[derive(Clone, Debug)]
pub struct Availability {
    /// 1 to 2,000 lines; several may name the same SKU and share its stock.
    pub lines: Vec<(Sku, Quantity)>,
    /// By when it may be, for what can be promised by then.
    pub by: Option<Timestamp>,
}

/// What one line would find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityLine {
    /// The SKU.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Units of the SKU available before any line of this request; 0 for an unknown SKU.
    pub available: i64,
    /// Whether the line could be held after the lines before it took theirs; backorder limits count.
    pub sufficient: bool,
    /// Whether the SKU is registered.
    pub known: bool,
    /// Units of the SKU that can be promised by the date asked for, before any line of this request; none without one.
    pub to_promise: Option<i64>,
}

impl Query for Availability {
    const NAME: &'static str = "availability";
    /// One per line asked for, in order.
    type Answer = Vec<AvailabilityLine>;

    fn validate(&self) -> Result<(), Invalid> {
        if (1..=LINES_MAX).contains(&self.lines.len()) {
            Ok(())
        } else {
            Err(Invalid::field("/lines", "1 to 2,000 lines"))
        }
    }

    async fn answer(self, read: &ReadSide) -> Result<Vec<AvailabilityLine>, QueryError> {
        let mut left: BTreeMap<&Sku, Option<Left>> = self.lines.iter().map(|(sku, _)| (sku, None)).collect();
        let keys: Vec<String> = left.keys().map(ToString::to_string).collect();
        let rows = read.rows::<StockRow>(&keys).await?;
        for (left, row) in left.values_mut().zip(rows) {
            if let Some(row) = row {
                let (row, _) = as_of_now(read, row).await?;
                let promisable = row.promisable(read.now());
                let to_promise = self.by.map(|by| row.promisable_by(by));
                *left = Some(Left { available: row.available, promisable, to_promise });
            }
        }
        let line = |(sku, quantity): &(Sku, Quantity)| {
            let requested = quantity.units();
            let found = left.get_mut(sku).and_then(Option::as_mut);
            let (known, available) = (found.is_some(), found.as_ref().map_or(0, |left| left.available));
            let to_promise = self.by.map(|_| found.as_ref().and_then(|left| left.to_promise).unwrap_or(0));
            let taken = found.filter(|left| left.promisable >= requested);
            let sufficient = taken.map(|left| left.promisable -= requested).is_some();
            AvailabilityLine { sku: sku.clone(), requested, available, sufficient, known, to_promise }
        };
        Ok(self.lines.iter().map(line).collect())
    }
}

/// What the lines so far have left of a SKU.
struct Left {
    available: i64,
    promisable: i64,
    to_promise: Option<i64>,
}
