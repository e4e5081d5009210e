//! The views as queries see them: how far they have read, and their hot rows in memory.

use std::any::Any;
use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;
use tokio::sync::watch;

use crate::event::{Epoch, PartitionId, Position};
use crate::read_store::ReadModel;
use crate::token::Token;

/// Shared between the projector, which moves it forward, and the queries, which read it.
#[derive(Clone)]
pub struct Views(Arc<Inner>);

struct Inner {
    /// Per partition, how far every view has read.
    progress: watch::Sender<Vec<Position>>,
    /// Odd while the projector commits and refreshes rows, even between.
    generation: RwLock<u64>,
    hot: Cache<(&'static str, Box<str>), Hot>,
}

/// A row in memory, or the knowledge that there is none.
#[derive(Clone)]
struct Hot(Option<Arc<dyn Any + Send + Sync>>);

impl Views {
    /// Views of a log of `partitions` parts that have read nothing yet; at most `hot_rows_max` rows are kept in memory.
    #[must_use]
    pub fn new(partitions: u16, hot_rows_max: u64) -> Self {
        let progress = watch::Sender::new(vec![0; usize::from(partitions)]);
        Self(Arc::new(Inner { progress, generation: RwLock::new(0), hot: Cache::new(hot_rows_max) }))
    }

    /// Per partition, how far every view has read.
    #[must_use]
    pub fn progress(&self) -> Vec<Position> {
        self.0.progress.borrow().clone()
    }

    /// Whether every view has read what `token` asks for.
    #[must_use]
    pub fn has_read(&self, token: &Token) -> bool {
        covers(&self.0.progress.borrow(), token)
    }

    /// Returns once every view has read what `token` asks for.
    pub async fn until_read(&self, token: &Token) {
        let mut progress = self.0.progress.subscribe();
        // An error means that the sender is gone, and it lives as long as `self`.
        let _ended = progress.wait_for(|progress| covers(progress, token)).await;
    }

    /// A token for what the views have read: of one partition or of all.
    #[must_use]
    pub fn token(&self, epoch: Epoch, partition: Option<PartitionId>) -> Token {
        let progress = self.0.progress.borrow();
        let mut token = Token::new(epoch);
        for (partition, position) in
            (0..).map(PartitionId).zip(progress.iter()).filter(|(p, _)| partition.is_none_or(|only| only == *p))
        {
            if *position > 0 {
                token.require(partition, *position);
            }
        }
        token
    }

    /// The hot row under `key`: `Some(None)` if it is known that there is none, `None` if it is not in memory.
    #[expect(clippy::option_option, reason = "known to be absent and not known are two things")]
    pub(crate) fn cached<R: ReadModel>(&self, key: &str) -> Option<Option<Arc<R>>> {
        let Hot(row) = self.0.hot.get(&(R::NAME, Box::<str>::from(key)))?;
        match row {
            None => Some(None),
            Some(row) => row.downcast::<R>().ok().map(Some),
        }
    }

    /// What [`Views::remember`] must be told: taken before the store is read.
    pub(crate) fn generation(&self) -> u64 {
        *self.0.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a row that was read from the store, unless a commit has begun since `generation`: it may be old then.
    pub(crate) fn remember<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>, generation: u64) {
        let now = self.0.generation.read().unwrap_or_else(PoisonError::into_inner);
        // Kept under the lock: a commit that begins afterwards refreshes what is kept here.
        if *now == generation && generation.is_multiple_of(2) {
            self.keep(key, row);
        }
    }

    /// The projector is about to commit rows.
    pub(crate) fn begin_commit(&self) {
        *self.0.generation.write().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    /// Refreshes a row that the projector has just committed.
    pub(crate) fn refresh<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>) {
        self.keep(key, row);
    }

    fn keep<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>) {
        self.0.hot.insert((R::NAME, key.into()), Hot(row.map(|row| row as Arc<dyn Any + Send + Sync>)));
    }

    /// Says how far every view has now read, after the rows were committed and refreshed.
    pub(crate) fn advance(&self, progress: Vec<Position>) {
        self.0.progress.send_replace(progress);
        *self.0.generation.write().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

fn covers(progress: &[Position], token: &Token) -> bool {
    token
        .positions()
        .iter()
        .all(|(partition, position)| progress.get(usize::from(partition.0)).is_some_and(|read| read >= position))
}
