//! Expiring holds: what comes back by itself, the soonest first.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::QueryHeaders;
use comanda_web::{Fields, Inquiry, List, Params, Problem, Reply, page_limit};
use cqrs::{Inquire, Timestamp};
use serde::Deserialize;

use super::Api;
use crate::application::list_expiring_holds::{ExpiringHold, HoldCursor, ListExpiringHolds};
use crate::domain::ids::{OwnerId, Sku};

/// Which holds.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExpiringParams {
    /// Only holds that end before this instant, RFC 3339.
    #[param(example = "2026-03-01T09:30:00.000Z")]
    expiring_before: Option<String>,
    /// Only holds of this SKU.
    sku: Option<String>,
    /// Only holds for this owner.
    owner: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists holds that end by themselves, the soonest first
///
/// One item per line and location. Holds without end and committed units are not among them. A page may have fewer items
/// than asked for and still a `nextCursor`.
#[utoipa::path(get, path = "/v1/reservations", operation_id = "listExpiringHolds", tag = "Reservations",
    params(ExpiringParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::ExpiringHold>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ExpiringParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let instant =
        |text: &str| Timestamp::parse_rfc3339(text).ok_or("is no RFC 3339 instant, such as 2026-03-01T09:30:00.000Z");
    let before = fields.take_optional("?expiringBefore", params.expiring_before.as_deref().map(instant));
    let sku = fields.take_optional("?sku", params.sku.as_deref().map(Sku::parse));
    let owner = fields.take_optional("?owner", params.owner.as_deref().map(OwnerId::parse));
    let after = params.cursor.as_deref().map(|cursor| list.place::<(i64, String, String)>(cursor)).transpose()?;
    let after = after.map(|(expires_at, row, hold)| HoldCursor { expires_at, row, hold });
    let limit = page_limit(params.limit)?;
    let query = fields.finish(Some(ListExpiringHolds { before, sku, owner, after, limit }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let next = told.answer.next.map(|next| list.cursor(&(next.expires_at, next.row, next.hold))).transpose()?;
    let page = contract::Page { items: told.answer.items.into_iter().map(written).collect(), next_cursor: next };
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

fn written(hold: ExpiringHold) -> contract::ExpiringHold {
    let (reservation_id, line_id) =
        hold.of.map(|(reservation, line)| (reservation.as_str().to_owned(), line.as_str().to_owned())).unzip();
    contract::ExpiringHold {
        reservation_id,
        line_id,
        sku: hold.sku.as_str().to_owned(),
        location_id: hold.location.as_str().to_owned(),
        quantity: hold.quantity,
        expires_at: hold.expires_at.to_rfc3339(),
        owner: hold.owner.map(|owner| owner.as_str().to_owned()),
    }
}
