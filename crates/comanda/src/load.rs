//! `comanda load`: load on a running server, and a judgement of what it answered.

use std::process::ExitCode;

use clap::Args;
use comanda_load::{Check, FlashSale, FlashSaleReport, Verdict};
use miette::{IntoDiagnostic, Result};

use crate::asking::Server;

/// What the flash sale can be told.
#[derive(Debug, Args)]
pub(crate) struct FlashSaleOptions {
    #[command(flatten)]
    server: Server,
    /// The SKU on sale; it must be new.
    #[arg(long, default_value = "FLASH-SALE")]
    sku: String,
    /// Units on sale.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(i64).range(0..=1_000_000_000))]
    stock: i64,
    /// Buyers, each wanting one unit.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    buyers: u32,
    /// Connections they come through.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    connections: u16,
    /// Decides who asks again and whose request arrives twice.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Holds a flash sale on a running server. Exit code 1 if it oversold or broke another promise.
pub(crate) async fn flash_sale(options: FlashSaleOptions) -> Result<ExitCode> {
    options.server.introduce()?;
    let sale = FlashSale {
        stock: options.stock,
        buyers: options.buyers as usize,
        connections: usize::from(options.connections),
        seed: options.seed,
        ..FlashSale::new(options.server.addr.socket, options.sku)
    };
    sale.prepare().await.into_diagnostic()?;
    let report = sale.run().await.into_diagnostic()?;
    let verdict = sale.judge(&report).await.into_diagnostic()?;
    if options.json {
        let both = serde_json::json!({"flashSale": report, "verdict": verdict});
        say!("{both}")?;
    } else {
        print(&report, &verdict)?;
    }
    Ok(if verdict.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &FlashSaleReport, verdict: &Verdict) -> Result<()> {
    say!("{} units of {}, {} buyers at once", report.stock, report.sku, report.buyers)?;
    say!(
        "accepted {}, rejected {}, unanswered {}, answered again {}",
        report.accepted,
        report.rejected,
        report.unanswered,
        report.duplicates_answered_again
    )?;
    say!(
        "{:.0} answers/s, p50 {:.1} ms, p99 {:.1} ms",
        report.reservations_per_s,
        report.latency.p50_us as f64 / 1e3,
        report.latency.p99_us as f64 / 1e3
    )?;
    print_checks(&verdict.checks)
}

/// One line a check.
pub(crate) fn print_checks(checks: &[Check]) -> Result<()> {
    for check in checks {
        say!("  {} {}: {}", if check.ok { "holds" } else { "BROKEN" }, check.name, check.detail)?;
    }
    Ok(())
}
