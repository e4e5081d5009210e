//! What runs in this process: the contexts, what joins them, and what works for them beside the requests.

use std::sync::Arc;
use std::time::Duration;

use comanda_fulfillment::application::book_shipments::BookShipments;
use comanda_fulfillment::domain::order::Order;
use comanda_fulfillment::react::Stock;
use comanda_inventory::application::sweep::{DueSkus, SWEEP_MAX};
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_inventory::react::Orders;
use cqrs::{
    Alarm, Ask, CommandBus, ConsumerError, Dispatch, Envelope, Inquire, QueryBus, Relay, Subscription, Transport,
};
use miette::{IntoDiagnostic, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::carrier::patience::CarrierAt;
use crate::compose::hooks::{SigningKey, WebhookSettings, Webhooks};
use crate::compose::{self, Data, Running};
use crate::fault;
use crate::outgoing::Credential;

/// How often holds that nobody touched are expired, so that lists are right within a second.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// The contexts whose data this process has. Clones share it.
#[derive(Clone)]
pub(crate) struct Contexts {
    pub(crate) inventory: Option<Data>,
    pub(crate) fulfillment: Option<Data>,
}

/// What this process needs of others, and of its folder.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The base address of Inventory, if another process has it.
    pub(crate) inventory: Option<String>,
    /// The base address of Fulfillment, if another process has it.
    pub(crate) fulfillment: Option<String>,
    /// What they know this process by.
    pub(crate) credential: Option<Credential>,
    /// Where carriers are booked, if shipments are.
    pub(crate) carrier: Option<CarrierAt>,
    /// Signs webhooks.
    pub(crate) signing_key: SigningKey,
    /// How webhooks are delivered.
    pub(crate) webhooks: WebhookSettings,
    /// What is done to messages between the contexts, in tests.
    pub(crate) faults: fault::Options,
}

/// The contexts at work.
pub(crate) struct Platform {
    pub(crate) inventory: Option<Running>,
    pub(crate) fulfillment: Option<Running>,
    pub(crate) webhooks: Vec<Arc<Webhooks>>,
    failed: watch::Sender<Option<String>>,
    stopping: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Platform {
    /// Starts the contexts and all that works for them.
    ///
    /// Whatever stops before its time says why to `failed`.
    pub(crate) async fn start(
        contexts: Contexts,
        surroundings: &Surroundings,
        failed: watch::Sender<Option<String>>,
    ) -> Result<Self> {
        let mut platform = Self {
            inventory: start(contexts.inventory, &failed).await?,
            fulfillment: start(contexts.fulfillment, &failed).await?,
            webhooks: Vec::new(),
            failed,
            stopping: watch::Sender::new(false),
            workers: JoinSet::new(),
        };
        platform.join(surroundings).await?;
        platform.look_after();
        platform.book(surroundings)?;
        platform.deliver(surroundings)?;
        Ok(platform)
    }

    /// The contexts that run here, by name.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Running> {
        self.inventory.iter().chain(&self.fulfillment)
    }

    /// Answers what was taken, writes what is under way, and ends.
    ///
    /// Every other handle to the buses must have been dropped: the executors work as long as one lives.
    pub(crate) async fn stop(mut self) {
        self.stopping.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        drop(self.webhooks);
        for running in self.inventory.into_iter().chain(self.fulfillment) {
            running.stop().await;
        }
    }

    /// Joins the two contexts: by a transport within this process, else by the other process's feed.
    async fn join(&mut self, surroundings: &Surroundings) -> Result<()> {
        let faults = &surroundings.faults;
        let transport = faults.on_the_way(compose::transport());
        if let (Some(inventory), Some(fulfillment)) = (&self.inventory, &self.fulfillment) {
            let (of_inventory, of_fulfillment) = (inventory.feed(), fulfillment.feed());
            // Subscribed first, so that nothing the relays carry is missed.
            let orders = Some(subscribe(&transport, "fulfillment").await?);
            let orders = faults.receive::<Orders>(inventory, of_fulfillment, orders, self.until_stopped());
            let stock = Some(subscribe(&transport, "inventory").await?);
            let stock = faults.receive::<Stock>(fulfillment, of_inventory, stock, self.until_stopped());
            let relays = [inventory, fulfillment]
                .map(|r| Relay::new(&r.context, Arc::clone(&r.log), r.tail.clone(), Arc::clone(&transport)));
            for relay in relays {
                let stop = self.until_stopped();
                self.workers.spawn(relay.run(stop));
            }
            self.receive(orders);
            self.receive(stock);
            return Ok(());
        }
        if let (Some(inventory), Some(base)) = (&self.inventory, &surroundings.fulfillment) {
            let feed = compose::feed_at("fulfillment", base, surroundings.credential.as_ref()).into_diagnostic()?;
            let orders = faults.receive::<Orders>(inventory, feed, None, self.until_stopped());
            self.receive(orders);
        }
        if let (Some(fulfillment), Some(base)) = (&self.fulfillment, &surroundings.inventory) {
            let feed = compose::feed_at("inventory", base, surroundings.credential.as_ref()).into_diagnostic()?;
            let stock = faults.receive::<Stock>(fulfillment, feed, None, self.until_stopped());
            self.receive(stock);
        }
        Ok(())
    }

    fn receive(&mut self, receiving: impl Future<Output = Result<(), ConsumerError>> + Send + 'static) {
        let failed = self.failed.clone();
        self.workers.spawn(async move {
            if let Err(why) = receiving.await {
                failed.send_replace(Some(why.to_string()));
            }
        });
    }

    /// What time brings about though nobody asks.
    fn look_after(&mut self) {
        if let Some(inventory) = &self.inventory {
            let (sweep, stop) = (sweep(inventory.commands.clone(), inventory.queries.clone()), self.until_stopped());
            self.workers.spawn(async move {
                tokio::select! {
                    () = sweep => {}
                    () = stop => {}
                }
            });
        }
        if let Some(fulfillment) = &self.fulfillment {
            let alarm = Alarm::<Order>::new(fulfillment.commands.clone(), fulfillment.read.clone());
            let stop = self.until_stopped();
            self.workers.spawn(alarm.run(stop));
        }
    }

    /// Books shipments, if it is known where.
    fn book(&mut self, surroundings: &Surroundings) -> Result<()> {
        let (Some(fulfillment), Some(at)) = (&self.fulfillment, &surroundings.carrier) else { return Ok(()) };
        let carrier = compose::carrier_at(at).into_diagnostic()?;
        let (commands, queries) = (fulfillment.commands.clone(), fulfillment.queries.clone());
        let name = format!("process-{}", std::process::id());
        let worker = BookShipments::new(&name, commands, queries, carrier, at.patience.of_worker());
        let stop = self.until_stopped();
        self.workers.spawn(async move { worker.run(stop).await });
        Ok(())
    }

    /// Webhooks, each context's own.
    fn deliver(&mut self, surroundings: &Surroundings) -> Result<()> {
        let mut webhooks = Vec::new();
        for running in self.running() {
            let (commands, queries) = (running.commands.clone(), running.queries.clone());
            let key = surroundings.signing_key.clone();
            let made = Webhooks::new(commands, queries, running.feed(), key, surroundings.webhooks);
            webhooks.push(Arc::new(made.into_diagnostic()?));
        }
        for told in &webhooks {
            let stop = self.until_stopped();
            self.workers.spawn(Arc::clone(told).run(stop));
        }
        self.webhooks = webhooks;
        Ok(())
    }

    fn until_stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move { drop(stopping.wait_for(|stopping| *stopping).await) }
    }
}

async fn start(data: Option<Data>, failed: &watch::Sender<Option<String>>) -> Result<Option<Running>> {
    match data {
        Some(data) => Ok(Some(data.start(failed.clone()).await.into_diagnostic()?)),
        None => Ok(None),
    }
}

async fn subscribe(transport: &Arc<dyn Transport>, source: &str) -> Result<Box<dyn Subscription>> {
    transport.subscribe(source).await.into_diagnostic()
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
