//! Messages of Fulfillment as they reach Inventory: one source, one partition, position after position.

use std::sync::Arc;

use comanda_contracts::events::{
    ConsumeLineRequested, ConsumeReservationRequested, Disposition, GoodsReturned, ReleaseLineRequested,
    ReleaseReservationRequested, ReserveLineRequested, ReserveStockRequested, ReturnedLine,
};
use comanda_inventory::react::Orders;
use cqrs::{BatchId, Epoch, EventId, Message, PartitionId, Position, React, Receive, Timestamp};
use serde::Serialize;

/// Makes messages, each the next of its partition.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    position: Position,
}

impl Sender {
    /// The reception of a message of `kind`; messages of one `key` wait behind one that is parked.
    pub(crate) fn send<T: Serialize>(&mut self, kind: &str, key: &str, data: &T) -> Receive<Orders> {
        let after = self.position;
        self.position += 1;
        let id = EventId { batch: BatchId::generate(), partition: PartitionId(0), position: self.position };
        let message = Message {
            id,
            source: "fulfillment".into(),
            epoch: Epoch(uuid::Uuid::nil()),
            after,
            predecessor: None,
            kind: kind.into(),
            subject: key.into(),
            key: key.into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: serde_json::to_vec(data).unwrap().into(),
        };
        receive(Arc::new(message)).expect("a message that can be read")
    }

    /// How many messages it has made.
    pub(crate) fn count(&self) -> u64 {
        self.position
    }

    pub(crate) fn reserve(&mut self, request: &ReserveStockRequested) -> Receive<Orders> {
        self.send(ReserveStockRequested::TYPE, &request.order_id, request)
    }

    pub(crate) fn release(&mut self, request: &ReleaseReservationRequested) -> Receive<Orders> {
        self.send(ReleaseReservationRequested::TYPE, &request.order_id, request)
    }

    pub(crate) fn consume(&mut self, request: &ConsumeReservationRequested) -> Receive<Orders> {
        self.send(ConsumeReservationRequested::TYPE, &request.order_id, request)
    }

    pub(crate) fn returned(&mut self, request: &GoodsReturned) -> Receive<Orders> {
        self.send(GoodsReturned::TYPE, &request.order_id, request)
    }
}

/// The reception of `message`; the reason if it cannot even be read.
pub(crate) fn receive(message: Arc<Message>) -> Result<Receive<Orders>, cqrs::CannotReact> {
    let input = Orders::read(&message)?.expect("a message of Inventory's business");
    let follows = message.after;
    Ok(Receive { message, what: Ok(input), follows })
}

/// The same message once more, as the transport brings it.
pub(crate) fn again(first: &Receive<Orders>) -> Receive<Orders> {
    receive(Arc::clone(&first.message)).unwrap()
}

/// A request of `order`'s first attempt for `(sku, units)` lines with the ids `1`, `2`, …, all or nothing.
pub(crate) fn request(order: &str, lines: &[(&str, i64)]) -> ReserveStockRequested {
    let line = |(place, &(sku, quantity)): (usize, &(&str, i64))| ReserveLineRequested {
        line_id: (place + 1).to_string(),
        sku: sku.into(),
        quantity,
        exclude_locations: Vec::new(),
    };
    ReserveStockRequested {
        reservation_id: format!("{order}~1"),
        order_id: order.into(),
        attempt: 1,
        allow_partial: false,
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

/// Gives back `(line, units, location)` of `order`'s first attempt; all of it if none are named.
pub(crate) fn release(order: &str, lines: &[(&str, i64, Option<&str>)]) -> ReleaseReservationRequested {
    let line = |&(id, quantity, location): &(&str, i64, Option<&str>)| ReleaseLineRequested {
        line_id: id.into(),
        quantity,
        location_id: location.map(Into::into),
    };
    let lines = lines.iter().map(line).collect();
    ReleaseReservationRequested { reservation_id: format!("{order}~1"), order_id: order.into(), lines }
}

/// `(line, units, location)` of `order`'s first attempt have left with `shipment`.
pub(crate) fn consume(order: &str, shipment: &str, lines: &[(&str, i64, &str)]) -> ConsumeReservationRequested {
    let line = |&(id, quantity, location): &(&str, i64, &str)| ConsumeLineRequested {
        line_id: id.into(),
        quantity,
        location_id: location.into(),
    };
    let (reservation_id, order_id) = (format!("{order}~1"), order.into());
    let lines = lines.iter().map(line).collect();
    ConsumeReservationRequested { reservation_id, order_id, reference: shipment.into(), lines }
}

/// `(sku, units, location, disposition)` of `order` have come back.
pub(crate) fn returned(order: &str, lines: &[(&str, i64, &str, Disposition)]) -> GoodsReturned {
    let line = |&(sku, quantity, location, disposition): &(&str, i64, &str, Disposition)| ReturnedLine {
        line_id: "1".into(),
        sku: sku.into(),
        quantity,
        location_id: location.into(),
        disposition,
    };
    GoodsReturned { return_id: "ret-1".into(), order_id: order.into(), lines: lines.iter().map(line).collect() }
}
