//! The builder: folds a view anew beside its live build, in large batches, while the projector goes on.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::control::{Control, Order};
use super::fold::AnyProjection;
use super::following::Following;
use super::rebuild::{Purpose, Rebuild};
use super::swapping::give_up;
use super::{COMPARED_KEYS_MAX, ProjectorError};
use crate::event::{PartitionId, Recorded};
use crate::event_store::{LogReader, StoreError};
use crate::read_store::{Model, ReadStore, Role};

/// Events folded between two looks at whether to stop.
const BATCH_EVENTS_MAX: usize = 16_384;

/// Rows kept unstored at the most: a hot row is then written once for very many events.
const UNSTORED_ROWS_MAX: usize = 65_536;

/// Events after which all is stored, so that an end of the process costs no more than these.
const STORE_EVERY_EVENTS: u64 = 4_000_000;

/// A build is handed to the projector once it is no further behind: a batch of the projector's.
const BEHIND_EVENTS_MAX: u64 = 8_192;

/// A build that is to be made.
pub(super) struct Job {
    pub(super) following: Following,
    pub(super) rebuild: Rebuild,
}

/// Makes builds, one after the other: first those that a new version of a view lacks, then those that are ordered.
///
/// It blocks in the stores, like the projector: give it a thread of its own.
pub struct Builder {
    pub(super) projections: Vec<Arc<dyn AnyProjection>>,
    pub(super) log: Arc<dyn LogReader>,
    pub(super) store: Arc<dyn ReadStore>,
    pub(super) first: VecDeque<Job>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) projector: mpsc::Sender<Control>,
}

impl Builder {
    /// Works until `stop` resolves. A build under way then is gone on with at the next start if it is the first of its
    /// version, else dropped there.
    ///
    /// # Errors
    /// [`ProjectorError`], if a store is broken, or a view that has no build yet cannot be built.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), ProjectorError> {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                done = self.next() => done?,
            }
        }
    }

    async fn next(&mut self) -> Result<(), ProjectorError> {
        if let Some(Job { mut following, rebuild }) = self.first.pop_front() {
            self.fold(&mut following, &rebuild).await?;
            return self.hand_over(following, &rebuild).await;
        }
        match self.orders.recv().await {
            Some(order) => self.carry_out(order).await,
            // Nobody is left who could order anything.
            None => std::future::pending().await,
        }
    }

    async fn carry_out(&mut self, Order { name, rebuild }: Order) -> Result<(), ProjectorError> {
        let model = self.model(name)?;
        let mut following = self.start(model, &rebuild).await?;
        let shadow = following.model;
        let done = match self.fold(&mut following, &rebuild).await {
            Ok(_) => self.hand_over(following, &rebuild).await,
            Err(why) => Err(why),
        };
        match done {
            Err(why @ (ProjectorError::TooManyParked { .. } | ProjectorError::Restless { .. })) => {
                Ok(give_up(self.store.as_ref(), shadow, &rebuild, &why).await?)
            }
            done => done,
        }
    }

    fn model(&self, name: &str) -> Result<Model, StoreError> {
        Ok(self.projection(name)?.model())
    }

    fn projection(&self, name: &str) -> Result<&Arc<dyn AnyProjection>, StoreError> {
        let found = self.projections.iter().find(|projection| projection.model().name == name);
        found.ok_or_else(|| StoreError::Broken(format!("view {name} is not there: a fault of the caller")))
    }

    /// The build that `rebuild` asks for: an empty one, or the kept one where it stands.
    pub(super) async fn start(&self, model: Model, rebuild: &Rebuild) -> Result<Following, StoreError> {
        let build = match rebuild.purpose() {
            Purpose::SwapBack => {
                let builds = self.store.builds(model).await?;
                let kept = builds.iter().find(|build| build.version == model.version && build.role == Role::Kept);
                let kept =
                    kept.ok_or_else(|| StoreError::Broken(format!("view {model} has no build that was kept")))?;
                model.in_build(kept.number)
            }
            _ => self.store.begin(model, self.log.epoch()).await?,
        };
        let (projection, heads) = (Arc::clone(self.projection(model.name)?), self.log.heads().await?);
        Following::open(projection.as_ref(), build, self.store.as_ref(), self.log.as_ref(), &heads).await
    }

    /// Folds the log from where `following` stands until it is next to its end, and makes the build ready for queries.
    /// Returns how many events that were.
    pub(super) async fn fold(&self, following: &mut Following, rebuild: &Rebuild) -> Result<u64, ProjectorError> {
        rebuild.begin(following.read.iter().sum());
        let mut folded = self.fold_to_end(following, rebuild).await?;
        self.store.finish(following.model).await?;
        // What came in meanwhile.
        while following.behind(&self.log.heads().await?) > BEHIND_EVENTS_MAX {
            folded += self.fold_to_end(following, rebuild).await?;
        }
        Ok(folded)
    }

    /// Partition by partition, so that the rows at hand are those of one.
    async fn fold_to_end(&self, following: &mut Following, rebuild: &Rebuild) -> Result<u64, ProjectorError> {
        let heads = self.log.heads().await?;
        let total = heads.iter().map(|head| head.position).sum();
        let (mut folded, mut unstored_events) = (0, 0);
        for (partition, head) in (0..).map(PartitionId).zip(&heads) {
            // A row is written by one partition only, so one that begins meets no row that is stored.
            following.fold.meets_stored(following.read.get(usize::from(partition.0)).is_none_or(|read| *read > 0));
            loop {
                let read = following.read.get(usize::from(partition.0)).copied().unwrap_or(head.position);
                if read >= head.position {
                    break;
                }
                let page = self.log.read_partition(partition, read, BATCH_EVENTS_MAX).await?;
                if page.is_empty() {
                    break;
                }
                let events: Vec<&Recorded> = page.iter().collect();
                let batch = following.fold(&events, self.store.as_ref()).await?;
                let unstored_rows = following.fold.keep();
                rebuild.came(batch.events, total);
                (folded, unstored_events) = (folded + batch.events, unstored_events + batch.events);
                following.take_in(batch);
                if unstored_rows >= UNSTORED_ROWS_MAX || unstored_events >= STORE_EVERY_EVENTS {
                    self.save(following).await?;
                    unstored_events = 0;
                }
                // The stores do not wait for anything, so this is where a stop is noticed.
                tokio::task::yield_now().await;
            }
        }
        self.save(following).await?;
        following.fold.meets_stored(true);
        Ok(folded)
    }

    async fn save(&self, following: &mut Following) -> Result<(), StoreError> {
        self.store.commit(&[following.whole_change(self.log.epoch())?]).await?;
        following.fold.committed(None);
        Ok(())
    }

    /// Gives the build to the projector, which brings it to where the live one stands; compares the two, and has them
    /// swapped.
    async fn hand_over(&self, following: Following, rebuild: &Rebuild) -> Result<(), ProjectorError> {
        let shadow = following.model;
        let adopt = |done| Control::Adopt { following, rebuild: rebuild.clone(), done };
        if self.ask(adopt).await.is_none() || rebuild.purpose() == Purpose::First {
            return Ok(());
        }
        rebuild.compares();
        let live = Model { build: crate::read_store::Build::Live, ..shadow };
        let compared = self.store.compare(live, shadow, COMPARED_KEYS_MAX).await?;
        self.ask(|done| Control::Decide { name: shadow.name, compared, done }).await;
        Ok(())
    }

    /// Asks the projector, and waits until it has done so; none if it is gone.
    async fn ask(&self, what: impl FnOnce(oneshot::Sender<()>) -> Control) -> Option<()> {
        let (done, is_done) = oneshot::channel();
        self.projector.send(what(done)).await.ok()?;
        is_done.await.ok()
    }
}
