//! Publishing: what the events of this context tell others.

use comanda_contracts::events::{
    ConsumeLineRequested, ConsumeReservationRequested, OrderBackordered, OrderCancelled, OrderPlaced, OrderPlacedLine,
    OrderReadyToShip, OrderRejected, OrderReserved, QuantityOfLine, RejectedLine, ReleaseLineRequested,
    ReleaseReservationRequested, ReserveLineRequested, ReserveStockRequested,
};
use cqrs::{ContractEvent, Recorded, Unreadable};
use serde::Serialize;

use crate::domain::order::{
    LineUnits, Order, OrderEvent, Placed, RejectedUnits, ReservedUnits, UnitsAt, Wanted, reservation_id,
};
use crate::publish_leaving::publish_leaving;

/// What a stored event of this context tells others, if anything.
///
/// # Errors
/// [`Unreadable`] if it cannot be decoded.
pub fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    match event.as_event_of::<Order>()? {
        Some(happened) => publish_order(event, &happened),
        None => publish_leaving(event),
    }
}

/// What happens to an order, as others may know it. What concerns one order stays in order: its id is the key of all.
fn publish_order(event: &Recorded, happened: &OrderEvent) -> Result<Option<ContractEvent>, Unreadable> {
    let order_id = event.stream.id().to_owned();
    match happened {
        OrderEvent::Placed(placed) => told(event, OrderPlaced::TYPE, &order_placed(order_id, placed)),
        OrderEvent::ReservationRequested { attempt, lines, allow_partial, .. } => {
            told(event, ReserveStockRequested::TYPE, &reserve(order_id, *attempt, *allow_partial, lines))
        }
        OrderEvent::ReleaseRequested { attempt, lines } => {
            told(event, ReleaseReservationRequested::TYPE, &release(order_id, *attempt, lines))
        }
        // Whatever the attempt may still bring is not wanted any more.
        OrderEvent::ReservationTimedOut { attempt } => {
            told(event, ReleaseReservationRequested::TYPE, &release(order_id, *attempt, &[]))
        }
        OrderEvent::ConsumeRequested { attempt, shipment, lines } => {
            let consume = ConsumeReservationRequested {
                reservation_id: reservation_id(&order_id, *attempt),
                order_id,
                reference: shipment.as_str().to_owned(),
                lines: lines.iter().map(consumed).collect(),
            };
            told(event, ConsumeReservationRequested::TYPE, &consume)
        }
        OrderEvent::Reserved { lines, complete, .. } => {
            let lines = lines.iter().filter(|line| !line.from.is_empty()).map(reserved).collect();
            told(event, OrderReserved::TYPE, &OrderReserved { order_id, complete: *complete, lines })
        }
        OrderEvent::LinesBackordered { lines, .. } => {
            told(event, OrderBackordered::TYPE, &OrderBackordered { order_id, lines: quantities(lines) })
        }
        OrderEvent::LinesRejected { lines, complete } => {
            let lines = lines.iter().map(rejected).collect();
            told(event, OrderRejected::TYPE, &OrderRejected { order_id, complete: *complete, lines })
        }
        OrderEvent::LinesCancelled { lines, complete, .. } => {
            let cancelled = OrderCancelled { order_id, complete: *complete, lines: quantities(lines) };
            told(event, OrderCancelled::TYPE, &cancelled)
        }
        OrderEvent::ReadyToShip { .. } => told(event, OrderReadyToShip::TYPE, &OrderReadyToShip { order_id }),
        // The refusal's consequence is told. Picking and packing are nobody's business, and what becomes of shipments
        // and returns is told by their own streams.
        OrderEvent::ReservationRefused { .. }
        | OrderEvent::NothingWaits
        | OrderEvent::PutOnHold { .. }
        | OrderEvent::HoldReleased
        | OrderEvent::PickingStarted
        | OrderEvent::Picked { .. }
        | OrderEvent::ShortPicked { .. }
        | OrderEvent::Packed { .. }
        | OrderEvent::Shipped { .. }
        | OrderEvent::Delivered { .. }
        | OrderEvent::Returned { .. }
        | OrderEvent::ShipmentPlanned { .. }
        | OrderEvent::ShipmentBooked { .. }
        | OrderEvent::BookingFailed { .. }
        | OrderEvent::ShipmentVoided { .. }
        | OrderEvent::DeliveryFailed { .. }
        | OrderEvent::ReturnRequested { .. }
        | OrderEvent::ReturnCancelled { .. } => Ok(None),
    }
}

fn told<T: Serialize>(event: &Recorded, kind: &'static str, data: &T) -> Result<Option<ContractEvent>, Unreadable> {
    let order_id = event.stream.id();
    ContractEvent::new(event, kind, order_id, order_id, data).map(Some)
}

fn order_placed(order_id: String, placed: &Placed) -> OrderPlaced {
    let lines = placed.lines.iter().map(|line| OrderPlacedLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        quantity: line.quantity,
    });
    OrderPlaced { order_id, lines: lines.collect() }
}

fn reserve(order_id: String, attempt: u32, allow_partial: bool, lines: &[Wanted]) -> ReserveStockRequested {
    let lines = lines.iter().map(|wanted| ReserveLineRequested {
        line_id: wanted.line_id.as_str().to_owned(),
        sku: wanted.sku.as_str().to_owned(),
        quantity: wanted.quantity,
        exclude_locations: wanted.exclude.iter().map(|location| location.as_str().to_owned()).collect(),
    });
    let reservation_id = reservation_id(&order_id, attempt);
    ReserveStockRequested { reservation_id, order_id, attempt, allow_partial, lines: lines.collect() }
}

fn release(order_id: String, attempt: u32, lines: &[UnitsAt]) -> ReleaseReservationRequested {
    let lines = lines.iter().map(|at| ReleaseLineRequested {
        line_id: at.line_id.as_str().to_owned(),
        quantity: at.quantity,
        location_id: Some(at.location.as_str().to_owned()),
    });
    let reservation_id = reservation_id(&order_id, attempt);
    ReleaseReservationRequested { reservation_id, order_id, lines: lines.collect() }
}

fn consumed(at: &UnitsAt) -> ConsumeLineRequested {
    ConsumeLineRequested {
        line_id: at.line_id.as_str().to_owned(),
        quantity: at.quantity,
        location_id: at.location.as_str().to_owned(),
    }
}

fn reserved(line: &ReservedUnits) -> QuantityOfLine {
    let quantity = line.from.iter().map(|place| place.quantity).sum();
    QuantityOfLine { line_id: line.line_id.as_str().to_owned(), quantity }
}

fn quantities(lines: &[LineUnits]) -> Vec<QuantityOfLine> {
    let lines = lines.iter();
    lines.map(|units| QuantityOfLine { line_id: units.line_id.as_str().to_owned(), quantity: units.quantity }).collect()
}

fn rejected(units: &RejectedUnits) -> RejectedLine {
    RejectedLine {
        line_id: units.line_id.as_str().to_owned(),
        quantity: units.quantity,
        code: units.code.as_ref().to_owned(),
    }
}
