//! The ledger: every movement of a SKU's stock, newest first.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::QueryHeaders;
use comanda_web::{Inquiry, List, Params, PathParam, Problem, Reply, page_limit};
use cqrs::Inquire;

use super::parse::{PageParams, path_sku};
use super::{Api, problems, reason};
use crate::application::ledger::{Ledger, LedgerCursor, LedgerEntry};
use crate::read_models::movements::MovementKind;

/// Lists the movements of a SKU's stock, newest first
#[utoipa::path(get, path = "/v1/stock/{sku}/ledger", operation_id = "listLedger", tag = "Stock",
    params(("sku" = String, Path), PageParams, QueryHeaders),
    responses(
        (status = 200, description = "A part of its ledger", body = contract::Page<contract::LedgerEntry>),
        (status = 404, description = "UNKNOWN_SKU"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    Params(params): Params<PageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let after = params.cursor.as_deref().map(|cursor| list.place::<(u64, usize)>(cursor)).transpose()?;
    let after = after.map(|(version, place)| LedgerCursor { version, place });
    let query = Ledger { sku: sku.clone(), after, limit: page_limit(params.limit)? };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let Some(page) = told.answer else { return Err(problems::unknown_sku(&sku)) };
    let next_cursor = page.next.map(|next| list.cursor(&(next.version, next.place))).transpose()?;
    let page = contract::Page { items: page.items.into_iter().map(written).collect(), next_cursor };
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

fn written(entry: LedgerEntry) -> contract::LedgerEntry {
    contract::LedgerEntry {
        version: entry.version,
        at: entry.at.to_rfc3339(),
        movement: movement(entry.kind),
        location_id: entry.location.as_str().to_owned(),
        on_hand_delta: entry.delta.on_hand,
        reserved_delta: entry.delta.reserved,
        committed_delta: entry.delta.committed,
        damaged_delta: entry.delta.damaged,
        incoming_delta: entry.incoming,
        quality_control_delta: entry.delta.quality_control,
        reason_code: entry.reason.map(reason::written),
        reference_uri: entry.reference.as_deref().map(ToOwned::to_owned),
        reservation_id: entry.reservation.map(|id| id.as_str().to_owned()),
        line_id: entry.line.map(|id| id.as_str().to_owned()),
        owner: entry.owner.map(|owner| owner.as_str().to_owned()),
        actor: entry.actor,
        correlation_id: entry.correlation_id,
    }
}

pub(super) fn movement(kind: MovementKind) -> contract::Movement {
    match kind {
        MovementKind::Adjusted => contract::Movement::Adjusted,
        MovementKind::Replenished => contract::Movement::Replenished,
        MovementKind::Held => contract::Movement::Held,
        MovementKind::Confirmed => contract::Movement::Confirmed,
        MovementKind::Committed => contract::Movement::Committed,
        MovementKind::Released => contract::Movement::Released,
        MovementKind::Expired => contract::Movement::Expired,
        MovementKind::Consumed => contract::Movement::Consumed,
        MovementKind::Returned => contract::Movement::Returned,
        MovementKind::Expected => contract::Movement::Expected,
        MovementKind::Withdrawn => contract::Movement::Withdrawn,
        MovementKind::Received => contract::Movement::Received,
        MovementKind::TransferShipped => contract::Movement::TransferShipped,
        MovementKind::TransferReceived => contract::Movement::TransferReceived,
        MovementKind::LostInTransit => contract::Movement::LostInTransit,
        MovementKind::Regraded => contract::Movement::Regraded,
        MovementKind::Scrapped => contract::Movement::Scrapped,
        MovementKind::ReturnedToSupplier => contract::Movement::ReturnedToSupplier,
        MovementKind::Transferred => contract::Movement::Transferred,
    }
}
