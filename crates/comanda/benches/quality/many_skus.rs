//! Row 2: the same reservations spread over a thousand SKUs, evenly and as shops know it (Zipf).

use std::sync::Arc;

use miette::Result;

use crate::bench::{Bench, hammer, median, reserved};
use crate::calls::{HOT, scatter, stock_up};
use crate::process::Process;
use crate::row::{Row, per_s};

const SKUS: usize = 1_000;
const RATIO_MIN: f64 = 0.9;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let server = Process::comanda(&bench.folder()).await?;
    let names: Vec<String> = (0..SKUS).map(|number| format!("SKU-{number:04}")).collect();
    let mut skus: Vec<&str> = names.iter().map(String::as_str).collect();
    skus.push(HOT);
    stock_up(&server, &skus).await?;
    let names: Arc<[String]> = names.into();
    hammer(&server, bench.warm_up(), uniform(bench, &names)).await?;

    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..bench.rounds() {
        // The log grows with each run: whoever went first goes last in the next round.
        for turn in 0..3 {
            let kind = (round + turn) % 3;
            let report = match kind {
                0 => hammer(&server, bench.span(), bench.ids.reserving(HOT)).await?,
                1 => hammer(&server, bench.span(), uniform(bench, &names)).await?,
                _ => hammer(&server, bench.span(), zipf(bench, &names)).await?,
            };
            if let Some(rates) = rates.get_mut(kind) {
                rates.push(reserved(&report)?);
            }
        }
    }
    let [hot, uniform, zipf] = &rates;
    let row = |name: &str, rates: &[f64]| {
        let ratios: Vec<f64> = rates.iter().zip(hot).map(|(rate, hot)| rate / hot).collect();
        Row::new(2, format!("the same over {SKUS} SKUs, {name}"))
            .comparator(format!("one SKU {}", per_s(median(hot))))
            .ours(per_s(median(rates)))
            .ratio(median(&ratios))
            .bar(">= 0.9", median(&ratios) >= RATIO_MIN)
    };
    Ok(vec![row("evenly", uniform), row("Zipf", zipf)])
}

fn uniform(bench: &Bench, names: &Arc<[String]>) -> impl Fn(u64) -> comanda_load::Call + Send + Sync + 'static {
    let names = Arc::clone(names);
    bench.ids.reserving_one_of(move |number| name(&names, scatter(number) as usize % SKUS))
}

/// The n-th SKU is wanted 1/n as often as the first.
fn zipf(bench: &Bench, names: &Arc<[String]>) -> impl Fn(u64) -> comanda_load::Call + Send + Sync + 'static {
    let names = Arc::clone(names);
    let mut sum = 0.0;
    let shares: Vec<f64> = (1..=SKUS)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    bench.ids.reserving_one_of(move |number| {
        let drawn = (scatter(number) >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        name(&names, shares.partition_point(|share| *share < drawn))
    })
}

fn name(names: &[String], place: usize) -> String {
    names.get(place).or(names.last()).cloned().unwrap_or_default()
}
