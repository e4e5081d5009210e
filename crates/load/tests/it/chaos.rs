//! Chaos: a right server passes through kills and lost answers, and each way of cheating is caught by its own check.

use std::time::Duration;

use comanda_load::{Chaos, ChaosReport, Entry, MadeUpHistory, Order, Product, RetailProfile};

use crate::fake_orders::{Cheat, house, serve};

fn history(documents: usize) -> (Vec<Product>, Vec<Order>) {
    let profile = RetailProfile { skus: 40, lines_max: 6, cancels: 0.0 };
    let MadeUpHistory { products, entries } = MadeUpHistory::new(5, profile, documents, 60);
    let order = |entry| if let Entry::Order(order) = entry { Some(order) } else { None };
    (products, entries.into_iter().filter_map(order).collect())
}

async fn chaos(cheat: Cheat, documents: usize) -> ChaosReport {
    let server = serve(&house(), cheat, ([127, 0, 0, 1], 0).into()).await;
    let mut chaos = Chaos::new(server.addr, "chaos", 7);
    if cheat != Cheat::Nothing && cheat != Cheat::LosesAnswers {
        chaos.patience = Duration::from_secs(1);
    }
    let (products, orders) = history(documents);
    chaos.run(&products, orders).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_server_passes_whatever_is_sent_twice_or_lost() {
    for cheat in [Cheat::Nothing, Cheat::LosesAnswers] {
        let report = chaos(cheat, 300).await;
        assert!(report.verdict.ok && report.verdict.oversold == 0, "{cheat:?} {report:#?}");
        let counts = &report.counts;
        assert_eq!((counts.placed, counts.ended.values().sum::<u64>()), (300, 300));
        assert!(
            counts.duplicates > 20 && counts.cancelled > 10 && counts.receipts > 10 && counts.ready > 10,
            "{counts:?}"
        );
        assert!(counts.ended.contains_key("REJECTED") && counts.ended.contains_key("CANCELLED"), "{counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_of_cheating_is_caught() {
    for (cheat, names) in [
        (
            Cheat::DoublesHold,
            &[
                "no hold without its order line, and none of another size",
                "stock is conserved and every counter is the sum of its orders",
            ][..],
        ),
        (Cheat::LosesOrder, &["every acknowledged order is there"]),
        (Cheat::LeaksHold, &["no hold without its order line, and none of another size"]),
        (Cheat::Sticks, &["every order is in a final state", "nothing waits past its time"]),
        (Cheat::HoldsAgain, &["nothing is reserved twice"]),
        (Cheat::LosesUnits, &["every unit of every line is answered for once"]),
        (Cheat::IgnoresCancels, &["what was cancelled was given back"]),
        (Cheat::RefusesRepeats, &["every answer is one the contract foresees"]),
    ] {
        let report = chaos(cheat, 120).await;
        for name in names {
            let caught = report.verdict.checks.iter().any(|check| check.name == *name && !check.ok);
            assert!(caught && !report.verdict.ok, "{cheat:?}: {:#?}", report.verdict);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_restarted_passes() {
    let house = house();
    let server = serve(&house, Cheat::Nothing, ([127, 0, 0, 1], 0).into()).await;
    let addr = server.addr;
    let chaos = Chaos::new(addr, "chaos", 7);
    let (products, orders) = history(300);
    let killer = async {
        let mut server = server;
        for orders in [50, 150] {
            while crate::fake_orders::orders(&house) < orders {
                tokio::task::yield_now().await;
            }
            server.stop().await;
            server = serve(&house, Cheat::Nothing, addr).await;
        }
        server
    };
    let (report, _server) = tokio::join!(chaos.run(&products, orders), killer);
    let report = report.unwrap();
    assert!(report.verdict.ok, "{report:#?}");
    assert_eq!(report.counts.placed, 300);
}
