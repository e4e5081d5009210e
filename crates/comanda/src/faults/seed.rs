//! One seed of the fault test: a shop on a fresh folder, its orders, its deaths, and the judgement.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use comanda_load::{Chaos, ChaosReport, Entry, MadeUpHistory, Order, Product, RetailProfile, peak_net_out};
use miette::{IntoDiagnostic, Result};

use super::Options;
use super::pair::Servers;
use crate::lots::Lots;
use crate::verify;

/// Of the stock that would serve every line, the share the shop opens with.
const OPENING_PERCENT: u32 = 80;

/// The made-up shop: few SKUs, so that many orders meet on each.
const SHOP: RetailProfile = RetailProfile { skus: 200, lines_max: 8, cancels: 0.0 };

/// How long all orders may take to become final, and stock to follow, once the last was placed.
const PATIENCE: Duration = Duration::from_secs(90);

/// The same where a guard is missing: what is lost then never comes.
const PATIENCE_IN_CONTROL: Duration = Duration::from_secs(10);

/// How often the data is looked at until no message is under way any more.
const LOOKS_MAX: u32 = 12;

/// How long messages may travel before the second look; longer before each one after it, as what is tried again is tried
/// after growing pauses.
const TRAVEL: Duration = Duration::from_millis(700);

/// What came of one seed.
pub(super) struct Outcome {
    seed: u64,
    /// How often a process died.
    kills: u32,
    elapsed: Duration,
    /// None if the shop could not be run to its end.
    pub(super) report: Option<ChaosReport>,
    verified: verify::Report,
    /// What differs in the data.
    pub(super) findings: Vec<String>,
}

/// All seeds together.
#[derive(Default)]
pub(super) struct Sum {
    seeds: u32,
    orders: u64,
    ended: BTreeMap<String, u64>,
    messages: u64,
    parked: u64,
    kills: u32,
    /// Checks that failed and differences.
    pub(super) findings: usize,
}

/// Runs one seed with these orders, or made-up ones.
pub(super) async fn one(options: &Options, seed: u64, orders: Option<Vec<Order>>) -> Result<Outcome> {
    let started = Instant::now();
    let folder = tempfile::tempdir().into_diagnostic()?;
    let (products, orders) = shop(options, seed, orders);
    let mut servers = Servers::start(folder.path(), options, seed).await?;
    let patience = if options.control.is_some() { PATIENCE_IN_CONTROL } else { PATIENCE };
    let chaos = Chaos { patience, ..Chaos::new(servers.addr()?, format!("seed-{seed}"), seed) };
    let mut kills = 0;
    let ran = {
        let running = chaos.run(&products, orders);
        tokio::pin!(running);
        let killing = kill(options, seed, &mut servers, &mut kills);
        tokio::select! {
            ran = &mut running => Ok(ran),
            killed = killing => match killed {
                Ok(()) => Ok(running.await),
                Err(why) => Err(why),
            },
        }
    };
    let mut findings = Vec::new();
    let report = match ran {
        Ok(Ok(report)) => Some(report),
        Ok(Err(why)) => {
            findings.push(format!("the orders could not be placed and judged: {why}"));
            None
        }
        Err(why) => {
            findings.push(format!("a server did not start again: {why}"));
            None
        }
    };
    let verified = at_rest(folder.path(), &mut servers).await?;
    findings.extend(verified.findings.iter().cloned());
    if verified.oversold > 0 {
        findings.push(format!("{} units were promised that were not there", verified.oversold));
    }
    let left = [
        (verified.messages_in_flight, "messages were never received"),
        (verified.dead_letters.unsigned_abs(), "messages wait in an inbox"),
        (verified.orders_in_flight, "orders could not be compared"),
    ];
    findings.extend(left.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    Ok(Outcome { seed, kills, elapsed: started.elapsed(), report, verified, findings })
}

/// What is sold and what is ordered.
fn shop(options: &Options, seed: u64, orders: Option<Vec<Order>>) -> (Vec<Product>, Vec<Order>) {
    let entries: Vec<Entry> = match orders {
        Some(orders) => orders.into_iter().map(Entry::Order).collect(),
        None => MadeUpHistory::new(seed, SHOP, options.orders_per_seed as usize, OPENING_PERCENT).entries,
    };
    let product = |(sku, opening)| Product { sku, name: String::new(), opening }.opening_with(OPENING_PERCENT);
    let products = peak_net_out(&entries).into_iter().map(product).collect();
    let orders = entries.into_iter().filter_map(|entry| match entry {
        Entry::Order(order) => Some(order),
        Entry::Change(_) => None,
    });
    (products, orders.collect())
}

/// Kills at moments that the seed decides.
async fn kill(options: &Options, seed: u64, servers: &mut Servers, kills: &mut u32) -> Result<()> {
    let mut lots = Lots::of(seed);
    while *kills < options.kills {
        tokio::time::sleep(Duration::from_millis(lots.between(1, options.life_ms_max))).await;
        *kills += servers.kill(&mut lots).await?;
        servers.revive().await?;
    }
    Ok(())
}

/// Kills the servers and verifies their data; starts them again as long as messages are under way.
async fn at_rest(dir: &Path, servers: &mut Servers) -> Result<verify::Report> {
    let mut looks = 1;
    loop {
        servers.stop().await?;
        let report = verify::verify(dir).await?;
        let moving = report.messages_in_flight > 0 || report.dead_letters > 0 || report.orders_in_flight > 0;
        if !moving || !report.findings.is_empty() || looks == LOOKS_MAX {
            return Ok(report);
        }
        servers.revive().await?;
        tokio::time::sleep(TRAVEL * looks).await;
        looks += 1;
    }
}

impl Outcome {
    /// Whether every promise was kept.
    pub(super) fn sound(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        let failed = self.report.iter().flat_map(|report| &report.verdict.checks).filter(|check| !check.ok).count();
        let oversold = self.report.iter().filter(|report| report.verdict.oversold > 0).count();
        failed + oversold + self.findings.len()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.report.as_ref().map(|report| report.counts.clone()).unwrap_or_default();
        write!(
            f,
            "seed {}: {} orders in {:.1} s ({}); {} messages, {} parked first; {} kills; {} findings",
            self.seed,
            counts.placed,
            self.elapsed.as_secs_f64(),
            states(&counts.ended),
            self.verified.messages,
            self.verified.messages_parked,
            self.kills,
            self.count()
        )
    }
}

impl Sum {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        if let Some(report) = &outcome.report {
            self.orders += report.counts.placed;
            for (state, count) in &report.counts.ended {
                *self.ended.entry(state.clone()).or_default() += count;
            }
        }
        self.messages += outcome.verified.messages;
        self.parked += outcome.verified.messages_parked;
        self.kills += outcome.kills;
        self.findings += outcome.count();
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, orders, messages, parked, kills, findings, .. } = self;
        let ended = states(&self.ended);
        write!(
            f,
            "{seeds} seeds: {orders} orders ({ended}); {messages} messages, {parked} parked first; {kills} kills; \
             {findings} findings"
        )
    }
}

fn states(ended: &BTreeMap<String, u64>) -> String {
    ended.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
}
