//! Shipments are booked exactly once: whatever a carrier does, and whenever a worker dies.

use std::sync::Arc;
use std::time::Duration;

use comanda_fulfillment::application::book_shipments::{BookShipments, BookingWaits};
use comanda_fulfillment::application::shipments::{DueShipments, ShipmentById};
use comanda_fulfillment::domain::ids::{CarrierId, LocationId, ShipmentId};
use comanda_fulfillment::domain::order::ready_to_ship::MakeReadyToShip;
use comanda_fulfillment::domain::order::{OrderEvent, Policy};
use comanda_fulfillment::domain::shipment::plan::PlanShipment;
use comanda_fulfillment::domain::shipment::start_booking::StartBooking;
use comanda_fulfillment::domain::shipment::void::VoidShipment;
use comanda_fulfillment::domain::shipment::{Shipment, ShipmentStatus};
use cqrs::{Ask, Command, Dispatch, Envelope, Inquire, Token};

use crate::carrier::{Says, ScriptedCarrier};
use crate::house::{House, order_id};

/// The most looks after which everything must have come to rest.
const LOOKS_MAX: usize = 50;

struct Yard {
    house: House,
    carrier: Arc<ScriptedCarrier>,
    waits: BookingWaits,
}

impl Yard {
    /// One planned shipment, `s`, for a carrier that follows `script`.
    async fn open(script: &[Says]) -> Self {
        let mut house = House::open().await;
        house.inventory.register("TEA");
        house.inventory.receive("TEA", "main", 5);
        house.place("o", Policy::ShipAvailable, &[("TEA", 5)]).await;
        house.settle().await;
        house.send(MakeReadyToShip { order_id: order_id("o") }).await.unwrap();
        let waits = BookingWaits {
            // A call that hangs is given up after this much real time; all else is the log's time.
            call: Duration::from_millis(20),
            look_every: Duration::from_millis(1),
            ..BookingWaits::default()
        };
        let yard = Self { house, carrier: Arc::new(ScriptedCarrier::says(script)), waits };
        yard.send(plan()).await;
        yard
    }

    /// Sends a command and waits until the views have read it.
    async fn send<C: Command>(&self, command: C) -> C::Answer {
        let answered = self.house.commands.dispatch(Envelope::new(command)).await.unwrap();
        // A question to the view: one to the log would not have to wait for it.
        let due = Ask { query: DueShipments { limit: 1 }, token: Some(answered.token) };
        self.house.queries.ask(due).await.unwrap();
        answered.answer
    }

    async fn shipment(&self, token: Option<Token>) -> Option<Shipment> {
        let told = self.house.queries.ask(Ask { query: ShipmentById { shipment_id: id() }, token }).await.unwrap();
        told.answer.map(|(shipment, _)| shipment)
    }

    async fn status(&self) -> ShipmentStatus {
        self.shipment(None).await.unwrap().status()
    }

    fn worker(&self, name: &str) -> BookShipments {
        let (commands, queries) = (self.house.commands.clone(), self.house.queries.clone());
        BookShipments::new(name, commands, queries, Arc::clone(&self.carrier) as _, self.waits)
    }

    /// Looks again and again while time passes, until the shipment is where it stays.
    async fn until(&mut self, worker: &BookShipments, status: ShipmentStatus) {
        for _ in 0..LOOKS_MAX {
            worker.look().await;
            if self.status().await == status {
                return;
            }
            self.house.clock.advance(Duration::from_secs(60));
        }
        panic!("it is still {}", self.status().await);
    }
}

fn id() -> ShipmentId {
    ShipmentId::parse("s").unwrap()
}

fn plan() -> PlanShipment {
    PlanShipment {
        shipment_id: id(),
        order_id: order_id("o"),
        carrier: CarrierId::parse("dhl").unwrap(),
        lines: Vec::new(),
        from: Some(LocationId::parse("main").unwrap()),
        packages: 1,
    }
}

#[tokio::test]
async fn d13_whatever_the_carrier_does_it_has_the_shipment_once() {
    use Says::{Hangs, LostQuestion, LostYes, NotReached, Yes, YesAndHangs};
    for script in [
        &[Yes][..],
        &[LostYes],
        &[LostQuestion, Yes],
        &[YesAndHangs],
        &[Hangs, LostYes],
        &[NotReached, NotReached, Yes],
        &[NotReached, LostQuestion, Hangs, YesAndHangs],
    ] {
        let mut yard = Yard::open(script).await;
        let worker = yard.worker("one");
        yard.until(&worker, ShipmentStatus::Booked).await;
        for _ in 0..3 {
            yard.house.clock.advance(Duration::from_secs(3_600));
            assert_eq!(worker.look().await, 0, "{script:?}");
        }
        assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, script.len()), "{script:?}");
        assert_eq!(yard.shipment(None).await.unwrap().tracking_number(), Some("T-s"));
    }
}

#[tokio::test]
async fn a_carrier_that_takes_it_after_our_time_out_is_not_asked_again() {
    let mut yard = Yard::open(&[Says::SlowYes]).await;
    let worker = yard.worker("one");
    assert_eq!(worker.look().await, 1);
    // It is looked up before the carrier has taken it.
    yard.house.clock.advance(yard.waits.first_look);
    assert_eq!(worker.look().await, 1);
    assert_eq!(yard.status().await, ShipmentStatus::BookingUnknown);
    yard.carrier.catch_up();
    yard.until(&worker, ShipmentStatus::Booked).await;
    assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
}

#[tokio::test]
async fn a_carrier_that_cannot_say_is_never_asked_anew() {
    let mut yard = Yard::open(&[Says::LostYes]).await;
    let worker = yard.worker("one");
    yard.carrier.mute(true);
    for _ in 0..20 {
        worker.look().await;
        assert_eq!(yard.status().await, ShipmentStatus::BookingUnknown);
        yard.house.clock.advance(Duration::from_secs(3_600));
    }
    yard.carrier.mute(false);
    yard.until(&worker, ShipmentStatus::Booked).await;
    assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
}

#[tokio::test]
async fn a_worker_that_dies_between_intent_and_call_leaves_no_second_booking() {
    let mut yard = Yard::open(&[]).await;
    let BookingWaits { answer: answer_wait, settle: settle_wait, .. } = yard.waits;
    yard.send(StartBooking { shipment_id: id(), by: "dead".into(), answer_wait, settle_wait }).await;
    let worker = yard.worker("two");
    assert_eq!(worker.look().await, 0, "it may still be alive");
    assert_eq!(yard.status().await, ShipmentStatus::Booking);
    yard.until(&worker, ShipmentStatus::Booked).await;
    assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
}

#[tokio::test]
async fn a_worker_that_dies_between_yes_and_record_leaves_one_booking() {
    let mut yard = Yard::open(&[Says::YesAndHangs]).await;
    // It waits for ever for the carrier's answer, and dies meanwhile.
    let dying = BookShipments::new(
        "dying",
        yard.house.commands.clone(),
        yard.house.queries.clone(),
        Arc::clone(&yard.carrier) as _,
        BookingWaits { call: Duration::from_secs(20), ..yard.waits },
    );
    let carrier = Arc::clone(&yard.carrier);
    tokio::select! {
        _ = dying.look() => panic!("it hangs"),
        () = async { while carrier.taken("s") == 0 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(yard.status().await, ShipmentStatus::Booking);
    let worker = yard.worker("two");
    yard.until(&worker, ShipmentStatus::Booked).await;
    assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
}

#[tokio::test]
async fn of_two_workers_one_books() {
    for _ in 0..20 {
        let yard = Yard::open(&[]).await;
        let (one, two) = (yard.worker("one"), yard.worker("two"));
        tokio::join!(one.look(), two.look());
        assert_eq!(yard.status().await, ShipmentStatus::Booked);
        assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
    }
}

#[tokio::test]
async fn a_worker_runs_until_it_is_stopped() {
    let yard = Yard::open(&[]).await;
    let worker = yard.worker("one");
    let booked = async {
        while yard.status().await != ShipmentStatus::Booked {
            tokio::task::yield_now().await;
        }
    };
    worker.run(booked).await;
    assert_eq!((yard.carrier.taken("s"), yard.carrier.asked()), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_said_on_the_order_and_not_repeated() {
    let mut yard = Yard::open(&[Says::No]).await;
    let worker = yard.worker("one");
    yard.until(&worker, ShipmentStatus::BookingFailed).await;
    yard.house.clock.advance(Duration::from_secs(3_600));
    assert_eq!(worker.look().await, 0);
    yard.house.look().await;
    let refused = |event: &(String, OrderEvent)| matches!(&event.1, OrderEvent::BookingFailed { reason, .. } if &**reason == "too heavy");
    assert!(yard.house.events.iter().any(refused));
}

#[tokio::test]
async fn what_is_void_is_taken_back_even_if_the_carrier_takes_it_late() {
    let yard = Yard::open(&[Says::SlowYes]).await;
    let worker = yard.worker("one");
    assert_eq!(worker.look().await, 1);
    yard.send(VoidShipment { shipment_id: id(), reason: None }).await;
    yard.house.clock.advance(yard.waits.first_look);
    assert_eq!(worker.look().await, 0, "the carrier may still be taking it");
    yard.carrier.catch_up();
    yard.house.clock.advance(yard.waits.settle);
    assert_eq!(worker.look().await, 1);
    assert_eq!((yard.carrier.taken("s"), yard.shipment(None).await.unwrap().work_at()), (0, None));
}
