//! Availability: can all of this be promised now?

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::QueryHeaders;
use comanda_web::{BULK_BODY_BYTES_MAX, Fields, Inquiry, Json, Problem, Reply};
use cqrs::Inquire;

use super::{Api, parse};
use crate::application::availability::Availability;
use crate::domain::ids::{Quantity, Sku};

/// Asks for many SKUs at once whether they can be promised now
///
/// It holds nothing: what is sufficient now may be gone a moment later. Lines of one SKU share its stock, in order.
/// With `by` each line also says what can be promised by that date.
#[utoipa::path(post, path = "/v1/availability:query", operation_id = "queryAvailability", tag = "Availability",
    params(QueryHeaders), request_body = contract::AvailabilityRequest,
    responses((status = 200, description = "Line by line; unknown SKUs are named inside",
        body = contract::AvailabilityAnswer)))]
pub(super) async fn query(
    State(api): Api,
    inquiry: Inquiry,
    request: Json<contract::AvailabilityRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let mut lines = Vec::with_capacity(request.value.lines.len());
    for (place, line) in request.value.lines.iter().enumerate() {
        let sku = fields.take(format_args!("/lines/{place}/sku"), Sku::parse(&line.sku));
        let quantity = fields.take(format_args!("/lines/{place}/quantity"), Quantity::parse(line.quantity));
        lines.extend(sku.zip(quantity));
    }
    let by = fields.take_optional("/by", request.value.by.as_deref().map(parse::any_instant));
    let query = fields.finish(Some(Availability { lines, by }))?;
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let lines: Vec<_> = told
        .answer
        .into_iter()
        .map(|line| contract::AvailabilityLine {
            sku: line.sku.as_str().to_owned(),
            requested: line.requested,
            available: line.available,
            sufficient: line.sufficient,
            known: line.known,
            available_to_promise: line.to_promise,
        })
        .collect();
    let answer = contract::AvailabilityAnswer { sufficient: lines.iter().all(|line| line.sufficient), lines };
    Ok(Reply::json(StatusCode::OK, &answer).token(&told.token))
}
