//! Reads ids and quantities out of requests, noting every one that is wrong.

use std::fmt;

use comanda_contracts as contract;
use comanda_web::{Fields, List, Problem, page_limit};
use cqrs::Timestamp;
use serde::Deserialize;

use crate::application::page::{Page, PageRequest};
use crate::domain::ids::{CountId, InvalidId, LineId, LocationId, Quantity, ReservationId, Sku};

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

/// Which part of a list that is ordered by SKU.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SkuPageParams {
    /// Only SKUs whose ids start so.
    pub(super) sku_prefix: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    pub(super) limit: Option<i64>,
    /// The `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl SkuPageParams {
    pub(super) fn request(&self, list: List) -> Result<PageRequest, Problem> {
        page(list, self.limit, self.cursor.as_deref())
    }
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

/// The start of SKUs' ids, as a filter.
///
/// # Errors
/// 422 unless it could start an id.
pub(super) fn prefix(text: Option<String>) -> Result<Option<String>, Problem> {
    let mut fields = Fields::default();
    if let Some(text) = &text {
        fields.take("?skuPrefix", Sku::parse(text));
    }
    fields.finish(Some(text))
}

/// The id of the line at `place`, counted from 0: the one that is named, else its number.
///
/// # Errors
/// If the text is no id.
pub(super) fn line_id(named: Option<&str>, place: usize) -> Result<LineId, InvalidId> {
    named.map_or_else(|| LineId::parse(&(place + 1).to_string()), LineId::parse)
}

/// The state that `text` names, one of `all`.
///
/// # Errors
/// A sentence that lists them all, unless it names one.
pub(super) fn state<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|state| name(*state) == text).ok_or_else(|| {
        let all: Vec<_> = all.iter().map(|state| name(*state)).collect();
        format!("is none of {}", all.join(", "))
    })
}

/// An id that stood in the path.
///
/// # Errors
/// 422 naming the parameter, unless the text is an id.
pub(super) fn in_path<T>(parameter: &str, parsed: Result<T, InvalidId>) -> Result<T, Problem> {
    let mut fields = Fields::default();
    let id = fields.take(parameter, parsed);
    fields.finish(id)
}

/// Where in a body a command stands.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// It is all of it.
    Whole,
    /// It is the item of a batch, counted from 0.
    Item(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Item(index) => write!(f, "/reservations/{index}"),
        }
    }
}

pub(super) fn path_sku(text: &str) -> Result<Sku, Problem> {
    in_path("{sku}", Sku::parse(text))
}

/// Any reservation's id: an order's may be read.
pub(super) fn path_reservation(text: &str) -> Result<ReservationId, Problem> {
    in_path("{reservationId}", ReservationId::parse(text))
}

/// The id of a reservation that a client may change: an order's is changed by its order alone.
pub(super) fn path_own_reservation(text: &str) -> Result<ReservationId, Problem> {
    in_path("{reservationId}", ReservationId::parse_of_client(text))
}

pub(super) fn path_count(text: &str) -> Result<CountId, Problem> {
    in_path("{countId}", CountId::parse(text))
}

pub(super) fn path_location(text: &str) -> Result<LocationId, Problem> {
    in_path("{locationId}", LocationId::parse(text))
}

pub(super) fn sku(fields: &mut Fields, text: &str) -> Option<Sku> {
    fields.take("/sku", Sku::parse(text))
}

pub(super) fn quantity(fields: &mut Fields, units: i64) -> Option<Quantity> {
    fields.take("/quantity", Quantity::parse(units))
}

pub(super) fn reservation_id(fields: &mut Fields, text: &str) -> Option<ReservationId> {
    fields.take("/reservationId", ReservationId::parse_of_client(text))
}

pub(super) fn location(fields: &mut Fields, pointer: &str, text: Option<&str>) -> Option<LocationId> {
    fields.take_optional(pointer, text.map(LocationId::parse))
}

/// The instant that an RFC 3339 text names. One before 1970 is over like any other: for a filter, or to say since when.
///
/// # Errors
/// What is wrong with it.
pub(super) fn any_instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("is no instant as RFC 3339 writes it, such as 2026-03-01T09:00:00Z")
}

/// The instant since 1970 that an RFC 3339 text names.
///
/// # Errors
/// What is wrong with it.
pub(super) fn instant(text: &str) -> Result<Timestamp, &'static str> {
    let at = Timestamp::parse_rfc3339(text).filter(|at| *at >= Timestamp::EPOCH);
    at.ok_or("is no instant since 1970 as RFC 3339 writes it, such as 2026-03-01T09:00:00Z")
}
