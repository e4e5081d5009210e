//! Receipts as requests say them, read into commands; every field that is wrong is named.

use comanda_contracts as contract;
use comanda_web::{Fields, Problem};
use cqrs::Timestamp;

use super::parse;
use crate::domain::ids::{DeliveryId, LineId, LocationId, Quantity, ReceiptId, Sku};
use crate::domain::receipt::expect::{Expect, ExpectLine};
use crate::domain::receipt::receive::{Receive, ReceiveLine};
use crate::domain::receipt::receive_unannounced::{CameLine, ReceiveUnannounced};
use crate::domain::receipt::reschedule::{Move, Reschedule};

/// How a receipt begins.
pub(super) enum Opening {
    /// It is announced.
    Expect(Expect),
    /// It has come.
    Receive(ReceiveUnannounced),
}

pub(super) fn parse_opening(request: contract::CreateReceipt) -> Result<Opening, Problem> {
    let mut fields = Fields::default();
    let receipt_id = fields.take("/receiptId", ReceiptId::parse(&request.receipt_id));
    let location = parse::location(&mut fields, "/locationId", request.location_id.as_deref());
    let location = location.unwrap_or_else(LocationId::main);
    let supplier_reference = request.supplier_reference.map(Into::into);
    match request.state {
        contract::ReceiptOpening::Expected => {
            let at = fields.take_optional("/expectedAt", request.expected_at.as_deref().map(parse::instant));
            let mut lines = Vec::with_capacity(request.lines.len());
            for (place, line) in request.lines.iter().enumerate() {
                lines.extend(expect_line(&mut fields, line, at, place));
            }
            let command = receipt_id.map(|receipt_id| Expect { receipt_id, location, supplier_reference, lines });
            Ok(Opening::Expect(fields.finish(command)?))
        }
        contract::ReceiptOpening::Received => {
            if request.expected_at.is_some() {
                fields.wrong("/expectedAt", "belongs to `state` EXPECTED: goods that have come are not expected");
            }
            let mut lines = Vec::with_capacity(request.lines.len());
            for (place, line) in request.lines.iter().enumerate() {
                lines.extend(came_line(&mut fields, line, place));
            }
            let command =
                receipt_id.map(|receipt_id| ReceiveUnannounced { receipt_id, location, supplier_reference, lines });
            Ok(Opening::Receive(fields.finish(command)?))
        }
    }
}

fn expect_line(
    fields: &mut Fields,
    line: &contract::CreateReceiptLine,
    receipts: Option<Timestamp>,
    place: usize,
) -> Option<ExpectLine> {
    let (line_id, sku, quantity) = common(fields, line, place);
    if line.damaged.is_some() {
        fields.wrong(format_args!("/lines/{place}/damaged"), "belongs to `state` RECEIVED: nothing has come yet");
    }
    let pointer = format!("/lines/{place}/expectedAt");
    let expected_at = match &line.expected_at {
        Some(at) => fields.take(&pointer, parse::instant(at)),
        None => fields.take(&pointer, receipts.ok_or("is missing: say when it is expected, here or for the receipt")),
    };
    Some(ExpectLine { line_id: line_id?, sku: sku?, quantity: quantity?, expected_at: expected_at? })
}

fn came_line(fields: &mut Fields, line: &contract::CreateReceiptLine, place: usize) -> Option<CameLine> {
    let (line_id, sku, quantity) = common(fields, line, place);
    if line.expected_at.is_some() {
        fields.wrong(format_args!("/lines/{place}/expectedAt"), "belongs to `state` EXPECTED: it has come");
    }
    Some(CameLine { line_id: line_id?, sku: sku?, quantity: quantity?, damaged: line.damaged.unwrap_or(0) })
}

fn common(
    fields: &mut Fields,
    line: &contract::CreateReceiptLine,
    place: usize,
) -> (Option<LineId>, Option<Sku>, Option<Quantity>) {
    let line_id = parse::line_id(line.line_id.as_deref(), place);
    let line_id = fields.take(format_args!("/lines/{place}/lineId"), line_id);
    let sku = fields.take(format_args!("/lines/{place}/sku"), Sku::parse(&line.sku));
    let quantity = fields.take(format_args!("/lines/{place}/quantity"), Quantity::parse(line.quantity));
    (line_id, sku, quantity)
}

pub(super) fn parse_receive(receipt_id: ReceiptId, request: contract::ReceiveGoods) -> Result<Receive, Problem> {
    let mut fields = Fields::default();
    let delivery = fields.take("/deliveryId", DeliveryId::parse(&request.delivery_id));
    let lines = request.lines.map(|lines| {
        let line = |(place, line): (usize, &contract::ReceiveGoodsLine)| {
            let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
            let quantity = fields.take(format_args!("/lines/{place}/quantity"), Quantity::parse(line.quantity));
            Some(ReceiveLine { line_id: line_id?, quantity: quantity?, damaged: line.damaged.unwrap_or(0) })
        };
        lines.iter().enumerate().filter_map(line).collect()
    });
    fields.finish(delivery.map(|delivery| Receive { receipt_id, delivery, lines }))
}

pub(super) fn parse_reschedule(
    receipt_id: ReceiptId,
    request: contract::RescheduleReceipt,
) -> Result<Reschedule, Problem> {
    let mut fields = Fields::default();
    let to = match (request.expected_at, request.lines) {
        (Some(at), None) => fields.take("/expectedAt", parse::instant(&at)).map(Move::All),
        (None, Some(lines)) => {
            let mut moved = Vec::with_capacity(lines.len());
            for (place, line) in lines.iter().enumerate() {
                let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
                let at = fields.take(format_args!("/lines/{place}/expectedAt"), parse::instant(&line.expected_at));
                moved.extend(line_id.zip(at));
            }
            Some(Move::Lines(moved))
        }
        (Some(_), Some(_)) => {
            fields.wrong("/expectedAt", "excludes `lines`: give one or the other");
            None
        }
        (None, None) => {
            fields.wrong("/expectedAt", "is missing: give `expectedAt` for all that is to come, or `lines`");
            None
        }
    };
    fields.finish(to.map(|to| Reschedule { receipt_id, to }))
}
