//! Rows that span partitions: each partition writes a part of its own, and the parts are combined when they are read.
//!
//! A row is written by one partition only, because two are read at different speeds. What many partitions contribute to (the
//! capacity of a location, whose SKUs live anywhere) is therefore kept in parts, each under its [`part_key`], and
//! [`ReadSide::combined`] puts them together. `docs/guides/combine-partitions.md` goes through a whole one.
//!
//! Next: [`messaging`](crate::messaging), where a second context comes in.

use crate::event::Recorded;
use crate::query::{QueryError, ReadSide};
use crate::read_store::{IndexValue, ReadModel, Select};

/// What stands between a row's key and the partition of a part: no id has it, and it sorts before all that ids have, so that
/// combined rows come in the order of their keys.
const PART: char = '#';

/// Parts read in one round trip by a list.
const PARTS_PER_READ_MAX: usize = 1_024;

/// A row of which every partition has a part.
///
/// ```
/// use cqrs::{Combine, ReadModel};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Visitors { count: u64 }
///
/// impl ReadModel for Visitors {
///     const NAME: &'static str = "visitors";
///     const VERSION: u32 = 1;
/// }
///
/// impl Combine for Visitors {
///     fn combine(&mut self, part: Self) {
///         self.count += part.count;
///     }
/// }
///
/// let mut visitors = Visitors { count: 3 };
/// visitors.combine(Visitors { count: 4 });
/// assert_eq!(visitors.count, 7);
/// ```
pub trait Combine: ReadModel {
    /// Takes in the part of another partition. Parts come in no order that means anything.
    fn combine(&mut self, part: Self);
}

/// The key of the part of row `key` that the partition of `event` writes. `key` is without a `#`.
#[must_use]
pub fn part_key(key: &str, event: &Recorded) -> String {
    format!("{key}{PART}{:05}", event.partition.0)
}

/// The row that a part belongs to.
fn row_of(part_key: &str) -> &str {
    part_key.rsplit_once(PART).map_or(part_key, |(row, _)| row)
}

/// A page of combined rows.
#[derive(Clone, Debug)]
pub struct Combined<R> {
    /// The rows in the order of their keys, each with its key.
    pub rows: Vec<(String, R)>,
    /// The last key, if there may be more.
    pub next: Option<String>,
}

impl ReadSide {
    /// The row `key`, put together from the parts of all partitions; none if there is none of it.
    ///
    /// # Errors
    /// As [`ReadSide::row`].
    pub async fn combined<R: Combine>(&self, key: &str) -> Result<Option<R>, QueryError> {
        let parts = usize::from(self.log().partitions());
        let select = Select { key_prefix: Some(format!("{key}{PART}")), ..Select::first(parts) };
        let mut parts = self.select::<R>(&select).await?.rows.into_iter().map(|(_, part)| part);
        let Some(mut row) = parts.next() else { return Ok(None) };
        parts.for_each(|part| row.combine(part));
        Ok(Some(row))
    }

    /// At most `limit` combined rows after the key `after`, in the order of their keys.
    ///
    /// # Errors
    /// As [`ReadSide::row`].
    pub async fn combined_page<R: Combine>(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Combined<R>, QueryError> {
        // Past every part of that row, and before the next row.
        let mut place = after.map(|key| format!("{key}{PART}~"));
        let mut rows: Vec<(String, R)> = Vec::new();
        loop {
            let after = place.take().map(|key| (IndexValue::Null, key));
            let parts = self.select::<R>(&Select { after, ..Select::first(PARTS_PER_READ_MAX) }).await?;
            for (key, part) in parts.rows {
                let row = row_of(&key);
                let goes_on = rows.last().is_some_and(|(last, _)| last == row);
                if !goes_on && rows.len() == limit {
                    let next = rows.last().map(|(last, _)| last.clone());
                    return Ok(Combined { rows, next });
                }
                match rows.last_mut().filter(|_| goes_on) {
                    Some((_, whole)) => whole.combine(part),
                    None => rows.push((row.to_owned(), part)),
                }
            }
            match parts.next {
                Some((_, last)) => place = Some(last),
                None => return Ok(Combined { rows, next: None }),
            }
        }
    }
}
