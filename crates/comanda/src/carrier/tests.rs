//! The client against the stand-in and against sockets that misbehave: what is booked once, and what is said of the rest.

use std::time::Duration;

use comanda_fulfillment::application::carrier::{Booking, Carrier, CarrierError, Consignment};
use comanda_fulfillment::domain::ids::{CarrierId, ShipmentId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::breaker::BreakerSettings;
use super::http::{HttpCarrier, HttpCarrierSettings};
use super::standin::{Behaviour, StandIn, Statistics};

fn patience(answer_ms: u64) -> HttpCarrierSettings {
    HttpCarrierSettings {
        answer_wait: Duration::from_millis(answer_ms),
        pause: Duration::from_millis(1),
        breaker: BreakerSettings { failures_max: 1_000, open_for: Duration::from_secs(60) },
        ..HttpCarrierSettings::default()
    }
}

async fn standin(behaviour: Behaviour) -> StandIn {
    StandIn::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), behaviour).unwrap()
}

fn client(standin: &StandIn, settings: HttpCarrierSettings) -> HttpCarrier {
    HttpCarrier::new(&format!("http://{}", standin.addr), settings).unwrap()
}

fn consignment(reference: &str) -> Consignment {
    Consignment { carrier: fast(), reference: shipment(reference), packages: 2 }
}

fn shipment(reference: &str) -> ShipmentId {
    ShipmentId::parse(reference).unwrap()
}

fn fast() -> CarrierId {
    CarrierId::parse("fast").unwrap()
}

/// A server that answers every connection with these bytes, after it has read a request.
async fn answering(bytes: &'static str) -> HttpCarrier {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0_u8; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(bytes.as_bytes()).await;
        }
    });
    HttpCarrier::new(&format!("http://{addr}"), patience(5_000)).unwrap()
}

fn is_unknown<T: std::fmt::Debug>(result: &Result<T, CarrierError>) -> bool {
    matches!(result, Err(CarrierError::Unknown(_)))
}

#[tokio::test]
async fn no_tenant_finds_or_takes_back_the_booking_of_another_one() {
    let standin = standin(Behaviour::default()).await;
    let of = |tenant| client(&standin, patience(5_000)).of_tenant(tenant);
    let tenants = [None, Some("one"), Some("other")];
    for (n, tenant) in tenants.into_iter().enumerate() {
        assert_eq!(of(tenant).find(&fast(), &shipment("s")).await, Ok(None), "before {n} have booked");
        of(tenant).book(&consignment("s")).await.unwrap();
    }
    of(Some("one")).cancel(&fast(), &shipment("s")).await.unwrap();
    assert_eq!(of(Some("one")).find(&fast(), &shipment("s")).await, Ok(None));
    assert!(of(None).find(&fast(), &shipment("s")).await.unwrap().is_some());
    assert_eq!((standin.statistics().bookings, standin.statistics().double_bookings), (3, 0));
    standin.stop().await;
}

#[tokio::test]
async fn a_consignment_is_booked_found_and_taken_back() {
    let standin = standin(Behaviour::default()).await;
    let carrier = client(&standin, patience(5_000));
    assert_eq!(carrier.find(&fast(), &shipment("s")).await, Ok(None));
    let booked = carrier.book(&consignment("s")).await.unwrap();
    assert_eq!(carrier.find(&fast(), &shipment("s")).await, Ok(Some(booked)));
    assert_eq!(carrier.cancel(&fast(), &shipment("s")).await, Ok(()));
    assert_eq!(carrier.cancel(&fast(), &shipment("s")).await, Ok(()), "what is not there counts as taken back");
    let expected = Statistics { bookings: 1, lookups: 2, cancellations: 1, ..Statistics::default() };
    assert_eq!(standin.statistics(), expected);
    standin.stop().await;
}

#[tokio::test]
async fn a_yes_that_is_not_heard_is_unknown_and_found_by_reference() {
    let standin = standin(Behaviour { timeout_after_yes_percent: 100, ..Behaviour::default() }).await;
    let carrier = client(&standin, patience(100));
    assert!(is_unknown(&carrier.book(&consignment("s")).await));
    assert_eq!(standin.statistics().bookings, 1, "it was asked once, not once more");
    let found = carrier.find(&fast(), &shipment("s")).await.unwrap();
    assert_eq!(found, Some(Booking { tracking_number: "ST0000000001".to_owned() }));
    assert_eq!(standin.statistics().double_bookings, 0);
}

#[tokio::test]
async fn whoever_asks_again_blindly_books_twice_and_is_told() {
    let blind = standin(Behaviour { timeout_after_yes_percent: 100, ..Behaviour::default() }).await;
    let carrier = client(&blind, patience(100));
    for _ in 0..2 {
        assert!(is_unknown(&carrier.book(&consignment("s")).await));
    }
    assert_eq!((blind.statistics().bookings, blind.statistics().double_bookings), (2, 1));

    let kind = standin(Behaviour { idempotent: true, ..Behaviour::default() }).await;
    let carrier = client(&kind, patience(5_000));
    assert_eq!(carrier.book(&consignment("s")).await, carrier.book(&consignment("s")).await);
    assert_eq!((kind.statistics().bookings, kind.statistics().double_bookings), (1, 0));
}

#[tokio::test]
async fn nobody_there_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let carrier = HttpCarrier::new(&format!("http://{addr}"), patience(5_000)).unwrap();
    let answered = carrier.book(&consignment("s")).await;
    assert!(matches!(answered, Err(CarrierError::NotReached { retry_after: None, .. })), "{answered:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_unknown() {
    let carrier = answering("").await;
    assert!(is_unknown(&carrier.book(&consignment("s")).await));
    let half = answering("HTTP/1.1 201 Created\r\ncontent-length: 40\r\n\r\n{\"tracking").await;
    assert!(is_unknown(&half.book(&consignment("s")).await));
    let empty = answering("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}").await;
    assert!(is_unknown(&empty.book(&consignment("s")).await), "a yes without a number");
}

#[tokio::test]
async fn what_the_carrier_answers_says_who_must_act() {
    let book = async |bytes| answering(bytes).await.book(&consignment("s")).await;
    let busy = book("HTTP/1.1 503 S\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n").await;
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(busy, Err(CarrierError::NotReached { retry_after, .. }) if retry_after == seven), "{busy:?}");
    assert!(is_unknown(&book("HTTP/1.1 503 S\r\ncontent-length: 0\r\n\r\n").await));
    assert!(is_unknown(&book("HTTP/1.1 500 S\r\ncontent-length: 0\r\n\r\n").await));
    assert!(is_unknown(&book("HTTP/1.1 408 S\r\ncontent-length: 0\r\n\r\n").await));
    assert!(is_unknown(&book("HTTP/1.1 307 S\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await));
    let refused = book("HTTP/1.1 422 S\r\ncontent-length: 26\r\n\r\n{\"code\":\"A\",\"detail\":\"b c\"}").await;
    assert!(matches!(&refused, Err(CarrierError::Refused(why)) if why.contains("422")), "{refused:?}");
}

#[tokio::test]
async fn a_404_from_somebody_else_is_no_word_on_the_booking() {
    let elsewhere = answering("HTTP/1.1 404 N\r\ncontent-length: 0\r\n\r\n").await;
    assert!(is_unknown(&elsewhere.find(&fast(), &shipment("s")).await));
}

#[tokio::test]
async fn failures_open_the_breaker_and_nobody_asks_any_more() {
    let standin = standin(Behaviour { timeout_after_yes_percent: 100, ..Behaviour::default() }).await;
    let breaker = BreakerSettings { failures_max: 2, open_for: Duration::from_secs(3_600) };
    let carrier = client(&standin, HttpCarrierSettings { breaker, ..patience(50) });
    for reference in ["a", "b"] {
        assert!(is_unknown(&carrier.book(&consignment(reference)).await));
    }
    let kept_out = carrier.book(&consignment("c")).await;
    assert!(matches!(kept_out, Err(CarrierError::NotReached { retry_after: Some(_), .. })), "{kept_out:?}");
    assert_eq!(standin.statistics().bookings, 2);
}

#[tokio::test]
async fn a_carrier_that_fails_at_random_never_books_what_is_looked_up_first() {
    let behaviour = Behaviour { fail_percent: 30, timeout_after_yes_percent: 20, seed: 7, ..Behaviour::default() };
    let standin = standin(behaviour).await;
    let carrier = client(&standin, patience(100));
    for number in 0..20 {
        let reference = format!("s-{number}");
        let mut asks = 0;
        // As the shipment does: an unknown outcome is looked up, and asked for again only if there is nothing.
        while carrier.find(&fast(), &shipment(&reference)).await.unwrap().is_none() {
            let _any = carrier.book(&consignment(&reference)).await;
            asks += 1;
            assert!(asks < 50, "{reference} is never booked");
        }
    }
    let Statistics { bookings, double_bookings, .. } = standin.statistics();
    assert_eq!((bookings, double_bookings), (20, 0));
}
