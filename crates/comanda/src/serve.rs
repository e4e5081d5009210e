//! `comanda serve`: the HTTP API on a data folder.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use comanda_inventory::api::{self, ApiState};
use comanda_inventory::application::sweep::{DueSkus, SWEEP_MAX};
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_web::{EdgeLimits, ServeLimits, edge, problem_pages};
use cqrs::{Ask, CommandBus, Dispatch, Envelope, Inquire, PartitionId, QueryBus, Token};
use metrics_exporter_prometheus::PrometheusHandle;
use miette::{IntoDiagnostic, Result, miette};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::cli::DataFolder;
use crate::compose::{Data, Running};
use crate::ops::{self, Ops};
use crate::{fault, listen, telemetry};

/// How often holds that nobody touched are expired, so that lists are right within a second.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// What `serve` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: DataFolder,
    /// The address to listen on: loopback only. Port 0 lets the system choose; the line on standard output names it.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", env = "COMANDA_LISTEN")]
    listen: SocketAddr,
    /// The partitions of a log that is made now. One that exists keeps its own number.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: u16,
    #[command(flatten)]
    fault: fault::Options,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let metrics = telemetry::metrics()?;
    let listener = listen::on(options.listen).await?;
    let data = Data::open_inventory(&options.data.dir, options.partitions).into_diagnostic()?;
    let data = data.wrapped(|store| options.fault.around(store));
    let server = Server::start(listener, data, metrics).await?;
    let stop = stop_signal()?;
    println!("comanda serves http://{} from {}", server.addr, options.data.dir.display());
    server.until(stop).await
}

/// Prints the OpenAPI document.
pub(crate) fn print_openapi() -> Result<ExitCode> {
    match writeln!(std::io::stdout(), "{}", openapi()?) {
        // Whoever reads has seen enough: `comanda openapi | head`.
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(cause).into_diagnostic(),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn openapi() -> Result<String> {
    api::openapi().to_pretty_json().into_diagnostic()
}

/// A running server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) metrics: PrometheusHandle,
    running: Running,
    sweep: JoinHandle<()>,
    serving: JoinHandle<u32>,
    shutdown: oneshot::Sender<()>,
}

impl Server {
    /// Starts to serve `data` on `listener`.
    pub(crate) async fn start(listener: TcpListener, data: Data, metrics: PrometheusHandle) -> Result<Self> {
        let addr = listen::address(&listener)?;
        let running = data.start().await.into_diagnostic()?;
        let ops = Ops {
            metrics: metrics.clone(),
            failure: running.failure(),
            log: Arc::clone(running.read.log()),
            views: running.read.views().clone(),
            executor: running.executor.clone(),
            openapi: openapi()?.into(),
        };
        let state = ApiState { commands: running.commands.clone(), queries: running.queries.clone() };
        let kinds = comanda_web::kinds::ALL.iter().chain(api::problems::ALL).copied().collect();
        let router = api::router(state).merge(ops::router(ops)).merge(problem_pages(kinds));
        let router = edge(router, EdgeLimits::default());
        let sweep = tokio::spawn(sweep(running.commands.clone(), running.queries.clone()));
        let (shutdown, stop) = oneshot::channel::<()>();
        let stop = async move { drop(stop.await) };
        let serving = tokio::spawn(comanda_web::serve(listener, router, ServeLimits::default(), stop));
        Ok(Self { addr, metrics, running, sweep, serving, shutdown })
    }

    /// Serves until `stop` resolves or a thread gives up; then answers what it took, flushes and ends.
    pub(crate) async fn until(self, stop: impl Future<Output = ()>) -> Result<ExitCode> {
        let mut failure = self.running.failure();
        let failed = tokio::select! {
            () = stop => None,
            why = first(&mut failure) => Some(why),
        };
        self.stop().await;
        match failed {
            None => Ok(ExitCode::SUCCESS),
            Some(why) => Err(miette!(
                help =
                    "what was acknowledged is in the log: mend the cause, start again, and `comanda verify` the data",
                "stopped answering: {why}"
            )),
        }
    }

    /// How long views have been behind the log: p50 and p99 in seconds, if anything was measured.
    pub(crate) fn view_lag_s(&self) -> Option<(f64, f64)> {
        let text = self.metrics.render();
        let at = |quantile: &str| {
            let prefix = format!("projector_lag_seconds{{quantile=\"{quantile}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&prefix)).and_then(|value| value.parse().ok())
        };
        Some((at("0.5")?, at("0.99")?))
    }

    /// Returns once the views have read all that is in the log by now.
    pub(crate) async fn caught_up(&self, wait: Duration) -> Result<()> {
        let (log, views) = (self.running.read.log(), self.running.read.views());
        let mut token = Token::new(log.epoch());
        for (partition, head) in (0..).map(PartitionId).zip(log.heads().await.into_diagnostic()?) {
            token.require(partition, head.position);
        }
        let reached = tokio::time::timeout(wait, views.until_read(&token)).await;
        reached.map_err(|_| miette!("the views have not caught up within {wait:?}"))
    }

    async fn stop(self) {
        drop(self.shutdown);
        match self.serving.await {
            Ok(0) | Err(_) => {}
            Ok(cut) => tracing::warn!(cut, "connections did not end in time and were cut"),
        }
        self.sweep.abort();
        let _aborted = self.sweep.await;
        self.running.stop().await;
    }
}

async fn first(failure: &mut watch::Receiver<Option<String>>) -> String {
    match failure.wait_for(Option::is_some).await.map(|why| why.clone()) {
        Ok(Some(why)) => why,
        // No thread is left that could fail.
        _ => std::future::pending().await,
    }
}

/// Records, now and then, the holds whose time is over and that no command has met since.
async fn sweep(commands: CommandBus, queries: QueryBus) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let due = match queries.ask(Ask::new(DueSkus { limit: SWEEP_MAX })).await {
            Ok(due) => due.answer,
            Err(why) => {
                tracing::warn!(%why, "holds could not be expired; reads stay exact, lists may be late");
                continue;
            }
        };
        for sku in due {
            if let Err(why) = commands.dispatch(Envelope::new(ExpireHolds { sku })).await {
                tracing::warn!(%why, "holds could not be expired; reads stay exact, lists may be late");
                break;
            }
        }
    }
}

/// Listens for SIGINT and SIGTERM from now on; the future resolves on the first of them.
///
/// Called before the server says where it is: a signal that came earlier would end the process at once.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).into_diagnostic()?;
    let mut terminate = signal(SignalKind::terminate()).into_diagnostic()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Whether `dir` is one of ours already: for messages.
pub(crate) fn has_data(dir: &Path) -> bool {
    dir.join("inventory").join("log.db").exists()
}
