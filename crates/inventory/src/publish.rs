//! What Inventory tells other contexts: which stored events are contract events, and how they read to others.
//!
//! Answers to an order have its id as their key, so that they reach it in order; all that is about a SKU has the SKU's.
//! A cart's hold that expires is told as stock that became available, not as a reservation that ended: the log knows how
//! many units came back and when, not whose (a stock item counts units, never holds), and the owner was told the instant.

use comanda_contracts::events as contract;
use cqrs::{ContractEvent, Recorded, Unreadable};

use crate::domain::reservation::order::{CommittedLine, ForOrder, LineShortfall, PickFrom, Refusal};
use crate::domain::reservation::{LineUnits, Reservation, ReservationEvent};
use crate::domain::stock_item::{Disposition, Fate, StockEvent, StockItem};

/// Says what a stored event tells others, if it is any of their business.
///
/// # Errors
/// [`Unreadable`] if the event is of a kind this version cannot read.
pub fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    if let Some(happened) = event.as_event_of::<StockItem>()? {
        return became_available(event, &happened);
    }
    match event.as_event_of::<Reservation>()? {
        Some(happened) => of_reservation(event, &happened),
        None => Ok(None),
    }
}

/// Every movement that raises what can be promised.
fn became_available(event: &Recorded, happened: &StockEvent) -> Result<Option<ContractEvent>, Unreadable> {
    let (location, quantity) = match happened {
        StockEvent::Replenished { location, quantity }
        | StockEvent::PromisableRaised { location, quantity }
        | StockEvent::BackordersOpened { location, quantity: quantity @ 1.. }
        | StockEvent::Returned { location, quantity, disposition: Disposition::Restock, .. } => (location, *quantity),
        StockEvent::Adjusted { location, delta, .. } if *delta > 0 => (location, *delta),
        StockEvent::Delivered(delivery) if delivery.quantity > delivery.damaged => {
            (&delivery.location, delivery.quantity - delivery.damaged)
        }
        StockEvent::Regraded { location, quantity, to: Fate::Sellable, .. } => (location, *quantity),
        StockEvent::HoldReleased(hold) | StockEvent::CommitmentReleased(hold) => (&hold.location, hold.quantity),
        StockEvent::HoldsExpired { buckets, .. } => match buckets.first() {
            Some(first) => (&first.location, buckets.iter().map(|bucket| bucket.quantity).sum()),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let sku = event.stream.id();
    let data =
        contract::StockBecameAvailable { sku: sku.to_owned(), location_id: location.as_str().to_owned(), quantity };
    ContractEvent::new(event, contract::StockBecameAvailable::TYPE, sku, sku, &data).map(Some)
}

fn of_reservation(event: &Recorded, happened: &ReservationEvent) -> Result<Option<ContractEvent>, Unreadable> {
    let id = event.stream.id();
    let told = match happened {
        ReservationEvent::Committed { order, lines, .. } => {
            let data = reserved(id, order, lines);
            ContractEvent::new(event, contract::StockReserved::TYPE, id, &data.order_id, &data)?
        }
        ReservationEvent::Refused { order, code, shortfalls } => {
            let data = rejected(id, order, *code, shortfalls);
            ContractEvent::new(event, contract::StockReservationRejected::TYPE, id, &data.order_id, &data)?
        }
        ReservationEvent::GivenBack { order_id, lines, ended } => {
            let (key, order_id) = (order_id.as_str(), Some(order_id.as_str().to_owned()));
            let data = contract::ReservationReleased {
                reservation_id: id.to_owned(),
                order_id,
                lines: units(lines),
                ended: *ended,
            };
            ContractEvent::new(event, contract::ReservationReleased::TYPE, id, key, &data)?
        }
        ReservationEvent::Released => {
            let (reservation_id, lines) = (id.to_owned(), Vec::new());
            let data = contract::ReservationReleased { reservation_id, order_id: None, lines, ended: true };
            ContractEvent::new(event, contract::ReservationReleased::TYPE, id, id, &data)?
        }
        ReservationEvent::Shipped { order_id, reference, lines } => {
            let (key, order_id) = (order_id.as_str(), Some(order_id.as_str().to_owned()));
            let reference = Some(reference.as_ref().to_owned());
            let reservation_id = id.to_owned();
            let data = contract::ReservationConsumed { reservation_id, order_id, reference, lines: units(lines) };
            ContractEvent::new(event, contract::ReservationConsumed::TYPE, id, key, &data)?
        }
        ReservationEvent::Consumed { lines } => {
            let (reservation_id, lines) = (id.to_owned(), units(lines));
            let data = contract::ReservationConsumed { reservation_id, order_id: None, reference: None, lines };
            ContractEvent::new(event, contract::ReservationConsumed::TYPE, id, id, &data)?
        }
        _ => return Ok(None),
    };
    Ok(Some(told))
}

fn reserved(id: &str, order: &ForOrder, lines: &[CommittedLine]) -> contract::StockReserved {
    let place = |from: &PickFrom| contract::PickFrom {
        location_id: from.location.as_str().to_owned(),
        quantity: from.quantity,
        bin: from.bin.as_ref().map(|bin| bin.as_str().to_owned()),
    };
    let line = |line: &CommittedLine| contract::ReservedLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        requested: line.requested,
        reserved: line.committed(),
        allocations: line.from.iter().map(place).collect(),
        code: line.short.map(code),
    };
    contract::StockReserved {
        reservation_id: id.to_owned(),
        order_id: order.order_id.as_str().to_owned(),
        attempt: order.attempt,
        lines: lines.iter().map(line).collect(),
    }
}

fn rejected(
    id: &str,
    order: &ForOrder,
    why: Refusal,
    shortfalls: &[LineShortfall],
) -> contract::StockReservationRejected {
    let shortfall = |short: &LineShortfall| contract::LineShortfall {
        line_id: short.line_id.as_str().to_owned(),
        sku: short.sku.as_str().to_owned(),
        requested: short.requested,
        available: short.available,
    };
    contract::StockReservationRejected {
        reservation_id: id.to_owned(),
        order_id: order.order_id.as_str().to_owned(),
        attempt: order.attempt,
        code: code(why),
        shortfalls: shortfalls.iter().map(shortfall).collect(),
    }
}

fn units(lines: &[LineUnits]) -> Vec<contract::QuantityOfLine> {
    let line = |line: &LineUnits| contract::QuantityOfLine {
        line_id: line.line_id.as_str().to_owned(),
        quantity: line.allocations.iter().map(|allocation| allocation.quantity).sum(),
    };
    lines.iter().map(line).collect()
}

fn code(refusal: Refusal) -> contract::RejectionCode {
    match refusal {
        Refusal::InsufficientStock => contract::RejectionCode::InsufficientStock,
        Refusal::UnknownSku => contract::RejectionCode::UnknownSku,
        Refusal::AlreadyReleased => contract::RejectionCode::AlreadyReleased,
        Refusal::Conflict => contract::RejectionCode::Conflict,
        Refusal::Invalid => contract::RejectionCode::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cqrs::{Aggregate, BatchId, PartitionId, Payload, StreamName, Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::ids::{Bin, DeliveryId, LineId, LocationId, OrderId, ReceiptId, ReservationId, Sku};
    use crate::domain::reason::Reason;
    use crate::domain::stock_item::{Allocation, Bucket, Condition, Delivery, Details, Hold, Inbound};

    /// What is told of `event` of stream `id`: its type, its key and its data.
    fn told<A: Aggregate>(id: &str, event: A::Event) -> Option<(&'static str, String, Value)> {
        let recorded = Recorded {
            partition: PartitionId(0),
            position: 1,
            stream: StreamName::new(A::KIND, id),
            version: 1,
            at: Timestamp::EPOCH,
            batch: BatchId::generate(),
            metadata: Arc::default(),
            payload: Payload::new(Arc::new(event)).unwrap(),
        };
        let told = publish(&recorded).unwrap()?;
        assert_eq!(&*told.subject, id);
        Some((told.kind, told.key.to_string(), serde_json::from_slice(&told.data).unwrap()))
    }

    fn order() -> ForOrder {
        ForOrder { order_id: OrderId::parse("o1").unwrap(), attempt: 2 }
    }

    fn line(id: &str) -> LineId {
        LineId::parse(id).unwrap()
    }

    fn tea() -> Sku {
        Sku::parse("TEA").unwrap()
    }

    #[test]
    fn an_order_is_told_where_its_units_are_and_what_is_missing() {
        let bin = Some(Bin::parse("A-01").unwrap());
        let from = vec![PickFrom { location: LocationId::main(), bin, quantity: 2 }];
        let short = Some(Refusal::InsufficientStock);
        let first = CommittedLine { line_id: line("1"), sku: tea(), requested: 3, from, short };
        let second =
            CommittedLine { line_id: line("2"), from: Vec::new(), short: Some(Refusal::UnknownSku), ..first.clone() };
        let event = ReservationEvent::Committed { order: order(), lines: vec![first, second], allow_partial: true };
        let data = json!({
            "reservationId": "o1~2", "orderId": "o1", "attempt": 2, "lines": [
                { "lineId": "1", "sku": "TEA", "requested": 3, "reserved": 2, "code": "INSUFFICIENT_STOCK",
                  "allocations": [{ "locationId": "main", "quantity": 2, "bin": "A-01" }] },
                { "lineId": "2", "sku": "TEA", "requested": 3, "reserved": 0, "code": "UNKNOWN_SKU" },
            ],
        });
        assert_eq!(told::<Reservation>("o1~2", event), Some((contract::StockReserved::TYPE, "o1".into(), data)));
    }

    #[test]
    fn an_order_is_told_why_it_was_refused() {
        let shortfalls = vec![LineShortfall { line_id: line("1"), sku: tea(), requested: 3, available: 1 }];
        let event = ReservationEvent::Refused { order: order(), code: Refusal::InsufficientStock, shortfalls };
        let data = json!({
            "reservationId": "o1~2", "orderId": "o1", "attempt": 2, "code": "INSUFFICIENT_STOCK",
            "shortfalls": [{ "lineId": "1", "sku": "TEA", "requested": 3, "available": 1 }],
        });
        let kind = contract::StockReservationRejected::TYPE;
        assert_eq!(told::<Reservation>("o1~2", event), Some((kind, "o1".into(), data)));
    }

    #[test]
    fn what_is_given_back_and_what_has_left_is_told_by_line() {
        let at = |quantity| Allocation { location: LocationId::main(), quantity };
        let lines = || vec![LineUnits { line_id: line("1"), allocations: vec![at(2), at(1)] }];
        let order_id = order().order_id;
        let back = ReservationEvent::GivenBack { order_id: order_id.clone(), lines: lines(), ended: true };
        let data = json!({
            "reservationId": "o1~2", "orderId": "o1", "lines": [{ "lineId": "1", "quantity": 3 }], "ended": true,
        });
        let kind = contract::ReservationReleased::TYPE;
        assert_eq!(told::<Reservation>("o1~2", back), Some((kind, "o1".into(), data)));
        let data = json!({ "reservationId": "cart", "ended": true });
        let released = told::<Reservation>("cart", ReservationEvent::Released);
        assert_eq!(released, Some((kind, "cart".into(), data)));
        let kind = contract::ReservationConsumed::TYPE;
        let gone = ReservationEvent::Shipped { order_id, reference: "s1".into(), lines: lines() };
        let data = json!({
            "reservationId": "o1~2", "orderId": "o1", "reference": "s1", "lines": [{ "lineId": "1", "quantity": 3 }],
        });
        assert_eq!(told::<Reservation>("o1~2", gone), Some((kind, "o1".into(), data)));
        let data = json!({ "reservationId": "cart", "lines": [{ "lineId": "1", "quantity": 3 }] });
        let gone = told::<Reservation>("cart", ReservationEvent::Consumed { lines: lines() });
        assert_eq!(gone, Some((kind, "cart".into(), data)));
    }

    #[test]
    fn every_unit_that_can_be_promised_again_is_told_and_nothing_else_is() {
        let (location, main) = (LocationId::main, "main");
        let hold = |quantity| Hold {
            reservation: ReservationId::parse("r").unwrap(),
            line: line("1"),
            location: location(),
            quantity,
            expires_at: None,
            owner: None,
        };
        let adjusted =
            |delta| StockEvent::Adjusted { location: location(), delta, reason: Reason::Other, reference: None };
        let returned = |disposition| StockEvent::Returned {
            location: location(),
            quantity: 3,
            disposition,
            reference: "r".into(),
        };
        let delivered = |quantity, damaged| {
            let by = Inbound::Receipt(ReceiptId::parse("po-1").unwrap());
            let (line, delivery, location) = (line("1"), DeliveryId::parse("d").unwrap(), location());
            let (expected, expected_at) = (0, None);
            StockEvent::Delivered(Delivery { by, line, delivery, location, quantity, damaged, expected, expected_at })
        };
        let regraded = |from, to| StockEvent::Regraded {
            location: location(),
            quantity: 3,
            from,
            to,
            reason: Reason::QualityControl,
            reference: None,
        };
        let bucket = |at, quantity| Bucket { expires_at: Timestamp::from_millis(at), location: location(), quantity };
        let expired = |buckets| StockEvent::HoldsExpired { buckets, next: None };
        for event in [
            StockEvent::Replenished { location: location(), quantity: 3 },
            StockEvent::PromisableRaised { location: location(), quantity: 3 },
            StockEvent::BackordersOpened { location: location(), quantity: 3 },
            adjusted(3),
            returned(Disposition::Restock),
            delivered(5, 2),
            regraded(Condition::QualityControl, Fate::Sellable),
            regraded(Condition::Damaged, Fate::Sellable),
            StockEvent::HoldReleased(hold(3)),
            StockEvent::CommitmentReleased(hold(3)),
            expired(vec![bucket(10, 1), bucket(20, 2)]),
        ] {
            let data = json!({ "sku": "TEA", "locationId": main, "quantity": 3 });
            let expected = (contract::StockBecameAvailable::TYPE, "TEA".to_owned(), data);
            assert_eq!(told::<StockItem>("TEA", event.clone()), Some(expected), "{event:?}");
        }
        for event in [
            StockEvent::Registered(Details::default()),
            adjusted(-3),
            returned(Disposition::Damaged),
            returned(Disposition::Scrap),
            delivered(2, 2),
            StockEvent::BackordersOpened { location: location(), quantity: 0 },
            regraded(Condition::Sellable, Fate::QualityControl),
            regraded(Condition::QualityControl, Fate::Damaged),
            regraded(Condition::Damaged, Fate::Scrapped),
            StockEvent::Held(hold(3)),
            StockEvent::Committed(hold(3)),
            StockEvent::HoldConfirmed(hold(3)),
            StockEvent::Consumed(hold(3)),
            expired(Vec::new()),
        ] {
            assert_eq!(told::<StockItem>("TEA", event.clone()), None, "{event:?}");
        }
    }
}
