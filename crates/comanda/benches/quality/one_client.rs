//! Row 4: one client, one command at a time, beside one raw durable append and beside a server that does nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comanda_inventory::domain::ids::{LineId, Quantity, ReservationId, Sku};
use comanda_inventory::domain::reservation::reserve::{Reserve, ReserveLine};
use comanda_inventory::domain::stock_item::register::RegisterSku;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use comanda_load::{Latencies, Latency};
use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{CommandBus, Dispatch, Envelope, Executor, ExecutorSettings, StoreError, SystemClock, Tail, command_bus};
use miette::{IntoDiagnostic, Result, miette};

use crate::bare_batches;
use crate::bench::{Bench, median, reserved, run};
use crate::calls::{HOT, Ids, stock_up};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, ms};

const RATIO_MAX: f64 = 1.6;
const WAIT_MAX: Duration = Duration::from_secs(10);

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let server = Process::comanda(&bench.folder()).await?;
    stock_up(&server, &[HOT]).await?;
    let mut raw = RawLog::open(&bench.folder())?;
    let bare = bare_batches::start(&bench.folder()).await?;
    run(&server, 1, u64::MAX, bench.warm_up(), bench.ids.reserving(HOT)).await?;
    run(&bare, 1, u64::MAX, bench.warm_up(), bench.ids.reserving_batches(HOT, 1)).await?;
    let (mut of_raw, mut of_ours, mut ratios, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut of_bare, mut bare_ratios) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.one_by_one(span).map(|latency| (raw, latency)));
        let latency;
        (raw, latency) = appended.await.into_diagnostic()??;
        let report = run(&server, 1, u64::MAX, span, bench.ids.reserving(HOT)).await?;
        reserved(&report)?;
        let floor = run(&bare, 1, u64::MAX, span, bench.ids.reserving_batches(HOT, 1)).await?;
        bare_ratios.push(floor.latency.p50_us as f64 / latency.p50_us as f64);
        of_bare.push(floor.latency.p50_us as f64);
        ratios.push(report.latency.p50_us as f64 / latency.p50_us as f64);
        of_raw.push(latency.p50_us as f64);
        of_ours.push(report.latency.p50_us as f64);
        p99s.push(report.latency.p99_us as f64);
    }
    let floor = Row::new(4, "a bare server: the same JSON and as many raw rows, no rule and no views, over HTTP")
        .comparator(format!("raw append {}", ms(median(&of_raw) as u64)))
        .ours(ms(median(&of_bare) as u64))
        .ratio(median(&bare_ratios));
    let over_http = Row::new(4, "one client, one command at a time, p50")
        .comparator(format!("raw append {}", ms(median(&of_raw) as u64)))
        .ours(format!("{}, p99 {}", ms(median(&of_ours) as u64), ms(median(&p99s) as u64)))
        .ratio(median(&ratios))
        .bar("<= 1.6", median(&ratios) <= RATIO_MAX)
        .note("raw: one INSERT of a comparable row into a table without further indexes, WAL, synchronous=FULL");
    Ok(vec![over_http, floor, in_process(bench, raw).await?])
}

/// The same commands through the library's bus in this process: what HTTP and its two ends add is left out.
async fn in_process(bench: &mut Bench, mut raw: RawLog) -> Result<Row> {
    let house = House::open(&bench.folder())?;
    let sku = Sku::parse(HOT).into_diagnostic()?;
    let register = RegisterSku { sku: sku.clone(), name: None, safety_stock: 0, backorder_limit: 0 };
    house.commands.dispatch(Envelope::new(register)).await.into_diagnostic()?;
    let plenty = Replenish { sku, location: None, quantity: Quantity::parse(1_000_000).into_diagnostic()? };
    house.commands.dispatch(Envelope::new(plenty)).await.into_diagnostic()?;
    let (mut of_raw, mut of_ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.one_by_one(span).map(|latency| (raw, latency)));
        let latency;
        (raw, latency) = appended.await.into_diagnostic()??;
        let ours = house.one_by_one(&bench.ids, span).await?;
        ratios.push(ours.p50_us as f64 / latency.p50_us as f64);
        of_raw.push(latency.p50_us as f64);
        of_ours.push(ours.p50_us as f64);
    }
    house.close()?;
    Ok(Row::new(4, "the same through the library's command bus, in process, p50")
        .comparator(format!("raw append {}", ms(median(&of_raw) as u64)))
        .ours(ms(median(&of_ours) as u64))
        .ratio(median(&ratios))
        .bar("<= 1.6", median(&ratios) <= RATIO_MAX)
        .note("in process: measured, validated, queued, decided on the executor's thread, appended, answered"))
}

/// An Inventory that is only written to, with its executor on a thread of its own.
struct House {
    commands: CommandBus,
    deciding: std::thread::JoinHandle<Result<(), StoreError>>,
}

impl House {
    fn open(dir: &Path) -> Result<Self> {
        let log = SqliteFolder::open(dir, &SqliteOptions::default()).into_diagnostic()?.event_store();
        let (context, clock) = (Arc::new(comanda_inventory::context()), Arc::new(SystemClock));
        let (executor, deciding) = Executor::new(context, log, clock, Tail::default(), ExecutorSettings::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().into_diagnostic()?;
        let deciding = std::thread::spawn(move || runtime.block_on(deciding.run()));
        Ok(Self { commands: command_bus(executor, WAIT_MAX), deciding })
    }

    /// One reservation at a time for `span`: how long each took.
    async fn one_by_one(&self, ids: &Ids, span: Duration) -> Result<Latency> {
        let (started, mut latencies) = (Instant::now(), Latencies::default());
        while started.elapsed() < span {
            let command = reserve(&ids.next())?;
            let sent = Instant::now();
            self.commands.dispatch(Envelope::new(command)).await.into_diagnostic()?;
            latencies.record(sent.elapsed());
        }
        Ok(latencies.summary())
    }

    fn close(self) -> Result<()> {
        drop(self.commands);
        self.deciding.join().map_err(|_| miette!("the executor panicked"))?.into_diagnostic()
    }
}

fn reserve(id: &str) -> Result<Reserve> {
    let line = ReserveLine {
        line_id: LineId::parse("1").into_diagnostic()?,
        sku: Sku::parse(HOT).into_diagnostic()?,
        quantity: Quantity::parse(1).into_diagnostic()?,
        location: None,
    };
    Ok(Reserve {
        reservation_id: ReservationId::parse(id).into_diagnostic()?,
        lines: vec![line],
        ttl: None,
        allow_partial: false,
        owner: None,
        strategy: None,
        explain: false,
    })
}
