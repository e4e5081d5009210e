//! The shape of what is stored and published, locked: an old log must stay readable, and so must an old message. If this
//! fails, do not change the snapshot of an event that has been released: add a new event, or a field with a default.

use std::sync::Arc;

use comanda_fulfillment::domain::backlog::{BacklogEvent, Waiter};
use comanda_fulfillment::domain::ids::{Bin, LocationId, ShipmentId, Sku};
use comanda_fulfillment::domain::order::{
    LineUnits, Order, OrderEvent, PickFrom, Placed, PlacedLine, Policy, Priority, RejectedUnits, ReservedUnits,
    UnitsAt, Wanted,
};
use comanda_fulfillment::publish::publish;
use cqrs::{BatchId, Metadata, PartitionId, Payload, Recorded, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::house::{line_id, order_id};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn tea() -> Sku {
    Sku::parse("TEA").unwrap()
}

fn main_hall() -> LocationId {
    LocationId::parse("main").unwrap()
}

fn units() -> Vec<LineUnits> {
    vec![LineUnits { line_id: line_id("1"), quantity: 2 }]
}

fn units_at() -> UnitsAt {
    UnitsAt { line_id: line_id("1"), attempt: 1, location: main_hall(), quantity: 2 }
}

fn placed() -> Placed {
    Placed {
        lines: vec![PlacedLine { line_id: line_id("1"), sku: tea(), quantity: 3 }],
        policy: Policy::Backorder,
        priority: Priority::Express,
        promised_at: Some(at(86_400_000)),
        customer: Some("customer-12".into()),
        placed_at: at(1_000),
    }
}

/// Every event of the order process. Those of the warehouse are locked where they are recorded.
pub(crate) fn order_events() -> Vec<OrderEvent> {
    let wanted = Wanted { line_id: line_id("1"), sku: tea(), quantity: 3, exclude: vec![main_hall()] };
    let bin = Some(Bin::parse("a-1-2-3").unwrap());
    let from = vec![PickFrom { location: main_hall(), bin, quantity: 2 }];
    let code: Arc<str> = "INSUFFICIENT_STOCK".into();
    let came = ReservedUnits { line_id: line_id("1"), from, code: Some(Arc::clone(&code)) };
    let rejected = RejectedUnits { line_id: line_id("1"), quantity: 1, code: Arc::clone(&code) };
    let shipment = ShipmentId::parse("s-1").unwrap();
    vec![
        OrderEvent::Placed(placed()),
        OrderEvent::ReservationRequested {
            attempt: 1,
            lines: vec![wanted],
            allow_partial: true,
            answer_by: at(61_000),
        },
        OrderEvent::Reserved { attempt: 1, lines: vec![came], complete: false },
        OrderEvent::ReservationRefused { attempt: 1, code },
        OrderEvent::ReservationTimedOut { attempt: 1 },
        OrderEvent::LinesRejected { lines: vec![rejected], complete: false },
        OrderEvent::LinesBackordered { lines: units(), again_at: at(71_000) },
        OrderEvent::NothingWaits,
        OrderEvent::LinesCancelled { lines: units(), reason: Some("changed their mind".into()), complete: true },
        OrderEvent::LinesCancelled { lines: units(), reason: None, complete: false },
        OrderEvent::ReleaseRequested { attempt: 1, lines: vec![units_at()] },
        OrderEvent::ReleaseRequested { attempt: 1, lines: Vec::new() },
        OrderEvent::PutOnHold { reason: "address is checked".into() },
        OrderEvent::HoldReleased,
        OrderEvent::ReadyToShip { implicit: true },
        OrderEvent::ConsumeRequested { attempt: 1, shipment, lines: vec![units_at()] },
    ]
}

pub(crate) fn backlog_events() -> Vec<BacklogEvent> {
    let waiter = Waiter {
        order_id: order_id("o-7"),
        line_id: line_id("1"),
        quantity: 2,
        promised_at: Some(at(86_400_000)),
        placed_at: at(1_000),
    };
    vec![
        BacklogEvent::Joined(waiter),
        BacklogEvent::Left { order_id: order_id("o-7"), line_id: line_id("1"), quantity: 2 },
        BacklogEvent::Freed { quantity: 5 },
        BacklogEvent::Offered { quantity: 2 },
        BacklogEvent::Exhausted,
    ]
}

fn stored<E: Serialize>(events: &[E]) -> String {
    events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

#[test]
fn stored_events() {
    insta::assert_snapshot!(format!("# order\n{}# backlog\n{}", stored(&order_events()), stored(&backlog_events())));
}

#[test]
fn published_events() {
    let published = order_events().into_iter().map(|event| {
        let recorded = Recorded {
            partition: PartitionId(0),
            position: 1,
            stream: Order::stream(&order_id("o-7")).name().clone(),
            version: 1,
            at: at(1_000),
            batch: BatchId(Uuid::from_u128(1)),
            metadata: Arc::new(Metadata::default()),
            payload: Payload::new(Arc::new(event)).unwrap(),
        };
        match publish(&recorded).unwrap() {
            Some(told) => {
                assert_eq!((&*told.key, &*told.subject), ("o-7", "o-7"));
                format!("{} {}\n", told.kind, String::from_utf8(told.data.to_vec()).unwrap())
            }
            None => "-\n".to_owned(),
        }
    });
    insta::assert_snapshot!(published.collect::<String>());
}
