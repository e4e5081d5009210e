//! Movements by reason: the list over all SKUs, and sums by day.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{QueryHeaders, ReadHeaders};
use comanda_web::{Fields, Inquiry, List, Params, Problem, Reply, page_limit};
use cqrs::{Inquire, Timestamp};
use serde::Deserialize;

use super::ledger::movement;
use super::{Api, parse, reason};
use crate::application::list_movements::{ListMovements, MovementCursor};
use crate::application::sum_movements::{MovementSum, SumMovements};
use crate::domain::ids::{LocationId, Sku};
use crate::read_models::movement_log::MovementRow;

/// Which movements.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MovementParams {
    /// Only this SKU's.
    sku: Option<String>,
    /// Only those for this reason.
    reason: Option<contract::ReasonCode>,
    /// Only those at this location.
    location_id: Option<String>,
    /// Only those at this instant or later, RFC 3339.
    from: Option<String>,
    /// Only those before this instant, RFC 3339.
    to: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists stock movements that have a reason, the oldest first
///
/// Adjustments, receipts, returns and transfers of all SKUs. What reservations do is in each SKU's ledger.
#[utoipa::path(get, path = "/v1/stock/movements", operation_id = "listMovements", tag = "Stock",
    params(MovementParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::StockMovement>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<MovementParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let after = params.cursor.as_deref().map(|cursor| list.place::<MovementCursor>(cursor)).transpose()?;
    let limit = page_limit(params.limit)?;
    let mut fields = Fields::default();
    let sku = fields.take_optional("?sku", params.sku.as_deref().map(Sku::parse));
    let location = fields.take_optional("?locationId", params.location_id.as_deref().map(LocationId::parse));
    let from = fields.take_optional("?from", params.from.as_deref().map(parse::any_instant));
    let to = fields.take_optional("?to", params.to.as_deref().map(parse::any_instant));
    let reason = params.reason.map(reason::read);
    let query = fields.finish(Some(ListMovements { sku, reason, location, from, to, after, limit }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let next_cursor = told.answer.next.map(|next| list.cursor(&next)).transpose()?;
    let page = contract::Page { items: told.answer.items.into_iter().map(written).collect(), next_cursor };
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Which movements are added up.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SumParams {
    /// The first day, in UTC: `2026-03-01`.
    #[param(format = Date)]
    from: String,
    /// The last day; at most 92 in all.
    #[param(format = Date)]
    to: String,
    /// Only this SKU's.
    sku: Option<String>,
    /// Only those for this reason.
    reason: Option<contract::ReasonCode>,
    /// Only those at this location.
    location_id: Option<String>,
}

/// Adds up stock movements by day and reason
#[utoipa::path(get, path = "/v1/stock/movements/sums", operation_id = "sumMovements", tag = "Stock",
    params(SumParams, ReadHeaders),
    responses(
        (status = 200, description = "The sums", body = contract::MovementSums,
            headers(("ETag" = String, description = "Made of its content"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
    ))]
pub(super) async fn sum(
    State(api): Api,
    Params(params): Params<SumParams>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let from = fields.take("?from", day(&params.from));
    let to = fields.take("?to", day(&params.to));
    let sku = fields.take_optional("?sku", params.sku.as_deref().map(Sku::parse));
    let location = fields.take_optional("?locationId", params.location_id.as_deref().map(LocationId::parse));
    let reason = params.reason.map(reason::read);
    let days = from.zip(to);
    let query = fields.finish(days.map(|(from, to)| SumMovements { sku, reason, location, from, to }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let sums = told.answer.into_iter().map(summed).collect();
    Ok(inquiry.by_content(&contract::MovementSums { sums }).token(&told.token))
}

/// The first instant of a day.
fn day(text: &str) -> Result<Timestamp, &'static str> {
    parse::instant(&format!("{text}T00:00:00Z")).map_err(|_| "is no day since 1970, such as 2026-03-01")
}

fn written(row: MovementRow) -> contract::StockMovement {
    contract::StockMovement {
        sku: row.sku.as_str().to_owned(),
        version: row.version,
        at: row.at.to_rfc3339(),
        movement: movement(row.kind),
        location_id: row.location.as_str().to_owned(),
        reason_code: reason::written(row.reason),
        on_hand_delta: row.delta.on_hand,
        damaged_delta: row.delta.damaged,
        quality_control_delta: row.delta.quality_control,
        incoming_delta: row.incoming,
        reference_uri: row.reference.as_deref().map(ToOwned::to_owned),
        actor: row.actor,
    }
}

fn summed(sum: MovementSum) -> contract::MovementSum {
    contract::MovementSum {
        day: sum.day,
        reason_code: reason::written(sum.reason),
        movements: sum.moved.movements,
        on_hand_in: sum.moved.on_hand_in,
        on_hand_out: sum.moved.on_hand_out,
        damaged_delta: sum.moved.damaged,
        quality_control_delta: sum.moved.quality_control,
        incoming_delta: sum.moved.incoming,
    }
}
