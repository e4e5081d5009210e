//! The shape of what is stored and published of shipments and returns, locked as that of orders is.

use std::sync::Arc;

use comanda_fulfillment::domain::goods_return::{Disposition, GoodsReturn, ReceivedUnits, Requested, ReturnEvent};
use comanda_fulfillment::domain::ids::{CarrierId, LocationId, ReturnId, ShipmentId, Sku};
use comanda_fulfillment::domain::order::{LineUnits, OrderEvent, UnitsAt};
use comanda_fulfillment::domain::shipment::{News, Planned, Shipment, ShipmentEvent, Tracked};
use comanda_fulfillment::publish::publish;
use cqrs::{Aggregate, BatchId, Metadata, PartitionId, Payload, Recorded, Stream, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::house::{line_id, order_id};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn shipment() -> ShipmentId {
    ShipmentId::parse("s-1").unwrap()
}

fn carrier() -> CarrierId {
    CarrierId::parse("dhl").unwrap()
}

fn place() -> LocationId {
    LocationId::parse("main").unwrap()
}

fn units() -> Vec<LineUnits> {
    vec![LineUnits { line_id: line_id("1"), quantity: 2 }]
}

fn units_at() -> Vec<UnitsAt> {
    [1, 2].map(|attempt| UnitsAt { line_id: line_id("1"), attempt, location: place(), quantity: 2 }).into()
}

pub(crate) fn shipment_events() -> Vec<ShipmentEvent> {
    let planned = Planned {
        order_id: order_id("o-7"),
        carrier: carrier(),
        wanted: units(),
        wanted_from: Some(place()),
        lines: units_at(),
        packages: 2,
        planned_at: at(1_000),
    };
    let tracked = |news, text| Tracked { event_id: "e-1".into(), news, text, happened_at: at(9_000) };
    vec![
        ShipmentEvent::Planned(planned.clone()),
        ShipmentEvent::Planned(Planned { wanted: Vec::new(), wanted_from: None, ..planned }),
        ShipmentEvent::BookingStarted { attempt: 1, by: "w".into(), answer_by: at(2_000), settled_by: at(3_000) },
        ShipmentEvent::Booked {
            attempt: 1,
            order_id: order_id("o-7"),
            carrier: carrier(),
            tracking_number: "T-1".into(),
        },
        ShipmentEvent::BookingPostponed { attempt: 1, reason: "closed".into(), book_at: at(2_000) },
        ShipmentEvent::BookingUnknown { attempt: 1, reason: "lost".into(), look_at: at(2_000) },
        ShipmentEvent::LookedUp { attempt: 1, look_at: at(2_000) },
        ShipmentEvent::BookingAbsent { attempt: 1, book_at: at(2_000) },
        ShipmentEvent::BookingFailed { attempt: 1, reason: "too heavy".into() },
        ShipmentEvent::RebookRequested { book_at: at(2_000) },
        ShipmentEvent::Dispatched { order_id: order_id("o-7"), lines: units_at() },
        ShipmentEvent::Tracked(tracked(News::InTransit, None)),
        ShipmentEvent::Tracked(tracked(News::Delivered, Some("signed".into()))),
        ShipmentEvent::Delivered { order_id: order_id("o-7") },
        ShipmentEvent::DeliveryFailed { reason: Some("nobody there".into()) },
        ShipmentEvent::DeliveryFailed { reason: None },
        ShipmentEvent::Voided { reason: Some("changed".into()), cancel_at: Some(at(2_000)) },
        ShipmentEvent::Voided { reason: None, cancel_at: None },
        ShipmentEvent::CancellationDue { cancel_at: at(2_000) },
        ShipmentEvent::CancellationConfirmed,
    ]
}

pub(crate) fn return_events() -> Vec<ReturnEvent> {
    let received = |disposition| ReceivedUnits {
        line_id: line_id("1"),
        sku: Sku::parse("TEA").unwrap(),
        quantity: 1,
        location: place(),
        disposition,
    };
    let requested = Requested {
        order_id: order_id("o-7"),
        lines: units(),
        reason: Some("too much".into()),
        requested_at: at(1_000),
    };
    vec![
        ReturnEvent::Requested(requested),
        ReturnEvent::Received {
            order_id: order_id("o-7"),
            lines: [Disposition::Restock, Disposition::Damaged, Disposition::Scrap].map(received).into(),
        },
        ReturnEvent::Cancelled,
    ]
}

pub(crate) fn order_events() -> Vec<OrderEvent> {
    let return_id = ReturnId::parse("r-1").unwrap();
    vec![
        OrderEvent::ShipmentPlanned { shipment: shipment(), carrier: carrier(), lines: units_at() },
        OrderEvent::ShipmentBooked { shipment: shipment(), tracking_number: "T-1".into() },
        OrderEvent::BookingFailed { shipment: shipment(), reason: "too heavy".into() },
        OrderEvent::ShipmentVoided { shipment: shipment(), lines: units_at() },
        OrderEvent::Shipped { shipment: shipment(), lines: units_at() },
        OrderEvent::Delivered { shipment: shipment(), lines: units_at() },
        OrderEvent::DeliveryFailed { shipment: shipment(), reason: Some("nobody there".into()) },
        OrderEvent::ReturnRequested { return_id: return_id.clone(), lines: units() },
        OrderEvent::ReturnCancelled { return_id: return_id.clone() },
        OrderEvent::Returned { return_id, lines: units() },
    ]
}

fn stored<E: Serialize>(events: &[E]) -> String {
    events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

fn published<A: Aggregate>(stream: &Stream<A>, events: Vec<A::Event>) -> String {
    let told = events.into_iter().map(|event| {
        let recorded = Recorded {
            partition: PartitionId(0),
            position: 1,
            stream: stream.name().clone(),
            version: 1,
            at: at(1_000),
            batch: BatchId(Uuid::from_u128(1)),
            metadata: Arc::new(Metadata::default()),
            payload: Payload::new(Arc::new(event)).unwrap(),
        };
        let Some(told) = publish(&recorded).unwrap() else { return "-\n".to_owned() };
        // What concerns one order stays in order.
        assert_eq!((&*told.key, &*told.subject), ("o-7", stream.name().id()));
        format!("{} {}\n", told.kind, String::from_utf8(told.data.to_vec()).unwrap())
    });
    told.collect()
}

#[test]
fn stored_events() {
    let (shipments, returns, orders) = (stored(&shipment_events()), stored(&return_events()), stored(&order_events()));
    insta::assert_snapshot!(format!("# shipment\n{shipments}# return\n{returns}# order\n{orders}"));
}

#[test]
fn published_events() {
    let shipments = published(&Shipment::stream(&shipment()), shipment_events());
    let returns = published(&GoodsReturn::stream(&ReturnId::parse("r-1").unwrap()), return_events());
    insta::assert_snapshot!(format!("# shipment\n{shipments}# return\n{returns}"));
}
