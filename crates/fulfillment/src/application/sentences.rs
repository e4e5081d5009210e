//! What happened to an order, as a code for programs and a sentence for people.

use std::fmt::Write;

use crate::domain::order::{LineUnits, OrderEvent, UnitsAt};

/// The most lines that a sentence names.
const NAMED_MAX: usize = 5;

/// The code of an event.
#[must_use]
pub fn code(event: &OrderEvent) -> &'static str {
    match event {
        OrderEvent::Placed(_) => "PLACED",
        OrderEvent::ReservationRequested { .. } => "RESERVATION_REQUESTED",
        OrderEvent::Reserved { .. } => "RESERVED",
        OrderEvent::ReservationRefused { .. } => "RESERVATION_REFUSED",
        OrderEvent::ReservationTimedOut { .. } => "RESERVATION_TIMED_OUT",
        OrderEvent::LinesRejected { .. } => "LINES_REJECTED",
        OrderEvent::LinesBackordered { .. } => "LINES_BACKORDERED",
        OrderEvent::NothingWaits => "NOTHING_WAITS",
        OrderEvent::LinesCancelled { .. } => "LINES_CANCELLED",
        OrderEvent::ReleaseRequested { .. } => "RELEASE_REQUESTED",
        OrderEvent::PutOnHold { .. } => "PUT_ON_HOLD",
        OrderEvent::HoldReleased => "HOLD_RELEASED",
        OrderEvent::PickingStarted => "PICKING_STARTED",
        OrderEvent::Picked { .. } => "PICKED",
        OrderEvent::ShortPicked { .. } => "SHORT_PICKED",
        OrderEvent::Packed { .. } => "PACKED",
        OrderEvent::ReadyToShip { .. } => "READY_TO_SHIP",
        OrderEvent::Shipped { .. } => "SHIPPED",
        OrderEvent::ConsumeRequested { .. } => "CONSUME_REQUESTED",
        OrderEvent::Delivered { .. } => "DELIVERED",
        OrderEvent::Returned { .. } => "RETURNED",
        OrderEvent::ShipmentPlanned { .. } => "SHIPMENT_PLANNED",
        OrderEvent::ShipmentBooked { .. } => "SHIPMENT_BOOKED",
        OrderEvent::BookingFailed { .. } => "BOOKING_FAILED",
        OrderEvent::ShipmentVoided { .. } => "SHIPMENT_VOIDED",
        OrderEvent::DeliveryFailed { .. } => "DELIVERY_FAILED",
        OrderEvent::ReturnRequested { .. } => "RETURN_REQUESTED",
        OrderEvent::ReturnCancelled { .. } => "RETURN_CANCELLED",
    }
}

/// An event as a sentence.
#[must_use]
pub fn sentence(event: &OrderEvent) -> String {
    match event {
        OrderEvent::Placed(placed) => {
            let units: i64 = placed.lines.iter().map(|line| line.quantity).sum();
            format!("It was placed: {} lines, {units} units.", placed.lines.len())
        }
        OrderEvent::ReservationRequested { attempt, lines, .. } => {
            let wanted = named(lines.iter().map(|wanted| (wanted.line_id.as_str(), wanted.quantity)));
            format!("Attempt {attempt} asks Inventory for {wanted}.")
        }
        OrderEvent::Reserved { attempt, lines, complete } => {
            let units = |place: &[crate::domain::order::PickFrom]| place.iter().map(|from| from.quantity).sum();
            let came = named(lines.iter().map(|line| (line.line_id.as_str(), units(&line.from))));
            let rest = if *complete { "; nothing is missing" } else { "" };
            format!("Inventory has reserved {came} for attempt {attempt}{rest}.")
        }
        OrderEvent::ReservationRefused { attempt, code } => format!("Inventory has refused attempt {attempt}: {code}."),
        OrderEvent::ReservationTimedOut { attempt } => {
            format!("Inventory has not answered attempt {attempt} in time; what it may still bring is given back.")
        }
        OrderEvent::LinesRejected { lines, .. } => {
            let rejected = named(lines.iter().map(|units| (units.line_id.as_str(), units.quantity)));
            let code = lines.first().map_or("", |units| &*units.code);
            format!("Will not be served: {rejected} ({code}).")
        }
        OrderEvent::LinesBackordered { lines, again_at } => {
            format!("Wait for stock: {}; asked for again by {} at the latest.", units(lines), again_at.to_rfc3339())
        }
        OrderEvent::NothingWaits => "Nothing of it waits for stock any more.".to_owned(),
        OrderEvent::LinesCancelled { lines, reason, .. } => match reason {
            Some(reason) => format!("Cancelled: {} ({reason}).", units(lines)),
            None => format!("Cancelled: {}.", units(lines)),
        },
        OrderEvent::ReleaseRequested { attempt, lines } if lines.is_empty() => {
            format!("All of attempt {attempt} is given back to Inventory.")
        }
        OrderEvent::ReleaseRequested { attempt, lines } => {
            format!("Given back to Inventory from attempt {attempt}: {}.", places(lines))
        }
        OrderEvent::PutOnHold { reason } => format!("It was put on hold: {reason}."),
        OrderEvent::HoldReleased => "It goes on.".to_owned(),
        later => warehouse(later),
    }
}

/// An event of the warehouse as a sentence.
fn warehouse(event: &OrderEvent) -> String {
    match event {
        OrderEvent::PickingStarted => "Picking has begun.".to_owned(),
        OrderEvent::Picked { units } => format!("Picked: {}.", places(std::slice::from_ref(units))),
        OrderEvent::ShortPicked { units } => format!("Not found: {}.", places(std::slice::from_ref(units))),
        OrderEvent::Packed { package, lines } => format!("Packed into {package}: {}.", places(lines)),
        OrderEvent::ReadyToShip { implicit: true } => "It can leave; picking and packing were not recorded.".to_owned(),
        OrderEvent::ReadyToShip { implicit: false } => "It can leave.".to_owned(),
        OrderEvent::Shipped { shipment, lines } => format!("Left with shipment {shipment}: {}.", places(lines)),
        OrderEvent::ConsumeRequested { attempt, shipment, .. } => {
            format!("Inventory is told what of attempt {attempt} has left with shipment {shipment}.")
        }
        OrderEvent::Delivered { shipment, .. } => format!("Shipment {shipment} has arrived."),
        OrderEvent::Returned { return_id, lines } => format!("Came back with return {return_id}: {}.", units(lines)),
        OrderEvent::ShipmentPlanned { shipment, carrier, lines } => {
            format!("{carrier} is asked to take shipment {shipment}: {}.", places(lines))
        }
        OrderEvent::ShipmentBooked { shipment, tracking_number } => {
            format!("Shipment {shipment} is booked; the carrier calls it {tracking_number}.")
        }
        OrderEvent::BookingFailed { shipment, reason } => {
            format!("The carrier does not take shipment {shipment}: {reason}.")
        }
        OrderEvent::ShipmentVoided { shipment, .. } => {
            format!("Shipment {shipment} does not leave; its units can be planned anew.")
        }
        OrderEvent::DeliveryFailed { shipment, reason } => match reason {
            Some(reason) => format!("Shipment {shipment} could not be handed over: {reason}."),
            None => format!("Shipment {shipment} could not be handed over."),
        },
        OrderEvent::ReturnRequested { return_id, lines } => {
            format!("Return {return_id} is expected: {}.", units(lines))
        }
        OrderEvent::ReturnCancelled { return_id } => format!("Return {return_id} will not come."),
        _ => String::new(),
    }
}

fn units(lines: &[LineUnits]) -> String {
    named(lines.iter().map(|units| (units.line_id.as_str(), units.quantity)))
}

fn places(lines: &[UnitsAt]) -> String {
    let mut text = named(lines.iter().map(|at| (at.line_id.as_str(), at.quantity)));
    if let Some(first) = lines.first().filter(|first| lines.iter().all(|at| at.location == first.location)) {
        let _ = write!(text, " at {}", first.location);
    }
    text
}

/// Units by line, the first few by name.
fn named<'l>(lines: impl Iterator<Item = (&'l str, i64)>) -> String {
    let lines: Vec<_> = lines.collect();
    let first: Vec<_> = lines.iter().take(NAMED_MAX).map(|(line, units)| format!("{units} of line {line}")).collect();
    let more = lines.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more lines") } else { String::new() };
    format!("{}{more}", first.join(", "))
}
