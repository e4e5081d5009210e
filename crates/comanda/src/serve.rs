//! `comanda serve`: the HTTP API on a data folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Authority;
use clap::{Args, ValueEnum};
use comanda_web::{EdgeLimits, ServeLimits, edge};
use cqrs::{PartitionId, Token};
use metrics_exporter_prometheus::PrometheusHandle;
use miette::{IntoDiagnostic, Result, miette};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::carrier::patience::{CarrierAt, Patience};
use crate::cli::DataFolder;
use crate::compose::Data;
use crate::compose::hooks::{KEY_BYTES, SigningKey, WebhookSettings};
use crate::gateway::Peer;
use crate::ops::{Ops, Watched};
use crate::platform::{Contexts, Platform, Surroundings};
use crate::routes::{self, Elsewhere};
use crate::{fault, listen, telemetry};

/// The file with the key that signs webhooks, in the data folder.
const SIGNING_KEY_FILE: &str = "webhooks.key";

/// A part of the system that a process can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Stock and reservations.
    Inventory,
    /// Orders, picking, shipments, returns.
    Fulfillment,
    /// One address for both, wherever they run.
    Gateway,
}

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
    /// What this process runs. A context it does not run is reached at the address given for it.
    #[arg(
        long,
        value_name = "ROLE",
        value_delimiter = ',',
        default_value = "inventory,fulfillment,gateway",
        env = "COMANDA_ROLES"
    )]
    roles: Vec<Role>,
    /// Where another process serves Inventory, as `http://host:port`.
    #[arg(long, value_name = "URL", env = "COMANDA_INVENTORY_AT")]
    inventory_at: Option<String>,
    /// Where another process serves Fulfillment, as `http://host:port`.
    #[arg(long, value_name = "URL", env = "COMANDA_FULFILLMENT_AT")]
    fulfillment_at: Option<String>,
    /// Where carriers are booked, as `http://host:port`; without it shipments wait to be booked. `comanda carrier` is one to try.
    #[arg(long, value_name = "URL", env = "COMANDA_CARRIER_AT")]
    carrier_at: Option<String>,
    #[command(flatten)]
    carrier_patience: Patience,
    /// Let webhooks go to this machine itself: to try them, never in a public place.
    #[arg(long)]
    webhooks_to_loopback: bool,
    #[command(flatten)]
    fault: fault::Options,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let metrics = telemetry::metrics()?;
    let listener = listen::on(options.listen).await?;
    let has = |role: Role| options.roles.contains(&role);
    let (dir, partitions) = (&options.data.dir, options.partitions);
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
    let site = Site::of(&options, dir)?;
    let server = Server::start(listener, Contexts { inventory, fulfillment }, site, metrics).await?;
    let stop = stop_signal()?;
    println!("comanda serves http://{} from {}", server.addr, dir.display());
    server.until(stop).await
}

/// What a server needs to know beside its data.
pub(crate) struct Site {
    pub(crate) surroundings: Surroundings,
    elsewhere: Elsewhere,
}

impl Site {
    fn of(options: &Options, dir: &Path) -> Result<Self> {
        let has = |role: Role| options.roles.contains(&role);
        let here = |role, at: &Option<String>, flag: &str| match (has(role), at) {
            (true, Some(_)) => Err(miette!(
                help = "leave one of the two out",
                "this process runs {role:?} itself, and {flag} says that another one does"
            )),
            (false, None) => Err(miette!(
                help = "say where it is, or add its role",
                "this process does not run {role:?}, and {flag} does not say where it is"
            )),
            (_, at) => Ok(at.clone()),
        };
        let inventory = here(Role::Inventory, &options.inventory_at, "--inventory-at")?;
        let fulfillment = here(Role::Fulfillment, &options.fulfillment_at, "--fulfillment-at")?;
        let gateway = has(Role::Gateway);
        let peer = |context, at: &Option<String>| match at {
            Some(base) if gateway => Ok(Some(Peer::there(context, authority(base)?))),
            _ => Ok::<_, miette::Report>(None),
        };
        let elsewhere =
            Elsewhere { inventory: peer("inventory", &inventory)?, fulfillment: peer("fulfillment", &fulfillment)? };
        let webhooks = WebhookSettings::default();
        let webhooks = if options.webhooks_to_loopback { webhooks.to_loopback() } else { webhooks };
        let patience = options.carrier_patience;
        let carrier = options.carrier_at.clone().map(|base| CarrierAt { base, patience });
        let signing_key = signing_key(dir)?;
        let surroundings = Surroundings { inventory, fulfillment, carrier, signing_key, webhooks };
        Ok(Self { surroundings, elsewhere })
    }

    /// Both contexts in this process, whose data is in `dir`; carriers are booked at `carrier`.
    pub(crate) fn alone(dir: &Path, carrier: Option<CarrierAt>) -> Result<Self> {
        let (signing_key, webhooks) = (signing_key(dir)?, WebhookSettings::default());
        let surroundings = Surroundings { inventory: None, fulfillment: None, carrier, signing_key, webhooks };
        Ok(Self { surroundings, elsewhere: Elsewhere::default() })
    }
}

/// `host:port` of a base address.
fn authority(base: &str) -> Result<Authority> {
    let uri: Uri = base.parse().into_diagnostic()?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(authority)) => Ok(authority.clone()),
        _ => Err(miette!(help = "write it as http://host:port", "{base} is no address of another process")),
    }
}

/// The key that signs webhooks: made at the first start, readable by the owner alone.
fn signing_key(dir: &Path) -> Result<SigningKey> {
    let path = dir.join(SIGNING_KEY_FILE);
    std::fs::create_dir_all(dir).into_diagnostic()?;
    let fresh: [u8; KEY_BYTES] = rand::random();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => file.write_all(&fresh).and_then(|()| file.sync_all()).into_diagnostic()?,
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(cause).into_diagnostic(),
    }
    let stored = std::fs::read(&path).into_diagnostic()?;
    let key: [u8; KEY_BYTES] = stored.as_slice().try_into().map_err(|_| {
        miette!(
            help = "bring it back from a copy; or delete it, and rotate the secret of every webhook",
            "{} is damaged: it has {} bytes instead of {KEY_BYTES}",
            path.display(),
            stored.len()
        )
    })?;
    Ok(SigningKey::new(key))
}

/// Prints the OpenAPI document.
pub(crate) fn print_openapi() -> Result<ExitCode> {
    match writeln!(std::io::stdout(), "{}", routes::openapi_text()?) {
        // Whoever reads has seen enough: `comanda openapi | head`.
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(cause).into_diagnostic(),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) metrics: PrometheusHandle,
    platform: Platform,
    serving: JoinHandle<u32>,
    /// Dropped when the server stops: long polls are answered then.
    polls: watch::Sender<()>,
    shutdown: oneshot::Sender<()>,
}

impl Server {
    /// Starts to serve `contexts` on `listener`.
    pub(crate) async fn start(
        listener: TcpListener,
        contexts: Contexts,
        site: Site,
        metrics: PrometheusHandle,
    ) -> Result<Self> {
        let addr = listen::address(&listener)?;
        let platform = Platform::start(contexts, &site.surroundings).await?;
        let ops = Ops {
            metrics: metrics.clone(),
            failure: platform.failure(),
            contexts: platform.running().map(Watched::of).collect(),
            openapi: routes::openapi_text()?.into(),
        };
        let (polls, stopping) = watch::channel(());
        let router = routes::router(&platform, &site.elsewhere, ops, stopping);
        let router = edge(router, EdgeLimits::default());
        let (shutdown, stop) = oneshot::channel::<()>();
        let stop = async move { drop(stop.await) };
        let serving = tokio::spawn(comanda_web::serve(listener, router, ServeLimits::default(), stop));
        Ok(Self { addr, metrics, platform, serving, polls, shutdown })
    }

    /// Serves until `stop` resolves or a thread gives up; then answers what it took, flushes and ends.
    pub(crate) async fn until(self, stop: impl Future<Output = ()>) -> Result<ExitCode> {
        let mut failure = self.platform.failure();
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
        for running in self.platform.running() {
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
        drop((self.shutdown, self.polls));
        match self.serving.await {
            Ok(0) | Err(_) => {}
            Ok(cut) => tracing::warn!(cut, "connections did not end in time and were cut"),
        }
        self.platform.stop().await;
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

/// Whether `dir` is one of ours already: for messages.
pub(crate) fn has_data(dir: &Path) -> bool {
    ["inventory", "fulfillment"].iter().any(|context| dir.join(context).join("log.db").exists())
}
