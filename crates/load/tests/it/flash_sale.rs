//! The flash sale and its judge: a right server passes, and each wrong one fails by name.

use comanda_load::{FlashSale, FlashSaleReport, Verdict};

use crate::fake_shop::{Fault, start};

async fn hold(fault: Fault) -> (FlashSaleReport, Verdict) {
    let server = start(fault).await;
    let mut sale = FlashSale::new(server.addr, "HOT");
    (sale.stock, sale.buyers, sale.connections) = (50, 400, 24);
    sale.prepare().await.unwrap();
    let report = sale.run().await.unwrap();
    let verdict = sale.judge(&report).await.unwrap();
    (report, verdict)
}

fn failed(verdict: &Verdict) -> Vec<&str> {
    verdict.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_server_sells_exactly_what_there_is() {
    let (report, verdict) = hold(Fault::Nothing).await;
    assert!(verdict.ok, "{verdict:#?}");
    assert_eq!((report.accepted, report.rejected, report.unanswered), (50, 350, 0));
    assert_eq!(verdict.oversold, 0);
    assert!(report.duplicates_answered_again > 0, "{report:?}");
    assert_eq!(report.latency.count, report.answers);
    assert!(report.answers >= 400 && report.wait.max_us >= report.latency.p50_us);
    let json = serde_json::to_value((&report, &verdict)).unwrap();
    assert_eq!(json[0]["accepted"], 50);
    assert_eq!(json[1]["checks"][0]["ok"], true);
}

#[tokio::test]
async fn a_busy_server_and_one_that_loses_answers_are_asked_until_they_answer() {
    for fault in [Fault::Busy, Fault::LosesAnswers] {
        let (report, verdict) = hold(fault).await;
        assert!(verdict.ok, "{fault:?}: {verdict:#?}");
        assert_eq!((report.accepted, report.rejected), (50, 350), "{fault:?}");
    }
}

#[tokio::test]
async fn overselling_is_caught_and_counted() {
    let (report, verdict) = hold(Fault::Oversells).await;
    assert_eq!(report.accepted, 400);
    assert_eq!(verdict.oversold, 350);
    assert!(!verdict.ok && failed(&verdict).contains(&"nothing is oversold"), "{verdict:#?}");
}

#[tokio::test]
async fn a_forgotten_reservation_is_caught() {
    let (_, verdict) = hold(Fault::Forgets).await;
    let failed = failed(&verdict);
    assert!(failed.contains(&"every acknowledged reservation is there"), "{verdict:#?}");
    assert!(failed.contains(&"nothing is oversold"), "what was forgotten was sold again: {verdict:#?}");
}

#[tokio::test]
async fn a_retry_that_takes_a_second_unit_is_caught() {
    let (_, verdict) = hold(Fault::HoldsTwice).await;
    let failed = failed(&verdict);
    assert!(failed.contains(&"every counter is the sum of its reservations"), "{verdict:#?}");
    assert!(failed.contains(&"the ledger holds each reservation exactly once"), "{verdict:#?}");
}

#[tokio::test]
async fn a_view_that_never_reaches_an_acknowledged_command_is_a_finding_not_an_error() {
    let (_, verdict) = hold(Fault::LosesTheLog).await;
    assert_eq!(failed(&verdict), ["the views reach every acknowledged command"], "{verdict:#?}");
}

#[test]
fn a_sale_is_of_the_size_that_is_promised() {
    let addr = ([127, 0, 0, 1], 1).into();
    let sale = FlashSale::new(addr, "HOT");
    assert_eq!((sale.stock, sale.buyers, sale.connections), (500, 5_000, 256));
}
