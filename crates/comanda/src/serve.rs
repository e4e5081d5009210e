//! `comanda serve`: the HTTP API on a data folder.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use comanda_web::{EdgeLimits, Gate, ServeLimits, Tls};
use cqrs::{PartitionId, Token};
use metrics_exporter_prometheus::PrometheusHandle;
use miette::{IntoDiagnostic, Result, miette};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::backup::manifest::refuse_backup;
use crate::cli::DataFolder;
use crate::compose::Data;
use crate::config::FileOption;
use crate::door::{self, Credentials, Door, Part};
use crate::listen::{self, Listening};
use crate::ops::{Ops, Watched};
use crate::platform::{Contexts, Platform};
use crate::site::{Role, Site, SiteOptions};
use crate::tenants::{Common, Founding, Stack, Tenants};
use crate::{documents, fault, telemetry};

/// What `serve` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    file: FileOption,
    #[command(flatten)]
    data: DataFolder,
    /// The address to listen on; one that others can reach needs TLS. Port 0 lets the system choose; the line on standard output names it.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", env = "COMANDA_LISTEN")]
    listen: SocketAddr,
    /// The partitions of a log that is made now. One that exists keeps its own number.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: u16,
    /// Tenants beside the default one that are taken, each with its own logs, views and threads.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(0..=1024))]
    tenants_max: u16,
    #[command(flatten)]
    site: SiteOptions,
    #[command(flatten)]
    listening: listen::Options,
    #[command(flatten)]
    door: door::Options,
    #[command(flatten)]
    fault: fault::Options,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let metrics = telemetry::metrics()?;
    let has = |role: Role| options.site.has(role);
    let (dir, partitions) = (&options.data.dir, options.partitions);
    // Whatever can be refused is refused before anything is made on disk.
    refuse_backup(dir)?;
    let plan = options.site.plan()?;
    let listening = options.listening.on(options.listen).await?;
    let credentials = Credentials::of(&options.door, dir, options.listen)?;
    let inventory = if has(Role::Inventory) {
        let data = Data::open_inventory(dir, partitions).into_diagnostic()?;
        Some(data.wrapped(|store| options.fault.around(store)))
    } else {
        None
    };
    let fulfillment = if has(Role::Fulfillment) {
        let data = Data::open_fulfillment(dir, partitions).into_diagnostic()?;
        Some(data.wrapped(|store| options.fault.around(store)))
    } else {
        None
    };
    let site = plan.carried_out(dir, options.fault.clone())?;
    let founding = site.is_whole().then(|| Founding {
        dir: dir.clone(),
        partitions,
        tenants_max: usize::from(options.tenants_max),
        surroundings: site.surroundings.clone(),
        fault: options.fault.clone(),
    });
    let contexts = Contexts { inventory, fulfillment };
    let scheme = if listening.tls.is_some() { "https" } else { "http" };
    let server = Server::start(listening, contexts, site, credentials, founding, metrics).await?;
    let stop = stop_signal()?;
    say!("comanda serves {scheme}://{} from {}", server.addr, dir.display())?;
    server.until(stop).await
}

/// A running server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) metrics: PrometheusHandle,
    tenants: Arc<Tenants>,
    /// Why something has stopped before its time, once it has.
    failed: watch::Receiver<Option<String>>,
    serving: Vec<JoinHandle<u32>>,
    /// Follow the keys and the certificate.
    watching: JoinSet<()>,
    /// Dropped when the server stops: long polls are answered then.
    polls: watch::Sender<()>,
    /// Dropped when the server stops.
    shutdown: watch::Sender<()>,
}

impl Server {
    /// Starts to serve `contexts` on `listener`.
    pub(crate) async fn start(
        listening: Listening,
        contexts: Contexts,
        site: Site,
        credentials: Credentials,
        founding: Option<Founding>,
        metrics: PrometheusHandle,
    ) -> Result<Self> {
        let addr = listen::address(&listening.main)?;
        let (polls, stopping) = watch::channel(());
        let limits = EdgeLimits::default();
        let common = Common { failed: watch::Sender::new(None), stopping, limits };
        let failed = common.failed.subscribe();
        let (openapi, asyncapi) = (documents::openapi()?, documents::asyncapi()?);
        let ops = |platform: &Platform| {
            Some(Ops {
                metrics: metrics.clone(),
                failure: failed.clone(),
                contexts: platform.running().map(Watched::of).collect(),
                openapi: openapi.into(),
                asyncapi: asyncapi.into(),
            })
        };
        let main = Stack::start(contexts, &site.surroundings, &site.elsewhere, ops, &common).await?;
        let tenants = Arc::new(Tenants::open(main, founding, common).await?);
        let Listening { main, tls, operations, part } = listening;
        let mut watching = JoinSet::new();
        watching.spawn(credentials.watch());
        if let Some(tls) = &tls {
            watching.spawn(Arc::clone(tls).watch());
        }
        let (shutdown, stop) = watch::channel(());
        let credentials = Arc::new(credentials);
        let serving = |listener, tls: Option<Arc<Tls>>, part| {
            let (credentials, tenants) = (Arc::clone(&credentials), Arc::clone(&tenants));
            let gate = Gate::new(Arc::new(Door { part, credentials, tenants }), limits);
            let mut stop = stop.clone();
            let stop = async move { drop(stop.changed().await) };
            tokio::spawn(comanda_web::serve_over(listener, tls, gate, ServeLimits::default(), stop))
        };
        let mut all = Vec::new();
        if let Some((listener, tls)) = operations {
            all.push(serving(listener, tls, Part::Operations));
        }
        all.push(serving(main, tls, part));
        Ok(Self { addr, metrics, tenants, failed, serving: all, watching, polls, shutdown })
    }

    /// Serves until `stop` resolves or a thread gives up; then answers what it took, flushes and ends.
    pub(crate) async fn until(self, stop: impl Future<Output = ()>) -> Result<ExitCode> {
        let mut failure = self.failed.clone();
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

    /// Returns once the views of every context have read all that is in its log by now.
    pub(crate) async fn caught_up(&self, wait: Duration) -> Result<()> {
        for running in self.tenants.main().running() {
            let (log, views) = (running.read.log(), running.read.views());
            let mut token = Token::new(log.epoch());
            for (partition, head) in (0..).map(PartitionId).zip(log.heads().await.into_diagnostic()?) {
                token.require(partition, head.position);
            }
            let reached = tokio::time::timeout(wait, views.until_read(&token)).await;
            reached
                .map_err(|_| miette!("the views of {} have not caught up within {wait:?}", running.context.name()))?;
        }
        Ok(())
    }

    async fn stop(self) {
        drop((self.watching, self.shutdown, self.polls));
        for serving in self.serving {
            match serving.await {
                Ok(0) | Err(_) => {}
                Ok(cut) => tracing::warn!(cut, "connections did not end in time and were cut"),
            }
        }
        match Arc::into_inner(self.tenants) {
            Some(tenants) => tenants.stop().await,
            // A request that was cut is still on its way out; what was acknowledged is safe.
            None => tracing::warn!("the threads were not waited for"),
        }
    }
}

async fn first(failure: &mut watch::Receiver<Option<String>>) -> String {
    match failure.wait_for(Option::is_some).await.map(|why| why.clone()) {
        Ok(Some(why)) => why,
        // No thread is left that could fail.
        _ => std::future::pending().await,
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

/// What is said where `dir` is to be looked at and has no data.
pub(crate) fn no_data_in(dir: &Path) -> miette::Report {
    miette!(help = "name the folder that `comanda serve --data` was given", "there is no data in {}", dir.display())
}

/// Whether `dir` is one of ours already: for messages.
pub(crate) fn has_data(dir: &Path) -> bool {
    ["inventory", "fulfillment"].iter().any(|context| dir.join(context).join("log.db").exists())
}
