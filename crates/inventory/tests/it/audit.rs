//! The audit shown to bark: logs that no rule would have written, and what it says of each.

use std::sync::Arc;

use comanda_inventory::application::audit::{Audit, Books};
use comanda_inventory::domain::ids::{DeliveryId, LocationId, OrderId, ReceiptId, TransferId};
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::receipt::{ExpectedLine, Receipt, ReceiptEvent, ReceivedUnits};
use comanda_inventory::domain::reservation::order::{CommittedLine, ForOrder, PickFrom};
use comanda_inventory::domain::reservation::{Line, Reservation, ReservationEvent};
use comanda_inventory::domain::stock_item::{
    Allocation, Arrival, Bucket, Condition, Delivery, Details, Disposition, Fate, Hold, Inbound, Level, StockEvent,
    StockItem,
};
use comanda_inventory::domain::transfer::{ArrivedUnits, RequestedLine, Transfer, TransferEvent};
use cqrs::{Aggregate, BatchId, PartitionId, Payload, Recorded, StreamName, Timestamp};

use crate::house::{line, place, reservation, sku};

/// A log under construction: one SKU, TEA, of which ten came in.
struct Log(Vec<Recorded>);

impl Log {
    fn open() -> Self {
        let main = LocationId::main();
        Self(Vec::new())
            .stock(0, StockEvent::Registered(Details::default()))
            .stock(0, StockEvent::Replenished { location: main, quantity: 10 })
    }

    fn stock(self, at: i64, event: StockEvent) -> Self {
        self.add::<StockItem>("TEA", at, event)
    }

    fn of(self, id: &str, at: i64, event: ReservationEvent) -> Self {
        self.add::<Reservation>(id, at, event)
    }

    fn add<A: Aggregate>(mut self, id: &str, at: i64, event: A::Event) -> Self {
        let position = self.0.len() as u64 + 1;
        self.0.push(Recorded {
            partition: PartitionId(0),
            position,
            stream: StreamName::new(A::KIND, id),
            version: position,
            at: Timestamp::from_millis(at),
            batch: BatchId::generate(),
            metadata: Arc::default(),
            payload: Payload::new(Arc::new(event)).unwrap(),
        });
        self
    }

    fn books(&self) -> Books {
        let mut audit = Audit::default();
        self.0.iter().for_each(|event| audit.see(event));
        audit.finish()
    }

    #[track_caller]
    fn finds(&self, what: &str) {
        let books = self.books();
        assert!(books.findings.iter().any(|finding| finding.contains(what)), "{books:?}");
    }
}

fn hold(id: &str, quantity: i64, until: Option<i64>) -> Hold {
    let expires_at = until.map(Timestamp::from_millis);
    Hold {
        reservation: reservation(id),
        line: line("1"),
        location: LocationId::main(),
        quantity,
        expires_at,
        owner: None,
    }
}

fn reserved(quantity: i64, until: Option<i64>) -> ReservationEvent {
    let whole = Line {
        line_id: line("1"),
        sku: sku("TEA"),
        requested: quantity,
        location: None,
        allocations: vec![Allocation { location: LocationId::main(), quantity }],
        beyond: 0,
        consumed: 0,
        released: false,
    };
    let expires_at = until.map(Timestamp::from_millis);
    ReservationEvent::Reserved {
        lines: Arc::new(vec![whole]),
        ttl_ms: until,
        expires_at,
        allow_partial: false,
        owner: None,
        strategy: None,
    }
}

fn expired(at: i64, quantity: i64) -> StockEvent {
    let bucket = Bucket { expires_at: Timestamp::from_millis(at), location: LocationId::main(), quantity };
    StockEvent::HoldsExpired { buckets: vec![bucket], next: None }
}

#[test]
fn a_sound_log_passes() {
    let log = Log::open()
        .of("a", 1, reserved(4, Some(50)))
        .stock(1, StockEvent::Held(hold("a", 4, Some(50))))
        .of("b", 2, reserved(6, None))
        .stock(2, StockEvent::Held(hold("b", 6, None)))
        .of("b", 3, ReservationEvent::Confirmed)
        .stock(3, StockEvent::HoldConfirmed(hold("b", 6, None)))
        .stock(60, expired(50, 4));
    assert_eq!(log.books(), Books { skus: 1, reservations: 2, oversold: 0, findings: Vec::new() });
}

#[test]
fn a_commitment_to_an_order_counts_as_any_other() {
    let lines = vec![CommittedLine {
        line_id: line("1"),
        sku: sku("TEA"),
        requested: 4,
        from: vec![PickFrom { location: LocationId::main(), bin: None, quantity: 4 }],
        short: None,
    }];
    let order = ForOrder { order_id: OrderId::parse("o1").unwrap(), attempt: 1 };
    let committed = ReservationEvent::Committed { order, lines, allow_partial: false };
    let told = Log::open().of("o1~1", 1, committed);
    told.finds("line 1 has 4 units at main, the stock holds 0");
    let damaged = |quantity| StockEvent::Returned {
        location: LocationId::main(),
        quantity,
        disposition: Disposition::Damaged,
        reference: "ret-1".into(),
    };
    let sound = told.stock(1, StockEvent::Committed(hold("o1~1", 4, None))).stock(2, damaged(3));
    assert_eq!(sound.books(), Books { skus: 1, reservations: 1, oversold: 0, findings: Vec::new() });
    let twice = sound.stock(3, StockEvent::Committed(hold("o2~1", 7, None)));
    assert_eq!(twice.books().oversold, 1, "what is damaged cannot be promised");
    twice.finds("reservation o2~1, which does not exist");
}

#[test]
fn a_balance_that_does_not_add_up_is_found() {
    let struck = |on_hand| {
        let level = Level { on_hand, ..Level::default() };
        StockEvent::BalanceStruck { details: Details::default(), levels: [(LocationId::main(), level)].into() }
    };
    let sound = Log::open().stock(1, struck(10));
    assert_eq!(sound.books(), Books { skus: 1, reservations: 0, oversold: 0, findings: Vec::new() });
    sound.stock(2, struck(11)).finds("a balance was struck that is not what the events before it add up to");
}

#[test]
fn units_in_quality_control_count_as_not_for_sale() {
    let regraded = |quantity, from, to| StockEvent::Regraded {
        location: LocationId::main(),
        quantity,
        from,
        to,
        reason: Reason::QualityControl,
        reference: None,
    };
    let sound = Log::open()
        .stock(1, regraded(4, Condition::Sellable, Fate::QualityControl))
        .stock(2, regraded(1, Condition::QualityControl, Fate::Damaged))
        .stock(3, regraded(1, Condition::Damaged, Fate::Scrapped))
        .stock(4, regraded(1, Condition::QualityControl, Fate::Sellable));
    assert_eq!(sound.books(), Books { skus: 1, reservations: 0, oversold: 0, findings: Vec::new() });
    let sold = sound.of("a", 5, reserved(8, None)).stock(5, StockEvent::Held(hold("a", 8, None)));
    assert_eq!(sold.books().oversold, 1, "two are in quality control, nine on hand");
    Log::open().stock(1, regraded(1, Condition::QualityControl, Fate::Sellable)).finds("a counter is negative");
}

#[test]
fn a_unit_sold_twice_is_counted_even_if_it_came_back_later() {
    let log = Log::open()
        .of("a", 1, reserved(8, None))
        .stock(1, StockEvent::Held(hold("a", 8, None)))
        .of("b", 2, reserved(5, None))
        .stock(2, StockEvent::Held(hold("b", 5, None)))
        .of("b", 3, ReservationEvent::Released)
        .stock(3, StockEvent::HoldReleased(hold("b", 5, None)));
    assert_eq!(log.books().oversold, 3);
    log.finds("more is promised than stock and backorders cover");
}

#[test]
fn a_hold_that_no_reservation_knows_is_found() {
    Log::open().stock(1, StockEvent::Held(hold("ghost", 1, None))).finds("reservation ghost, which does not exist");
}

#[test]
fn a_reservation_that_holds_nothing_is_found() {
    Log::open().of("a", 1, reserved(4, None)).finds("line 1 has 4 units at main, the stock holds 0");
}

#[test]
fn a_hold_left_behind_by_a_release_is_found() {
    Log::open()
        .of("a", 1, reserved(4, None))
        .stock(1, StockEvent::Held(hold("a", 4, None)))
        .of("a", 2, ReservationEvent::Released)
        .finds("is held for its line 1, of which it knows nothing");
}

#[test]
fn an_expiry_of_more_than_was_held_is_found() {
    Log::open()
        .of("a", 1, reserved(4, Some(50)))
        .stock(1, StockEvent::Held(hold("a", 4, Some(50))))
        .stock(60, expired(50, 5))
        .finds("5 units expired, the holds that ended then are 4");
}

#[test]
fn an_expiry_before_its_time_is_found() {
    Log::open()
        .of("a", 1, reserved(4, Some(50)))
        .stock(1, StockEvent::Held(hold("a", 4, Some(50))))
        .stock(40, expired(50, 4))
        .finds("was expired at 40 ms");
}

#[test]
fn a_release_of_other_units_than_were_held_is_found() {
    Log::open()
        .of("a", 1, reserved(4, None))
        .stock(1, StockEvent::Held(hold("a", 4, None)))
        .stock(2, StockEvent::HoldReleased(hold("a", 3, None)))
        .finds("ended, but what was held is");
}

fn inbound() -> Inbound {
    Inbound::Receipt(ReceiptId::parse("po-1").unwrap())
}

fn arrival(quantity: i64) -> Arrival {
    let expected_at = Timestamp::from_millis(90);
    Arrival { by: inbound(), line: line("1"), location: LocationId::main(), quantity, expected_at }
}

fn delivered(quantity: i64, damaged: i64) -> StockEvent {
    let (by, line, location) = (inbound(), line("1"), LocationId::main());
    let (delivery, expected_at) = (DeliveryId::parse("d1").unwrap(), Some(Timestamp::from_millis(90)));
    StockEvent::Delivered(Delivery { by, line, delivery, location, quantity, damaged, expected: quantity, expected_at })
}

impl Log {
    fn receipt(self, at: i64, event: ReceiptEvent) -> Self {
        self.add::<Receipt>("po-1", at, event)
    }

    /// Five TEA are to come with receipt po-1.
    fn expecting() -> Self {
        let expected_at = Timestamp::from_millis(90);
        let five = ExpectedLine { line_id: line("1"), sku: sku("TEA"), quantity: 5, expected_at };
        let (location, supplier_reference) = (LocationId::main(), None);
        let lines = vec![five];
        Self::open()
            .receipt(1, ReceiptEvent::Expected { location, supplier_reference, lines })
            .stock(1, StockEvent::Expected(arrival(5)))
    }

    fn received(self, quantity: i64, damaged: i64) -> Self {
        let lines = vec![ReceivedUnits { line_id: line("1"), quantity, damaged }];
        self.receipt(2, ReceiptEvent::Received { delivery: DeliveryId::parse("d1").unwrap(), lines })
    }
}

#[test]
fn receipts_and_what_came_of_them_add_up() {
    let log = Log::expecting().received(3, 1).stock(2, delivered(3, 1));
    assert_eq!(log.books(), Books { skus: 1, ..Books::default() });
    let closed = log.receipt(3, ReceiptEvent::Closed).stock(3, StockEvent::Withdrawn(arrival(2)));
    assert_eq!(closed.books(), Books { skus: 1, ..Books::default() });
}

#[test]
fn goods_that_came_twice_or_never_are_found() {
    Log::expecting().received(3, 1).finds("receipt po-1: waits for");
    Log::expecting().received(3, 1).stock(2, delivered(2, 1)).finds("of TEA it says");
    Log::expecting().received(3, 0).stock(2, delivered(3, 1)).finds("of TEA it says");
    let twice = Log::expecting().received(3, 0).stock(2, delivered(3, 0)).stock(2, delivered(3, 0));
    twice.finds("ended, but what was to come is");
    Log::open().stock(2, delivered(3, 0)).finds("came with receipt/po-1, which knows nothing of it");
}

#[test]
fn what_nobody_waits_for_and_what_is_waited_for_twice_is_found() {
    Log::open().stock(1, StockEvent::Expected(arrival(5))).finds("a delivery that knows nothing of it");
    Log::expecting().stock(1, StockEvent::Expected(arrival(5))).finds("is expected beside");
    Log::expecting().receipt(2, ReceiptEvent::Cancelled).finds("a delivery that knows nothing of it");
    Log::expecting().stock(2, StockEvent::Withdrawn(arrival(5))).finds("receipt po-1: waits for");
    let another_day = Arrival { expected_at: Timestamp::from_millis(91), ..arrival(5) };
    Log::expecting().stock(2, StockEvent::Withdrawn(another_day)).finds("as incoming, the deliveries say");
}

fn moved(quantity: i64) -> Arrival {
    Arrival { by: Inbound::Transfer(TransferId::parse("t-1").unwrap()), location: place("berlin"), ..arrival(quantity) }
}

fn arrived(quantity: i64) -> StockEvent {
    let Arrival { by, line, location, expected_at, .. } = moved(quantity);
    let delivery = DeliveryId::parse("d1").unwrap();
    let expected_at = Some(expected_at);
    StockEvent::Delivered(Delivery {
        by,
        line,
        delivery,
        location,
        quantity,
        damaged: 0,
        expected: quantity,
        expected_at,
    })
}

impl Log {
    fn transfer(self, at: i64, event: TransferEvent) -> Self {
        self.add::<Transfer>("t-1", at, event)
    }

    /// Five of the ten TEA have left for Berlin.
    fn in_transit() -> Self {
        let lines = vec![RequestedLine { line_id: line("1"), sku: sku("TEA"), quantity: 5 }];
        Self::open()
            .transfer(1, TransferEvent::Requested { from: LocationId::main(), to: place("berlin"), lines })
            .transfer(2, TransferEvent::Shipped { expected_at: Timestamp::from_millis(90) })
            .stock(2, StockEvent::Transferred { from: LocationId::main(), arrival: moved(5) })
    }

    fn arrived(self, quantity: i64, lost: i64) -> Self {
        let lines = vec![ArrivedUnits { line_id: line("1"), quantity, damaged: 0, lost }];
        self.transfer(3, TransferEvent::Received { delivery: DeliveryId::parse("d1").unwrap(), lines })
    }
}

#[test]
fn what_left_is_in_transit_has_come_or_is_lost() {
    let log = Log::in_transit();
    assert_eq!(log.books(), Books { skus: 1, ..Books::default() });
    let some = log.arrived(3, 1).stock(3, arrived(3)).stock(3, StockEvent::LostInTransit(moved(1)));
    assert_eq!(some.books(), Books { skus: 1, ..Books::default() });
}

#[test]
fn units_in_transit_that_vanish_or_multiply_are_found() {
    let vanished = Log::in_transit().stock(3, StockEvent::Withdrawn(moved(2)));
    vanished.finds("5 units left with line 1 of transfer/t-1: 3 are in transit, 0 came, 0 are lost");
    let multiplied = Log::in_transit().arrived(5, 0).stock(3, arrived(5)).stock(3, arrived(1));
    multiplied.finds("0 are in transit, 6 came, 0 are lost");
    Log::in_transit().arrived(3, 1).stock(3, arrived(3)).finds("transfer t-1: of TEA it says");
    Log::open()
        .stock(2, StockEvent::Transferred { from: LocationId::main(), arrival: moved(5) })
        .finds("of a delivery that knows nothing of it");
}
