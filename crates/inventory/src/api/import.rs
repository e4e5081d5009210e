//! Import: a page of a catalogue with its stock, all of it or nothing.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::RepeatHeaders;
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Fields, Json, Problem, Reply};
use cqrs::Dispatch;

use super::{Api, reason};
use crate::domain::ids::{Bin, LocationId, Sku};
use crate::domain::reason::Reason;
use crate::domain::stock_item::ON_HAND_MAX;
use crate::domain::stock_item::adjust::REFERENCE_LENGTH_MAX;
use crate::domain::stock_item::import::{Import, ImportRow};

/// Makes a page of a catalogue so: SKUs with their details, stock and bins
///
/// All rows or none. What is so already stays as it is, so the same request again changes nothing. A row that cannot be
/// so is named in `errors` by its place.
#[utoipa::path(post, path = "/v1/stock:import", operation_id = "importStock", tag = "Stock",
    params(RepeatHeaders), request_body = contract::ImportRequest,
    responses(
        (status = 200, description = "Every row is so", body = contract::ImportAnswer),
        (status = 409, description = "IMPORT_REFUSED: `errors` names the rows"),
    ))]
pub(super) async fn import(
    State(api): Api,
    call: Call,
    request: Json<contract::ImportRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let contract::ImportRequest { rows, reason_code, reference_uri } = request.value;
    let mut fields = Fields::default();
    if reference_uri.as_ref().is_some_and(|reference| reference.chars().count() > REFERENCE_LENGTH_MAX) {
        fields.wrong("/referenceUri", "at most 500 characters");
    }
    let count = rows.len();
    let rows: Vec<ImportRow> =
        rows.into_iter().enumerate().filter_map(|(place, row)| parsed(&mut fields, place, row)).collect();
    let whole = (rows.len() == count).then_some(rows);
    let command = whole.map(|rows| Import {
        rows,
        reason: reason_code.map_or(Reason::Correction, reason::read),
        reference: reference_uri.map(Into::into),
    });
    let answered = api.commands.dispatch(call.envelope(fields.finish(command)?, &request.raw)).await?;
    let count = |rows: usize| rows as u64;
    let body = contract::ImportAnswer {
        registered: count(answered.answer.registered),
        changed: count(answered.answer.changed),
        unchanged: count(answered.answer.unchanged),
    };
    let nothing = body.registered + body.changed == 0;
    Ok(Reply::json(StatusCode::OK, &body).token(&answered.token).replayed(answered.replayed || nothing))
}

fn parsed(fields: &mut Fields, place: usize, row: contract::ImportRow) -> Option<ImportRow> {
    let at = |field: &str| format!("/rows/{place}/{field}");
    let sku = fields.take(at("sku"), Sku::parse(&row.sku));
    let location = row.location_id.as_deref().map(|id| fields.take(at("locationId"), LocationId::parse(id)));
    let bin = row.bin.as_deref().map(|bin| {
        let parsed = Bin::parse(bin).map_err(|_| "one to four parts, zone-aisle-bay-level, such as A-01-03-2");
        fields.take(at("bin"), parsed)
    });
    let counters = [("onHand", row.on_hand), ("damaged", row.damaged), ("qualityControl", row.quality_control)];
    let mut in_range = true;
    for (name, units) in counters {
        if units.is_some_and(|units| !(0..=ON_HAND_MAX).contains(&units)) {
            fields.wrong(at(name), "a whole number from 0 to 1,000,000,000,000");
            in_range = false;
        }
    }
    // A field that is wrong has been noted; the row is then left out.
    if !in_range || location == Some(None) || bin == Some(None) {
        return None;
    }
    Some(ImportRow {
        sku: sku?,
        name: row.name.map(Into::into),
        safety_stock: row.safety_stock,
        backorder_limit: row.backorder_limit,
        location: location.flatten(),
        on_hand: row.on_hand,
        damaged: row.damaged,
        quality_control: row.quality_control,
        bin: bin.flatten(),
    })
}
