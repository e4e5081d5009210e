//! The composition root: the one file that knows which adapters there are, and the threads that run them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use comanda_fulfillment::application::carrier::Carrier;
use comanda_fulfillment::react::Stock;
use comanda_inventory::react::Orders;
use comanda_messaging::{HttpFeed, HttpFeedWaits, NoFeedThere, webhooks};
use comanda_stores::sqlite::{OpenError, SqliteFolder, SqliteOptions};
use cqrs::{
    Channel, Clock, CommandBus, Context, EventStore, Executor, ExecutorLoop, ExecutorSettings, Feed, LogFeed,
    LogReader, ProjectionDesk, Projector, QueryBus, ReadSide, ReadStore, StoreError, SystemClock, Tail, Transport,
    ViewReader, Views, command_bus, query_bus,
};
use tokio::sync::{oneshot, watch};

pub(crate) use comanda_messaging::{told, webhooks as hooks};
pub(crate) use comanda_stores::sqlite as copies;

use crate::carrier::http::{HttpCarrier, NoCarrierThere};
use crate::carrier::patience::CarrierAt;
use crate::fault;
use crate::outgoing::Credential;

/// A command nobody waits for longer than this is dropped undecided.
const COMMAND_WAIT_MAX: Duration = Duration::from_secs(10);

/// A query with a consistency token waits at most this long for the views.
const TOKEN_WAIT_MAX: Duration = Duration::from_secs(5);

/// Rows of the views kept in memory for queries.
const HOT_ROWS_MAX: u64 = 100_000;

/// How long the threads may take to finish when the process stops.
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);

/// One context's data, open: its log and its views. Clones share them.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) context: Arc<Context>,
    log: Arc<dyn EventStore>,
    rows: Arc<dyn ReadStore>,
    log_reader: Arc<dyn LogReader>,
    view_reader: Arc<dyn ViewReader>,
}

impl Data {
    /// Opens Inventory's data in `dir`; a new log gets `partitions` parts.
    pub(crate) fn open_inventory(dir: &Path, partitions: u16) -> Result<Self, OpenError> {
        Self::open(dir, fault::list_in::<Orders>(comanda_inventory::context()), partitions)
    }

    /// Opens Fulfillment's data in `dir`; a new log gets `partitions` parts.
    pub(crate) fn open_fulfillment(dir: &Path, partitions: u16) -> Result<Self, OpenError> {
        Self::open(dir, fault::list_in::<Stock>(comanda_fulfillment::context()), partitions)
    }

    /// Opens a context's data: a folder of its own in `dir`, which no other context looks into.
    fn open(dir: &Path, context: Context, partitions: u16) -> Result<Self, OpenError> {
        let options = SqliteOptions { partitions, ..SqliteOptions::default() };
        let folder = SqliteFolder::open(&dir.join(context.name()), &options)?;
        Ok(Self {
            context: Arc::new(webhooks::list_in(context)),
            log: folder.event_store(),
            rows: folder.read_store(),
            log_reader: Arc::new(folder.log_reader()),
            view_reader: Arc::new(folder.view_reader()),
        })
    }

    /// A projector on data that no server runs on: for whoever looks after the views of a stopped one.
    pub(crate) async fn projector(&self) -> Result<Projector, StoreError> {
        let (log, views) =
            (Arc::clone(&self.log) as Arc<dyn LogReader>, Views::new(self.log.partitions(), HOT_ROWS_MAX));
        Projector::open(&self.context, log, Arc::clone(&self.rows), Tail::default(), views).await
    }

    /// Has `work` send commands to data that no server runs on; each answer is durable.
    pub(crate) async fn decide<T>(&self, work: impl AsyncFnOnce(CommandBus) -> T) -> Result<T, StoreError> {
        let (context, log) = (Arc::clone(&self.context), Arc::clone(&self.log));
        let (executor, deciding) =
            Executor::new(context, log, Arc::new(SystemClock), Tail::default(), ExecutorSettings::default());
        let commands = command_bus(executor, COMMAND_WAIT_MAX);
        let (decided, done) = tokio::join!(ExecutorLoop::run(deciding), work(commands));
        decided?;
        Ok(done)
    }

    /// The log, read in place: for `verify`, which has the data to itself.
    pub(crate) fn log(&self) -> &dyn LogReader {
        self.log.as_ref()
    }

    /// The views, read in place.
    pub(crate) fn rows(&self) -> &dyn ReadStore {
        self.rows.as_ref()
    }

    /// The store to append to, behind what `wrap` puts around it.
    pub(crate) fn wrapped(self, wrap: impl FnOnce(Arc<dyn EventStore>) -> Arc<dyn EventStore>) -> Self {
        Self { log: wrap(self.log), ..self }
    }

    /// Starts the threads that decide commands, write snapshots and keep the views current.
    ///
    /// Whatever stops before its time says why to `failed`.
    pub(crate) async fn start(self, failed: watch::Sender<Option<String>>) -> Result<Running, StoreError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (tail, views) = (Tail::default(), Views::new(self.log.partitions(), HOT_ROWS_MAX));

        let (executor, mut deciding) = Executor::new(
            Arc::clone(&self.context),
            Arc::clone(&self.log),
            Arc::clone(&clock),
            tail.clone(),
            ExecutorSettings::default(),
        );
        let log: Arc<dyn LogReader> = Arc::clone(&self.log) as _;
        let mut projector = Projector::open(&self.context, log, self.rows, tail.clone(), views.clone()).await?;
        let (desk, builder) = (projector.desk(), projector.builder());
        let (context, log) = (Arc::clone(&self.context), Arc::clone(&self.log_reader));
        let read = ReadSide::new(self.context, views, self.view_reader, self.log_reader, clock, TOKEN_WAIT_MAX);

        let mut threads = Vec::new();
        if let Some(snapshots) = deciding.snapshots() {
            threads.push(spawn("snapshots", failed.clone(), async move {
                snapshots.run().await;
                Ok::<_, StoreError>(())
            })?);
        }
        threads.push(spawn("executor", failed.clone(), ExecutorLoop::run(deciding))?);
        let (stop_projector, stopped) = oneshot::channel::<()>();
        let projecting = projector.run(async move { drop(stopped.await) });
        let projector = spawn("projector", failed.clone(), projecting)?;
        let (stop_builder, stopped) = oneshot::channel::<()>();
        if let Some(builder) = builder {
            let building = builder.run(async move { drop(stopped.await) });
            threads.push(spawn("builder", failed, building)?);
        }
        Ok(Running {
            commands: command_bus(executor.clone(), COMMAND_WAIT_MAX),
            executor,
            queries: query_bus(read.clone()),
            read,
            context,
            log,
            tail,
            projections: desk,
            threads,
            projector,
            stop_projector,
            stop_builder,
        })
    }
}

/// A context at work.
pub(crate) struct Running {
    pub(crate) commands: CommandBus,
    pub(crate) queries: QueryBus,
    pub(crate) read: ReadSide,
    pub(crate) executor: Executor,
    pub(crate) context: Arc<Context>,
    pub(crate) log: Arc<dyn LogReader>,
    pub(crate) tail: Tail,
    pub(crate) projections: ProjectionDesk,
    threads: Vec<oneshot::Receiver<()>>,
    projector: oneshot::Receiver<()>,
    stop_projector: oneshot::Sender<()>,
    stop_builder: oneshot::Sender<()>,
}

impl Running {
    /// The contract events of this context.
    pub(crate) fn feed(&self) -> Arc<dyn Feed> {
        Arc::new(LogFeed::new(&self.context, Arc::clone(&self.log), self.tail.clone()))
    }

    /// Lets every queued command be answered, writes what is under way, and ends the threads.
    ///
    /// Every other handle to the buses must have been dropped: the executor works as long as one lives.
    pub(crate) async fn stop(self) {
        drop((self.commands, self.executor, self.stop_builder));
        let ended = tokio::time::timeout(STOP_WAIT_MAX, async {
            for thread in self.threads {
                let _ended = thread.await;
            }
            drop(self.stop_projector);
            let _ended = self.projector.await;
        });
        if ended.await.is_err() {
            tracing::error!("the write side did not finish within {STOP_WAIT_MAX:?}; what was acknowledged is safe");
        }
    }
}

/// What carries messages between the contexts of this process.
pub(crate) fn transport() -> Arc<dyn Transport> {
    Arc::new(Channel::default())
}

/// The feed of a context that another process serves at `base`.
pub(crate) fn feed_at(context: &str, base: &str, with: Option<&Credential>) -> Result<Arc<dyn Feed>, NoFeedThere> {
    let feed = HttpFeed::new(context, base, HttpFeedWaits::default())?;
    Ok(match with {
        Some(credential) => Arc::new(feed.with_credential(credential.text())?),
        None => Arc::new(feed),
    })
}

/// The carriers that are booked there.
pub(crate) fn carrier_at(at: &CarrierAt) -> Result<Arc<dyn Carrier>, NoCarrierThere> {
    Ok(Arc::new(HttpCarrier::new(&at.base, at.patience.of_client())?.of_tenant(at.tenant.as_deref())))
}

/// Runs `work` on a thread of its own, because it blocks in the store. Its failure is told to `failed`.
fn spawn<E: std::fmt::Display>(
    name: &'static str,
    failed: watch::Sender<Option<String>>,
    work: impl Future<Output = Result<(), E>> + Send + 'static,
) -> Result<oneshot::Receiver<()>, StoreError> {
    let unavailable = |cause: std::io::Error| StoreError::Unavailable(format!("the {name} thread: {cause}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(unavailable)?;
    let (ended, end) = oneshot::channel();
    let run = move || {
        let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
        match worked {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => drop(failed.send_replace(Some(format!("the {name} stopped: {cause}")))),
            Err(_) => drop(failed.send_replace(Some(format!("the {name} panicked: this is a bug")))),
        }
        // Dropped without a value just as well: whoever waits learns that the thread is done.
        drop(ended);
    };
    thread::Builder::new().name(name.into()).spawn(run).map_err(unavailable)?;
    Ok(end)
}
