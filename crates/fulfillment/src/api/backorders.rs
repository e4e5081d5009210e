//! Backorders: what waits for stock, line by line and SKU by SKU.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::QueryHeaders;
use comanda_web::{Fields, Inquiry, List, Params, Problem, Reply};
use cqrs::Inquire;
use serde::Deserialize;

use super::{Api, parse};
use crate::application::list_backorders::{ListBackorders, ListDemand};
use crate::domain::ids::Sku;

/// Which backorders.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BackorderParams {
    /// Only those that wait for this SKU.
    sku: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists order lines that wait for stock, the oldest promise first
///
/// This is the order they are served in. A line that has just asked again waits for an answer and is not among them.
#[utoipa::path(get, path = "/v1/backorders", operation_id = "listBackorders", tag = "Backorders",
    params(BackorderParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::Backorder>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<BackorderParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    let sku = fields.take_optional("?sku", params.sku.as_deref().map(Sku::parse));
    let query = fields.finish(Some(ListBackorders { sku, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| contract::Backorder {
        sku: row.sku,
        order_id: row.waiter.order_id.as_str().to_owned(),
        line_id: row.waiter.line_id.as_str().to_owned(),
        quantity: row.waiter.quantity,
        promised_at: row.waiter.promised_at.map(cqrs::Timestamp::to_rfc3339),
        placed_at: row.waiter.placed_at.to_rfc3339(),
        since: row.since.to_rfc3339(),
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

/// Whose demand.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DemandParams {
    /// Only SKUs whose ids start so.
    sku_prefix: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists the SKUs that order lines wait for, and how many units
#[utoipa::path(get, path = "/v1/demand", operation_id = "listDemand", tag = "Backorders",
    params(DemandParams, QueryHeaders),
    responses((status = 200, description = "A part of them, in the order of SKUs",
        body = contract::Page<contract::Demand>)))]
pub(super) async fn list_demand(
    State(api): Api,
    Params(params): Params<DemandParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = parse::page(list, params.limit, params.cursor.as_deref())?;
    let mut fields = Fields::default();
    if let Some(prefix) = &params.sku_prefix {
        fields.take("?skuPrefix", Sku::parse(prefix));
    }
    let query = fields.finish(Some(ListDemand { prefix: params.sku_prefix, page }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| contract::Demand {
        sku: row.sku,
        waiting: row.units,
        lines: row.lines,
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}
