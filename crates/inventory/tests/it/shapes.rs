//! The shape of stored events and states, locked: an old log must stay readable. If this fails, do not change the
//! snapshot of an event that has been released: add a new event, or a field with a default.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::testkit::ShapeLock;
use cqrs::{Aggregate, Timestamp};

use comanda_inventory::domain::cycle_count::{AppliedLine, CountEvent, CycleCount, LineToCount, Scope, Tally};
use comanda_inventory::domain::ids::{ActorId, Bin, DeliveryId, OrderId, OwnerId, ReceiptId, TransferId};
use comanda_inventory::domain::location::{Coordinates, Location, LocationDetails, LocationEvent};
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::receipt::{
    ExpectedLine, Receipt, ReceiptEvent, ReceivedUnits, RescheduledLine, UnannouncedLine,
};
use comanda_inventory::domain::reservation::order::{CommittedLine, ForOrder, LineShortfall, PickFrom, Refusal};
use comanda_inventory::domain::reservation::sourcing::Strategy;
use comanda_inventory::domain::reservation::{Line, LineUnits, Reservation, ReservationEvent};
use comanda_inventory::domain::stock_item::{
    Allocation, Arrival, BackorderTerms, Bucket, Condition, Delivery, Details, Disposition, Fate, Hold, Inbound, Level,
    StockEvent, StockItem,
};
use comanda_inventory::domain::transfer::{ArrivedUnits, RequestedLine, Transfer, TransferEvent};

use crate::house::{line, place, reservation, sku};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn hold(expires_at: Option<Timestamp>) -> Hold {
    Hold {
        reservation: reservation("cart-7"),
        line: line("1"),
        location: place("main"),
        quantity: 2,
        expires_at,
        owner: None,
    }
}

fn returned(disposition: Disposition) -> StockEvent {
    StockEvent::Returned { location: place("main"), quantity: 1, disposition, reference: "ret-1".into() }
}

fn regraded(from: Condition, to: Fate, reference: Option<Arc<str>>) -> StockEvent {
    StockEvent::Regraded { location: place("main"), quantity: 1, from, to, reason: Reason::QualityControl, reference }
}

fn stock_events() -> Vec<StockEvent> {
    let details = Details { name: Some("Tea".into()), safety_stock: 1, backorder_limit: 5 };
    let bucket = Bucket { expires_at: at(900_000), location: place("main"), quantity: 2 };
    let reference = Some("https://example.com/notes/1".into());
    let level = Level { on_hand: 9, committed: 1, reserved: 2, damaged: 1, quality_control: 1 };
    let (ann, bob) = (OwnerId::parse("ann").unwrap(), OwnerId::parse("bob").unwrap());
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
        regraded(Condition::Sellable, Fate::QualityControl, None),
        regraded(Condition::QualityControl, Fate::Sellable, Some("inspection/7".into())),
        regraded(Condition::Sellable, Fate::Damaged, None),
        regraded(Condition::Damaged, Fate::Scrapped, None),
        regraded(Condition::Damaged, Fate::ReturnedToSupplier, None),
        StockEvent::BalanceStruck { details: Details::default(), levels: [(place("main"), level)].into() },
        StockEvent::Held(Hold { owner: Some(ann.clone()), ..hold(None) }),
        StockEvent::HoldTransferred { hold: Hold { owner: Some(ann), ..hold(None) }, owner: bob },
    ]
    .into_iter()
    .chain(inbound_events())
    .collect()
}

fn inbound_events() -> Vec<StockEvent> {
    let (receipt, transfer) = (ReceiptId::parse("po-1").unwrap(), TransferId::parse("t-1").unwrap());
    let (by, location, expected_at) = (Inbound::Receipt(receipt), place("main"), at(900_000));
    let arrival = Arrival { by: by.clone(), line: line("1"), location: location.clone(), quantity: 5, expected_at };
    let delivery = Delivery {
        by,
        line: line("1"),
        delivery: DeliveryId::parse("truck-1").unwrap(),
        location,
        quantity: 4,
        damaged: 0,
        expected: 0,
        expected_at: None,
    };
    let late = Delivery { damaged: 1, expected: 3, expected_at: Some(expected_at), ..delivery.clone() };
    let moved = Arrival { by: Inbound::Transfer(transfer), ..arrival.clone() };
    vec![
        StockEvent::Expected(arrival.clone()),
        StockEvent::Withdrawn(arrival),
        StockEvent::Delivered(delivery),
        StockEvent::Delivered(late),
        StockEvent::Transferred { from: place("berlin"), arrival: moved.clone() },
        StockEvent::LostInTransit(moved),
        StockEvent::BackordersChanged(BackorderTerms::default()),
        StockEvent::BackordersChanged(BackorderTerms { from: Some(at(900_000)), incoming_only: true }),
        StockEvent::BackordersOpened { location: place("main"), quantity: 3 },
    ]
}

fn transfer_events() -> Vec<TransferEvent> {
    let (line_id, delivery) = (line("1"), DeliveryId::parse("van-1").unwrap());
    let wanted = RequestedLine { line_id, sku: sku("TEA"), quantity: 5 };
    let units = |quantity, damaged, lost| ArrivedUnits { line_id: line("1"), quantity, damaged, lost };
    vec![
        TransferEvent::Requested { from: place("main"), to: place("berlin"), lines: vec![wanted] },
        TransferEvent::Shipped { expected_at: at(900_000) },
        TransferEvent::Received { delivery, lines: vec![units(2, 0, 0), units(1, 1, 1)] },
        TransferEvent::Cancelled,
    ]
}

fn receipt_events() -> Vec<ReceiptEvent> {
    let (line_id, delivery) = (line("1"), DeliveryId::parse("truck-1").unwrap());
    let expected = ExpectedLine { line_id: line_id.clone(), sku: sku("TEA"), quantity: 5, expected_at: at(900_000) };
    let came = |damaged| UnannouncedLine { line_id: line("1"), sku: sku("TEA"), quantity: 5, damaged };
    let units = |damaged| ReceivedUnits { line_id: line("1"), quantity: 3, damaged };
    let supplier_reference = Some("PO 4711".into());
    vec![
        ReceiptEvent::Expected { location: place("main"), supplier_reference, lines: vec![expected] },
        ReceiptEvent::Received { delivery, lines: vec![units(0), units(1)] },
        ReceiptEvent::Rescheduled { lines: vec![RescheduledLine { line_id, expected_at: at(1_800_000) }] },
        ReceiptEvent::Cancelled,
        ReceiptEvent::Closed,
        ReceiptEvent::Unannounced { location: place("main"), supplier_reference: None, lines: vec![came(0), came(1)] },
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
        beyond: 0,
        consumed: 0,
        released: false,
    };
    let ann = OwnerId::parse("ann").unwrap();
    let insisting = Line { location: Some(place("berlin")), allocations: Vec::new(), ..plain.clone() };
    vec![
        ReservationEvent::Reserved {
            lines: Arc::new(vec![plain.clone()]),
            ttl_ms: None,
            expires_at: None,
            allow_partial: false,
            owner: None,
            strategy: None,
        },
        ReservationEvent::Reserved {
            lines: Arc::new(vec![plain.clone(), insisting]),
            ttl_ms: Some(900_000),
            expires_at: Some(at(900_000)),
            allow_partial: true,
            owner: Some(ann.clone()),
            strategy: Some(Strategy::Nearest { destination: Coordinates::parse(52.52, 13.405).unwrap() }),
        },
        ReservationEvent::ItemReserved(Line { beyond: 1, ..plain }),
        ReservationEvent::HeldAgain { lines: vec![units()], beyond: BTreeMap::new() },
        ReservationEvent::HeldAgain { lines: vec![units()], beyond: [(line("1"), 1)].into() },
        ReservationEvent::Confirmed,
        ReservationEvent::Extended { expires_at: at(900_000) },
        ReservationEvent::Released,
        ReservationEvent::ItemReleased { sku: sku("TEA") },
        ReservationEvent::Consumed { lines: vec![units()] },
        ReservationEvent::Transferred { owner: ann },
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

fn count_events() -> Vec<CountEvent> {
    let by = || ActorId::parse("mia").unwrap();
    let bin = Bin::parse("A-01").unwrap();
    let scope = Scope { skus: [sku("TEA")].into(), bins: [bin.clone()].into() };
    let expected = LineToCount { sku: sku("TEA"), bin: Some(bin), expected: 9 };
    let tally = Tally { sku: sku("TEA"), counted: 7, booked: 9, version: 12, corrections: 1 };
    let applied = AppliedLine { sku: sku("TEA"), moved_since: 2, delta: -2, on_hand: 9 };
    vec![
        CountEvent::Requested { location: place("berlin"), scope, lines: vec![expected], tolerance: 1, by: by() },
        CountEvent::Counted { by: by(), tallies: vec![tally] },
        CountEvent::RecountRequested { by: by(), skus: vec![sku("TEA")] },
        CountEvent::Reviewed { by: by() },
        CountEvent::Applied { by: by(), lines: vec![applied] },
        CountEvent::Cancelled { by: by(), reason: Some("rain".into()) },
        CountEvent::Cancelled { by: by(), reason: None },
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

fn location_events() -> Vec<LocationEvent> {
    let named = LocationDetails { name: Some("Berlin".into()), ..LocationDetails::default() };
    let coordinates = Some(Coordinates::parse(52.52, -13.405).unwrap());
    vec![
        LocationEvent::Registered(LocationDetails::default()),
        LocationEvent::Registered(named.clone()),
        LocationEvent::Changed(LocationDetails { priority: Some(2), coordinates, ..named }),
    ]
}

#[test]
fn stored_events_keep_their_shape() {
    let locations = location_events();
    let parts = [
        "# stock",
        &stored(&stock_events()),
        "# reservation",
        &stored(&reservation_events()),
        "# location",
        &stored(&locations),
        "# receipt",
        &stored(&receipt_events()),
        "# transfer",
        &stored(&transfer_events()),
        "# count",
        &stored(&count_events()),
    ];
    insta::assert_snapshot!("stored_events", parts.join("\n"));
}

/// The samples that stay readable.
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/inventory.json");

#[test]
fn stored_events_are_locked() {
    let locations = location_events();
    let lock = ShapeLock::read(LOCK, &std::fs::read_to_string(LOCK).unwrap());
    let lock = lock.kind::<StockItem>(&stock_events()).kind::<Reservation>(&reservation_events());
    let lock = lock
        .kind::<Receipt>(&receipt_events())
        .kind::<CycleCount>(&count_events())
        .kind::<Transfer>(&transfer_events());
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
    let mut receipt = Receipt::default();
    for event in receipt_events() {
        receipt.apply(&event);
        let json = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);
    }
    let mut transfer = Transfer::default();
    for event in transfer_events() {
        transfer.apply(&event);
        let json = serde_json::to_string(&transfer).unwrap();
        assert_eq!(serde_json::from_str::<Transfer>(&json).unwrap(), transfer);
    }

    let mut count = CycleCount::default();
    for event in count_events() {
        count.apply(&event);
        let json = serde_json::to_string(&count).unwrap();
        assert_eq!(serde_json::from_str::<CycleCount>(&json).unwrap(), count);
    }
    let mut reservation = Reservation::default();
    for event in reservation_events() {
        reservation.apply(&event);
        let json = serde_json::to_string(&reservation).unwrap();
        assert_eq!(serde_json::from_str::<Reservation>(&json).unwrap(), reservation);
    }
}
