//! Reads ids, quantities and pages out of requests, noting every one that is wrong.

use std::fmt::Display;

use comanda_contracts as contract;
use comanda_web::{Fields, List, Problem, page_limit};
use cqrs::Timestamp;
use serde::Deserialize;

use crate::application::page::{Page, PageRequest};
use crate::domain::ids::{OrderId, Quantity};
use crate::domain::order::OrderStatus;

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// At most so many items, 1 to 200; 50 unless given.
    pub(super) limit: Option<i64>,
    /// The `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// Which part of a list is asked for by `limit` and `cursor`.
///
/// # Errors
/// 422 or 400 if one of them is wrong.
pub(super) fn page(list: List, limit: Option<i64>, cursor: Option<&str>) -> Result<PageRequest, Problem> {
    Ok(PageRequest { after: cursor.map(|cursor| list.place(cursor)).transpose()?, limit: page_limit(limit)? })
}

/// `page` as the contract writes it.
///
/// # Errors
/// 500 if the cursor cannot be written.
pub(super) fn written<R, T>(list: List, page: Page<R>, item: impl FnMut(R) -> T) -> Result<contract::Page<T>, Problem> {
    let next_cursor = page.next.map(|next| list.cursor(&next)).transpose()?;
    Ok(contract::Page { items: page.items.into_iter().map(item).collect(), next_cursor })
}

/// The order that stood in the path.
///
/// # Errors
/// 422 unless the text is an id.
pub(super) fn path_order(text: &str) -> Result<OrderId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{orderId}", OrderId::parse(text));
    fields.finish(id)
}

pub(super) fn quantity(fields: &mut Fields, pointer: impl Display, units: i64) -> Option<Quantity> {
    fields.take(pointer, Quantity::parse(units))
}

/// The instant that an RFC 3339 text names.
///
/// # Errors
/// What is wrong with it.
pub(super) fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("is no RFC 3339 instant such as `2026-03-03T18:00:00.000Z`")
}

/// The status that `text` names, one of `all`.
///
/// # Errors
/// A sentence that lists them all, unless it names one.
pub(super) fn status<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|status| name(*status) == text).ok_or_else(|| {
        let all: Vec<_> = all.iter().map(|status| name(*status)).collect();
        format!("is none of {}", all.join(", "))
    })
}

/// The status of an order that `text` names.
///
/// # Errors
/// A sentence that lists them all, unless it names one.
pub(super) fn order_status(text: &str) -> Result<OrderStatus, String> {
    status(text, &OrderStatus::ALL, OrderStatus::as_str)
}
