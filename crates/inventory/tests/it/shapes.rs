//! The shape of stored events and states, locked: an old log must stay readable. If this fails, do not change the
//! snapshot of an event that has been released: add a new event, or a field with a default.

use cqrs::testkit::ShapeLock;
use cqrs::{Aggregate, Timestamp};

use comanda_inventory::domain::ids::{Bin, OrderId};
use comanda_inventory::domain::location::{Location, LocationEvent};
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::reservation::order::{CommittedLine, ForOrder, LineShortfall, PickFrom, Refusal};
use comanda_inventory::domain::reservation::{Line, LineUnits, Reservation, ReservationEvent};
use comanda_inventory::domain::stock_item::{Allocation, Bucket, Details, Disposition, Hold, StockEvent, StockItem};

use crate::house::{line, place, reservation, sku};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn hold(expires_at: Option<Timestamp>) -> Hold {
    Hold { reservation: reservation("cart-7"), line: line("1"), location: place("main"), quantity: 2, expires_at }
}

fn returned(disposition: Disposition) -> StockEvent {
    StockEvent::Returned { location: place("main"), quantity: 1, disposition, reference: "ret-1".into() }
}

fn stock_events() -> Vec<StockEvent> {
    let details = Details { name: Some("Tea".into()), safety_stock: 1, backorder_limit: 5 };
    let bucket = Bucket { expires_at: at(900_000), location: place("main"), quantity: 2 };
    let reference = Some("https://example.com/notes/1".into());
    vec![
        StockEvent::Registered(Details::default()),
        StockEvent::DetailsChanged(details),
        StockEvent::Adjusted { location: place("main"), delta: -1, reason: Reason::CycleCount, reference },
        StockEvent::Adjusted { location: place("main"), delta: 9, reason: Reason::Received, reference: None },
        StockEvent::Replenished { location: place("main"), quantity: 10 },
        StockEvent::Held(hold(Some(at(900_000)))),
        StockEvent::HoldExtended { hold: hold(Some(at(900_000))), until: at(1_800_000) },
        StockEvent::HoldConfirmed(hold(Some(at(1_800_000)))),
        StockEvent::Consumed(hold(None)),
        StockEvent::Held(hold(None)),
        StockEvent::HoldReleased(hold(None)),
        StockEvent::CommitmentReleased(hold(None)),
        StockEvent::HoldsExpired { buckets: vec![bucket], next: Some(at(900_010)) },
        StockEvent::HoldsExpired { buckets: Vec::new(), next: None },
        StockEvent::Committed(hold(None)),
        returned(Disposition::Restock),
        returned(Disposition::Damaged),
        returned(Disposition::Scrap),
        StockEvent::PromisableRaised { location: place("main"), quantity: 3 },
        StockEvent::BinAssigned { location: place("main"), bin: Bin::parse("A-01-03-2").unwrap() },
    ]
}

fn reservation_events() -> Vec<ReservationEvent> {
    let units =
        || LineUnits { line_id: line("1"), allocations: vec![Allocation { location: place("main"), quantity: 2 }] };
    let plain = Line {
        line_id: line("1"),
        sku: sku("TEA"),
        requested: 2,
        location: None,
        allocations: units().allocations,
        consumed: 0,
        released: false,
    };
    let insisting = Line { location: Some(place("berlin")), allocations: Vec::new(), ..plain.clone() };
    vec![
        ReservationEvent::Reserved { lines: vec![plain.clone()], ttl_ms: None, expires_at: None, allow_partial: false },
        ReservationEvent::Reserved {
            lines: vec![plain.clone(), insisting],
            ttl_ms: Some(900_000),
            expires_at: Some(at(900_000)),
            allow_partial: true,
        },
        ReservationEvent::ItemReserved(plain),
        ReservationEvent::HeldAgain { lines: vec![units()] },
        ReservationEvent::Confirmed,
        ReservationEvent::Extended { expires_at: at(900_000) },
        ReservationEvent::Released,
        ReservationEvent::ItemReleased { sku: sku("TEA") },
        ReservationEvent::Consumed { lines: vec![units()] },
    ]
    .into_iter()
    .chain(order_events(units()))
    .collect()
}

fn order_events(units: LineUnits) -> Vec<ReservationEvent> {
    let order_id = OrderId::parse("o-1").unwrap();
    let order = ForOrder { order_id: order_id.clone(), attempt: 2 };
    let from = |bin| PickFrom { location: place("main"), bin, quantity: 2 };
    let whole =
        CommittedLine { line_id: line("1"), sku: sku("TEA"), requested: 2, from: vec![from(None)], short: None };
    let bin = Some(Bin::parse("A-01-03-2").unwrap());
    let short = Some(Refusal::InsufficientStock);
    let partly = CommittedLine { requested: 3, from: vec![from(bin)], short, ..whole.clone() };
    let none = CommittedLine { from: Vec::new(), short: Some(Refusal::UnknownSku), ..whole.clone() };
    let shortfall = LineShortfall { line_id: line("1"), sku: sku("TEA"), requested: 2, available: 1 };
    let refused = |code| ReservationEvent::Refused { order: order.clone(), code, shortfalls: Vec::new() };
    vec![
        ReservationEvent::Committed { order: order.clone(), lines: vec![whole], allow_partial: false },
        ReservationEvent::Committed { order: order.clone(), lines: vec![partly, none], allow_partial: true },
        ReservationEvent::Refused {
            order: order.clone(),
            code: Refusal::InsufficientStock,
            shortfalls: vec![shortfall],
        },
        refused(Refusal::AlreadyReleased),
        refused(Refusal::Conflict),
        refused(Refusal::Invalid),
        ReservationEvent::GivenBack { order_id: order_id.clone(), lines: vec![units.clone()], ended: false },
        ReservationEvent::GivenBack { order_id: order_id.clone(), lines: Vec::new(), ended: true },
        ReservationEvent::Shipped { order_id, reference: "s-1".into(), lines: vec![units] },
    ]
}

/// One line of JSON per event, as the log stores it; each reads back as itself.
fn stored<E>(events: &[E]) -> String
where
    E: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let line = |event: &E| {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<E>(&json).unwrap(), event);
        json
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn stored_events_keep_their_shape() {
    let locations =
        [LocationEvent::Registered { name: None }, LocationEvent::Registered { name: Some("Berlin".into()) }];
    let parts = [
        "# stock",
        &stored(&stock_events()),
        "# reservation",
        &stored(&reservation_events()),
        "# location",
        &stored(&locations),
    ];
    insta::assert_snapshot!("stored_events", parts.join("\n"));
}

/// The samples that stay readable.
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/inventory.json");

#[test]
fn stored_events_are_locked() {
    let locations =
        [LocationEvent::Registered { name: None }, LocationEvent::Registered { name: Some("Berlin".into()) }];
    let lock = ShapeLock::read(LOCK, &std::fs::read_to_string(LOCK).unwrap());
    let lock = lock.kind::<StockItem>(&stock_events()).kind::<Reservation>(&reservation_events());
    lock.kind::<Location>(&locations).holds(|file, text| std::fs::write(file, text));
}

#[test]
fn a_snapshot_of_a_state_reads_back_as_itself() {
    let mut item = StockItem::default();
    for event in stock_events() {
        item.apply(&event);
        let json = serde_json::to_string(&item).unwrap();
        assert_eq!(serde_json::from_str::<StockItem>(&json).unwrap(), item);
    }
    let mut reservation = Reservation::default();
    for event in reservation_events() {
        reservation.apply(&event);
        let json = serde_json::to_string(&reservation).unwrap();
        assert_eq!(serde_json::from_str::<Reservation>(&json).unwrap(), reservation);
    }
}
