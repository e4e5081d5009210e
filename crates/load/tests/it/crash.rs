//! Crash load: what was acknowledged before the server died is there afterwards, or the judge says what is not.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use comanda_load::{CrashLoad, CrashLog, CrashRun, Verdict};

use crate::fake_shop::{Fault, Shared, serve};

fn load(addr: SocketAddr) -> CrashLoad {
    let opening = BTreeMap::from([("PLENTY".to_owned(), 1_000_000), ("SCARCE".to_owned(), 40)]);
    CrashLoad { addr, connections: 8, opening, reservations_max: 100_000, seed: 4 }
}

async fn until(run: &CrashRun, acknowledged: u64) {
    while run.acknowledged() < acknowledged {
        tokio::task::yield_now().await;
    }
}

/// Kills the server three times under load; it comes back with what it kept.
async fn crash(fault: Fault) -> (CrashLog, Verdict) {
    let state = Shared::default();
    let mut server = serve(&state, fault, ([127, 0, 0, 1], 0).into()).await;
    let load = load(server.addr);
    load.prepare().await.unwrap();
    let mut log = CrashLog::default();
    for round in 1..=3 {
        let run = load.start(log);
        until(&run, round * 400).await;
        server.stop().await;
        server = serve(&state, fault, load.addr).await;
        until(&run, round * 400 + 200).await;
        log = run.stop().await;
    }
    let verdict = load.judge(&log).await.unwrap();
    (log, verdict)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_keeps_its_word_passes() {
    let (log, verdict) = crash(Fault::Nothing).await;
    assert!(verdict.ok, "{verdict:#?}");
    let counts = log.counts();
    assert!(counts.acknowledged >= 1_400 && counts.refused > 0 && counts.duplicates > 0, "{counts:?}");
    assert!(log.reservations().iter().any(|reservation| !reservation.may_be_absent));
}

#[tokio::test]
async fn lost_answers_leave_outcomes_open_and_still_pass() {
    let (log, verdict) = crash(Fault::LosesAnswers).await;
    assert!(verdict.ok, "{verdict:#?}");
    assert!(log.counts().unknown > 50, "{:?}", log.counts());
    assert!(log.reservations().iter().any(|reservation| reservation.may_be_absent && !reservation.states.is_empty()));
    assert!(log.reservations().iter().any(|reservation| reservation.states.len() > 1));
}

#[tokio::test]
async fn a_server_that_forgets_what_it_acknowledged_is_caught() {
    for (fault, name) in [
        (Fault::Forgets, "every acknowledged reservation is there"),
        (Fault::ForgetsConfirms, "each is in the state that was acknowledged"),
        (Fault::HoldsTwice, "the ledger holds each reservation exactly once"),
        (Fault::Oversells, "nothing is oversold"),
    ] {
        let (_, verdict) = crash(fault).await;
        let caught = verdict.checks.iter().any(|check| check.name == name && !check.ok);
        assert!(caught && !verdict.ok, "{fault:?}: {verdict:#?}");
    }
}

#[tokio::test]
async fn the_load_ends_by_itself_at_its_bound() {
    let server = serve(&Shared::default(), Fault::Nothing, ([127, 0, 0, 1], 0).into()).await;
    let mut load = load(server.addr);
    load.reservations_max = 50;
    load.prepare().await.unwrap();
    let run = load.start(CrashLog::default());
    until(&run, 30).await;
    let log = run.stop().await;
    assert!(log.reservations().len() <= 50, "{}", log.reservations().len());
    assert!(load.judge(&log).await.unwrap().ok);
}
