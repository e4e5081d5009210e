//! The timeline of an order: what happened to it, and what it waits for.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::QueryHeaders;
use comanda_web::{Inquiry, List, Params, PathParam, Problem, Reply, page_limit};
use cqrs::{Inquire, Version};

use super::parse::{PageParams, path_order};
use super::{Api, problems, written};
use crate::application::timeline::{Entry, Timeline};

/// Reads what happened to an order, newest first
#[utoipa::path(get, path = "/v1/orders/{orderId}/timeline", operation_id = "getOrderTimeline", tag = "Orders",
    params(("orderId" = String, Path), PageParams, QueryHeaders),
    responses(
        (status = 200, description = "A part of it", body = contract::OrderTimeline),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(id): PathParam<String>,
    Params(params): Params<PageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let order_id = path_order(&id)?;
    let before: Option<Version> = params.cursor.as_deref().map(|cursor| list.place(cursor)).transpose()?;
    let query = Timeline { order_id: order_id.clone(), before, limit: page_limit(params.limit)? };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_order(&order_id)) };
    let body = contract::OrderTimeline {
        order_id: id,
        status: found.status.as_str().to_owned(),
        waits_for: found.waits.into_iter().map(written::waits_for).collect(),
        items: found.entries.into_iter().map(entry).collect(),
        next_cursor: found.next.map(|next| list.cursor(&next)).transpose()?,
    };
    Ok(Reply::json(StatusCode::OK, &body).token(&told.token))
}

fn entry(entry: Entry) -> contract::TimelineEntry {
    contract::TimelineEntry {
        at: entry.at.to_rfc3339(),
        code: entry.code.to_owned(),
        text: entry.text,
        command: Some(entry.command).filter(|command| !command.is_empty()),
        actor: entry.actor,
        correlation_id: entry.correlation_id,
        version: entry.version,
    }
}
