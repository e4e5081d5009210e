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
    commit: RwLock<Commit>,
    hot: Cache<(&'static str, Box<str>), Hot>,
}

/// The projector's latest commit.
#[derive(Default)]
struct Commit {
    /// Odd while the projector commits and refreshes rows, even between.
    generation: u64,
    /// How far the views will have read once it is done: a reader may see its rows before `progress` says so.
    reaching: Vec<Position>,
}

/// A row in memory, or the knowledge that there is none.
#[derive(Clone)]
struct Hot(Option<Arc<dyn Any + Send + Sync>>);

impl Views {
    /// Views of a log of `partitions` parts that have read nothing yet; at most `hot_rows_max` rows are kept in memory.
    #[must_use]
    pub fn new(partitions: u16, hot_rows_max: u64) -> Self {
        let progress = watch::Sender::new(vec![0; usize::from(partitions)]);
        Self(Arc::new(Inner { progress, commit: RwLock::default(), hot: Cache::new(hot_rows_max) }))
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

    /// Changes whenever the views have read on.
    pub(crate) fn moved(&self) -> watch::Receiver<Vec<Position>> {
        self.0.progress.subscribe()
    }

    /// A token for what a reader may have seen by now: of one partition or of all.
    #[must_use]
    pub fn token(&self, epoch: Epoch, partition: Option<PartitionId>) -> Token {
        let commit = self.0.commit.read().unwrap_or_else(PoisonError::into_inner);
        let progress = self.0.progress.borrow();
        let mut token = Token::new(epoch);
        let seen = |p: PartitionId| {
            let at = |positions: &[Position]| positions.get(usize::from(p.0)).copied().unwrap_or(0);
            at(&progress).max(at(&commit.reaching))
        };
        match partition {
            Some(partition) => token.require(partition, seen(partition)),
            None => {
                for partition in (0..).map(PartitionId).take(progress.len()).filter(|partition| seen(*partition) > 0) {
                    token.require(partition, seen(partition));
                }
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
        self.0.commit.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Keeps a row that was read from the store, unless a commit has begun since `generation`: it may be old then.
    pub(crate) fn remember<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>, generation: u64) {
        let now = self.0.commit.read().unwrap_or_else(PoisonError::into_inner);
        // Kept under the lock: a commit that begins afterwards refreshes what is kept here.
        if now.generation == generation && generation.is_multiple_of(2) {
            self.keep(key, row);
        }
    }

    /// The projector is about to commit rows that are folded up to `reaching`.
    pub(crate) fn begin_commit(&self, reaching: Vec<Position>) {
        let mut commit = self.0.commit.write().unwrap_or_else(PoisonError::into_inner);
        commit.generation += 1 + commit.generation % 2;
        commit.reaching = reaching;
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
        let mut commit = self.0.commit.write().unwrap_or_else(PoisonError::into_inner);
        commit.generation += commit.generation % 2;
    }
}

fn covers(progress: &[Position], token: &Token) -> bool {
    token
        .positions()
        .iter()
        .all(|(partition, position)| progress.get(usize::from(partition.0)).is_some_and(|read| read >= position))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Row(u32);

    impl ReadModel for Row {
        const NAME: &'static str = "row";
        const VERSION: u32 = 1;
    }

    #[test]
    fn a_read_during_a_commit_is_not_kept_over_the_committed_row() {
        for opened in [false, true] {
            let views = Views::new(1, 100);
            if opened {
                views.advance(vec![0]);
            }
            views.begin_commit(vec![1]);
            let generation = views.generation();
            let old = Some(Arc::new(Row(1)));
            views.refresh::<Row>("k", Some(Arc::new(Row(2))));
            views.remember::<Row>("k", old, generation);
            views.advance(vec![1]);
            assert_eq!(views.cached::<Row>("k").flatten().map(|row| row.0), Some(2));
        }
    }

    #[test]
    fn between_commits_rows_are_remembered() {
        let views = Views::new(1, 100);
        views.advance(vec![0]);
        let generation = views.generation();
        views.remember::<Row>("k", Some(Arc::new(Row(1))), generation);
        assert!(views.cached::<Row>("k").is_some());
    }

    #[test]
    fn a_token_taken_during_a_commit_covers_the_rows_that_may_be_seen() {
        let views = Views::new(2, 100);
        views.advance(vec![3, 1]);
        views.begin_commit(vec![4, 1]);
        let token = views.token(Epoch(uuid::Uuid::nil()), Some(PartitionId(0)));
        assert_eq!(token.positions(), [(PartitionId(0), 4)]);
        assert!(!views.has_read(&token));
        views.advance(vec![4, 1]);
        assert!(views.has_read(&token));
    }
}
