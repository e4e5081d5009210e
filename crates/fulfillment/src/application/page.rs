//! Pages: a bounded part of a list, and where the next part starts.

use cqrs::{IndexValue, Invalid, QueryError, ReadModel, ReadSide, Select};
use serde::{Deserialize, Serialize};

/// The most items of one page.
pub const PAGE_MAX: usize = 200;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Ask for what comes after this, if there may be more.
    pub next: Option<Place>,
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The value the list is ordered by, if it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    /// The value the list is ordered by, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The key of the row.
    key: String,
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only what comes after this place.
    pub after: Option<Place>,
    /// At most so many items, 1 to 200.
    pub limit: usize,
}

impl PageRequest {
    /// The first `limit` items.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// Refuses a page that is empty or too long.
    ///
    /// # Errors
    /// [`Invalid`] unless the limit is 1 to 200.
    pub fn check(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    /// The rows of this part, in the order of index `order` or of their keys.
    #[must_use]
    pub fn select(self, order: Option<usize>) -> Select {
        let after = self.after.map(|place| {
            let text = place.text.map(IndexValue::Text);
            (text.or(place.number.map(IndexValue::Int)).unwrap_or(IndexValue::Null), place.key)
        });
        Select { after, order, ..Select::first(self.limit) }
    }
}

/// Refuses a limit that is none.
///
/// # Errors
/// [`Invalid`] unless it is 1 to 200.
pub fn check_limit(limit: usize) -> Result<(), Invalid> {
    if (1..=PAGE_MAX).contains(&limit) { Ok(()) } else { Err(Invalid::field("?limit", "1 to 200")) }
}

/// The rows that `select` asks for.
///
/// # Errors
/// [`QueryError`]
pub async fn page<R: ReadModel>(read: &ReadSide, select: &Select) -> Result<Page<R>, QueryError> {
    let found = read.select::<R>(select).await?;
    let next = found.next.map(|(value, key)| match value {
        IndexValue::Null => Place { number: None, text: None, key },
        IndexValue::Int(number) => Place { number: Some(number), text: None, key },
        IndexValue::Text(text) => Place { number: None, text: Some(text), key },
    });
    Ok(Page { items: found.rows.into_iter().map(|(_, row)| row).collect(), next })
}
