//! `comanda demo`: a shop opens, replays its orders, ships some, holds a flash sale, and proves that nothing went wrong.

mod report;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comanda_load::{
    Entries, Entry, FlashSale, FlashSaleReport, MadeUpHistory, OrderReplay, OrderReplayReport, OrdersFileError,
    Product, Progress, RetailProfile, Shortages, Verdict, Warehouse, WarehouseReport, peak_net_out,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, Result, miette};

use crate::backup::manifest::refuse_backup;
use crate::carrier::patience::{CarrierAt, Patience};
use crate::carrier::standin::{Behaviour, StandIn};
use crate::compose::Data;
use crate::counted::with_rate;
use crate::door::{self, Credentials};
use crate::listen::{self, Listening};
use crate::platform::Contexts;
use crate::serve::{self, Server};
use crate::site::Site;
use crate::{disk, telemetry, verify};
use report::Report;

/// Of the stock that would serve every line, the share the shop opens with: real sequences then run short.
const OPENING_PERCENT: u32 = 80;

/// Where the stock lies.
const LOCATIONS: [&str; 3] = ["main", "north", "south"];

/// Of the shop's shipments, the share that its carrier takes without being heard.
const UNHEARD_PERCENT: u8 = 20;

/// How long its carrier's answer is waited for.
const CARRIER_ANSWER_WAIT_MS: u32 = 200;

/// How long the views may take to catch up before they are verified.
const CATCH_UP_WAIT: Duration = Duration::from_secs(30);

/// What the demo can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Keep the data in this folder, which must be empty or new. By default it goes with the process.
    #[arg(long = "data", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Replay these orders (CSV, also .gz or .zst; columns order_id, ts, kind, ref_order_id, sku, qty) in place of
    /// generated ones.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Changes of stock beside the orders (CSV, also .gz or .zst; columns adj_id, ts, sku, delta, reason).
    #[arg(long, value_name = "FILE", requires = "orders")]
    stock_changes: Option<PathBuf>,
    /// Orders and cancellations the generated shop has.
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(200..=100_000))]
    documents: u32,
    /// What the generated shop is made from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The address to listen on: loopback only. By default port 8080, or any free one if that is taken.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// End when all is done, instead of staying up.
    #[arg(long)]
    exit: bool,
    /// Print the report as the last line of standard output, as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the demo. Exit code 1 if anything was oversold, was shipped wrongly or booked twice, or does not verify.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let metrics = telemetry::metrics()?;
    let temporary = tempfile::tempdir().into_diagnostic()?;
    let dir = options.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    if serve::has_data(&dir) {
        let dir = dir.display();
        return Err(miette!(
            help = "name a folder that is empty or new; `comanda serve --data` goes on with this one",
            "{dir} has data already"
        ));
    }
    refuse_backup(&dir)?;
    let listener = match options.listen {
        Some(addr) => listen::on(addr).await?,
        None => match listen::on(SocketAddr::from(([127, 0, 0, 1], 8080))).await {
            Ok(listener) => listener,
            Err(_) => listen::on(SocketAddr::from(([127, 0, 0, 1], 0))).await?,
        },
    };
    let inventory = Data::open_inventory(&dir, 16).into_diagnostic()?;
    let fulfillment = Data::open_fulfillment(&dir, 16).into_diagnostic()?;
    let fsyncs_per_s = disk::fdatasync_per_s(&dir).into_diagnostic()?;
    let contexts = Contexts { inventory: Some(inventory), fulfillment: Some(fulfillment) };
    let carrier = carrier(options.seed).await?;
    let patience = Patience { answer_wait_ms: CARRIER_ANSWER_WAIT_MS };
    let carrier_at = CarrierAt { base: format!("http://{}", carrier.addr), patience, tenant: None };
    let credentials = Credentials::of(&door::Options::default(), &dir, listen::address(&listener)?)?;
    let site = Site::alone(&dir, Some(carrier_at))?;
    let server =
        Server::start(Listening::on_loopback(listener), contexts.clone(), site, credentials, None, metrics).await?;
    say!("A shop opens on an empty store; every answer below was durable before it was given.")?;

    let (orders, shortages) = replay(&options, server.addr).await?;
    let warehouse = warehouse(server.addr).await?;
    let carrier_says = carrier.statistics();
    let (sale, verdict) = flash_sale(server.addr).await?;
    let lag = server.view_lag_s();
    server.caught_up(CATCH_UP_WAIT).await?;
    let verified = verified(contexts).await?;
    let short_lines_expected = shortages;
    let report =
        Report { orders, short_lines_expected, warehouse, carrier_says, sale, verdict, verified, fsyncs_per_s, lag };
    report.print()?;
    if options.exit {
        server.until(async {}).await?;
    } else {
        let stop = serve::stop_signal()?;
        print_addresses(server.addr, options.dir.as_deref())?;
        if options.json {
            say!("{}", report.json())?;
        }
        return server.until(stop).await;
    }
    if options.json {
        say!("{}", report.json())?;
    }
    Ok(if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Opens the shop and places its orders; returns also how many lines an independent count says are short.
async fn replay(options: &Options, addr: SocketAddr) -> Result<(OrderReplayReport, usize)> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = "{msg} {bar:36} {pos}/{len} ({rate}/s, {eta} left)";
    bar.set_style(with_rate(ProgressStyle::with_template(style).into_diagnostic()?));
    bar.set_message("placing orders");
    let moved = |progress: Progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
    };
    let locations = LOCATIONS.map(str::to_owned).to_vec();
    let replay = OrderReplay { connections: 64, locations, bins: true, ..OrderReplay::new(addr, "demo") };
    let history = History::of(options)?;
    let count = Some(history.entries.len() as u64);
    let mut shortages = Shortages::opening(&history.products);
    history.entries.iter().for_each(|entry| shortages.count(entry));
    let report = replay.run(history.products, history.entries.into_iter().map(Ok), count, moved).await;
    bar.finish_and_clear();
    Ok((report.into_diagnostic()?, shortages.lines().len()))
}

/// What a shop sells and what happens in it.
struct History {
    products: Vec<Product>,
    entries: Vec<Entry>,
}

impl History {
    /// The files' history, or a made-up one.
    fn of(options: &Options) -> Result<Self> {
        let Some(orders) = &options.orders else {
            let MadeUpHistory { products, entries } =
                MadeUpHistory::new(options.seed, RetailProfile::small(), options.documents as usize, OPENING_PERCENT);
            return Ok(Self { products, entries });
        };
        let entries = Entries::open(orders, options.stock_changes.as_deref());
        let entries: Vec<Entry> =
            entries.and_then(Iterator::collect::<Result<_, OrdersFileError>>).into_diagnostic()?;
        let product = |(sku, opening)| Product { sku, name: String::new(), opening }.opening_with(OPENING_PERCENT);
        Ok(Self { products: peak_net_out(&entries).into_iter().map(product).collect(), entries })
    }
}

/// A carrier on a free port that says yes unheard now and then.
async fn carrier(seed: u64) -> Result<StandIn> {
    let listener = listen::on(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    StandIn::start(listener, Behaviour { timeout_after_yes_percent: UNHEARD_PERCENT, seed, ..Behaviour::default() })
}

/// Picks, packs and ships some of the orders, and takes one return in.
async fn warehouse(addr: SocketAddr) -> Result<WarehouseReport> {
    let [first, ..] = LOCATIONS;
    Warehouse { location: first.to_owned(), ..Warehouse::new(addr, "demo") }.run().await.into_diagnostic()
}

async fn flash_sale(addr: SocketAddr) -> Result<(FlashSaleReport, Verdict)> {
    let sale = FlashSale::new(addr, "FLASH-SALE");
    sale.prepare().await.into_diagnostic()?;
    let report = sale.run().await.into_diagnostic()?;
    let verdict = sale.judge(&report).await.into_diagnostic()?;
    Ok((report, verdict))
}

/// Verifies on a thread of its own, because the stores block; nobody writes meanwhile.
async fn verified(contexts: Contexts) -> Result<verify::Report> {
    let runtime = tokio::runtime::Handle::current();
    let verified = tokio::task::spawn_blocking(move || runtime.block_on(verify::verify_contexts(&contexts)));
    verified.await.into_diagnostic()?
}

fn print_addresses(addr: SocketAddr, dir: Option<&Path>) -> Result<()> {
    say!("")?;
    say!("The shop stays open at http://{addr} until you press Ctrl-C. Try:")?;
    say!("  curl http://{addr}/v1/stock/FLASH-SALE")?;
    say!("  curl http://{addr}/v1/low-stock")?;
    say!("  curl http://{addr}/v1/orders")?;
    say!("  curl http://{addr}/v1/waves")?;
    say!("  curl http://{addr}/v1/shipments/demo:shipment:1")?;
    say!("  curl 'http://{addr}/v1/events?context=fulfillment&limit=3'")?;
    say!("  curl http://{addr}/openapi.json")?;
    say!("  curl http://{addr}/metrics")?;
    if let Some(dir) = dir {
        say!("  comanda verify --data {}        (once it is closed)", dir.display())?;
    }
    Ok(())
}
