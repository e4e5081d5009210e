//! Pages: a bounded part of a list, and where the next part starts.

use cqrs::{Invalid, QueryError, ReadModel, ReadSide, Select};

/// The most items of one page.
pub const PAGE_MAX: usize = 200;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C = String> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Ask for what comes after this, if there may be more.
    pub next: Option<C>,
}

/// Which part of a list ordered by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only what comes after this key.
    pub after: Option<String>,
    /// At most so many items, 1 to 200.
    pub limit: usize,
}

impl PageRequest {
    /// The first `limit` items.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    pub(super) fn select(&self) -> Select {
        let after = self.after.clone().map(|key| (cqrs::IndexValue::Null, key));
        Select { after, ..Select::first(self.limit) }
    }
}

pub(super) fn check_limit(limit: usize) -> Result<(), Invalid> {
    if (1..=PAGE_MAX).contains(&limit) { Ok(()) } else { Err(Invalid::field("?limit", "1 to 200")) }
}

/// The rows that `select`, ordered by key, asks for.
pub(super) async fn page<R: ReadModel>(read: &ReadSide, select: &Select) -> Result<Page<R>, QueryError> {
    let found = read.select::<R>(select).await?;
    let items = found.rows.into_iter().map(|(_, row)| row).collect();
    Ok(Page { items, next: found.next.map(|(_, key)| key) })
}
