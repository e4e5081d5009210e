//! The views as queries see them: how far each has read, what it lacks, and their hot rows in memory.

use std::any::Any;
use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;
use tokio::sync::watch;

use super::Token;
use crate::event::{Epoch, PartitionId, Position};
use crate::projector::Rebuild;
use crate::read_store::{ParkedStream, ReadModel};

/// How far each view of a context has read, and the rows that were read last, in memory.
///
/// Shared between the [`Projector`](crate::projector::Projector), which moves it forward, and the [`ReadSide`](super::ReadSide). Clones
/// share it.
#[derive(Clone)]
pub struct Views(Arc<Inner>);

struct Inner {
    partitions: usize,
    progress: watch::Sender<Vec<View>>,
    /// Odd while the projector commits and refreshes rows, even between.
    generation: RwLock<u64>,
    hot: Cache<(&'static str, Box<str>), Hot>,
}

/// One view, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    /// The number of the build that queries read; none before the first one of this version is whole.
    pub(crate) live: Option<u32>,
    /// The build that was live before: its version and number.
    pub(crate) kept: Option<(u32, u32)>,
    /// Per partition, how far it has read.
    pub(crate) read: Vec<Position>,
    /// How far it will have read once the commit under way is done: a reader may see its rows before `read` says so.
    pub(crate) reaching: Vec<Position>,
    /// The streams that wait.
    pub(crate) parked: Arc<Vec<ParkedStream>>,
    /// The build that is made beside it, or was made last.
    pub(crate) rebuild: Option<Rebuild>,
}

impl View {
    pub(crate) fn has_read(&self, token: &Token) -> bool {
        self.live.is_some()
            && token.positions().iter().all(|(partition, position)| at(&self.read, *partition) >= *position)
    }

    /// The first stream whose waiting events `token` asks for and that holds up what `touches` says.
    pub(crate) fn waits(&self, token: &Token, touches: impl Fn(&ParkedStream) -> bool) -> Option<&ParkedStream> {
        let asked = |parked: &ParkedStream| {
            let mut positions = token.positions().iter();
            positions.any(|(partition, position)| *partition == parked.partition && *position >= parked.position)
        };
        self.parked.iter().find(|parked| asked(parked) && touches(parked))
    }
}

fn at(positions: &[Position], partition: PartitionId) -> Position {
    positions.get(usize::from(partition.0)).copied().unwrap_or(0)
}

/// A row in memory, or the knowledge that there is none.
#[derive(Clone)]
struct Hot(Option<Arc<dyn Any + Send + Sync>>);

impl Views {
    /// Views of a log of `partitions` parts that have read nothing yet; at most `hot_rows_max` rows are kept in memory.
    #[must_use]
    pub fn new(partitions: u16, hot_rows_max: u64) -> Self {
        let progress = watch::Sender::new(Vec::new());
        let hot = Cache::new(hot_rows_max);
        Self(Arc::new(Inner { partitions: usize::from(partitions), progress, generation: RwLock::default(), hot }))
    }

    /// Per partition, how far every view has read. One that is built for the first time has read nothing.
    #[must_use]
    pub fn progress(&self) -> Vec<Position> {
        let views = self.0.progress.borrow();
        let slowest = |partition| {
            let read = |view: &View| view.live.map_or(0, |_| at(&view.read, PartitionId(partition)));
            views.iter().map(read).min().unwrap_or(0)
        };
        (0..).take(self.0.partitions).map(slowest).collect()
    }

    /// Whether every view has read what `token` asks for.
    #[must_use]
    pub fn has_read(&self, token: &Token) -> bool {
        all_have_read(&self.0.progress.borrow(), token)
    }

    /// Returns once every view has read what `token` asks for.
    pub async fn until_read(&self, token: &Token) {
        let mut progress = self.0.progress.subscribe();
        // An error means that the sender is gone, and it lives as long as `self`.
        let _ended = progress.wait_for(|views| all_have_read(views, token)).await;
    }

    /// Changes whenever the views have read on.
    pub(crate) fn moved(&self) -> watch::Receiver<Vec<View>> {
        self.0.progress.subscribe()
    }

    /// What `see` makes of the view `name`; none if the projector has not opened it.
    pub(crate) fn of<T>(&self, name: &str, see: impl FnOnce(&View) -> T) -> Option<T> {
        self.0.progress.borrow().iter().find(|view| view.name == name).map(see)
    }

    /// Every view, as it is now.
    pub(crate) fn all(&self) -> Vec<View> {
        self.0.progress.borrow().clone()
    }

    /// A token for what a reader of the views `names` may have seen by now: of one partition or of all.
    pub(crate) fn token(&self, epoch: Epoch, names: &[&'static str], partition: Option<PartitionId>) -> Token {
        let views = self.0.progress.borrow();
        let mut token = Token::new(epoch);
        let seen = |p: PartitionId| {
            let read = views.iter().filter(|view| names.contains(&view.name));
            read.map(|view| at(&view.read, p).max(at(&view.reaching, p))).max().unwrap_or(0)
        };
        match partition {
            Some(partition) => token.require(partition, seen(partition)),
            None => {
                for partition in (0..).map(PartitionId).take(self.0.partitions).filter(|partition| seen(*partition) > 0)
                {
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

    /// The projector is about to commit: `reaching` says for each view how far it will have read.
    pub(crate) fn begin_commit(&self, reaching: &[(&'static str, Vec<Position>)]) {
        let mut generation = self.0.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1 + *generation % 2;
        // Nobody waits for this, so nobody is woken.
        self.0.progress.send_if_modified(|views| {
            for (name, reaching) in reaching {
                if let Some(view) = views.iter_mut().find(|view| view.name == *name) {
                    view.reaching.clone_from(reaching);
                }
            }
            false
        });
    }

    /// Refreshes a row that the projector has just committed, if it is in memory because somebody has read it. The others would push those
    /// out, and some of them are large.
    pub(crate) fn refresh<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>) {
        // Nothing is remembered during a commit, so what is not there now is read anew afterwards.
        if self.0.hot.contains_key(&(R::NAME, Box::<str>::from(key))) {
            self.keep(key, row);
        }
    }

    /// Forgets every row: queries read other builds from now on. To be called between begin and end of a commit.
    pub(crate) fn forget_rows(&self) {
        self.0.hot.invalidate_all();
    }

    fn keep<R: ReadModel>(&self, key: &str, row: Option<Arc<R>>) {
        self.0.hot.insert((R::NAME, key.into()), Hot(row.map(|row| row as Arc<dyn Any + Send + Sync>)));
    }

    /// Changes what is known of the view `name`, which is added if it was not there.
    pub(crate) fn change<T>(&self, name: &'static str, change: impl FnOnce(&mut View) -> T) -> Option<T> {
        let mut changed = None;
        self.0.progress.send_modify(|views| {
            if !views.iter().any(|view| view.name == name) {
                views.push(View { name, ..View::default() });
            }
            changed = views.iter_mut().find(|view| view.name == name).map(change);
        });
        changed
    }

    /// The commit is over: says how far each view has now read, after the rows were committed and refreshed.
    pub(crate) fn end_commit<'a>(&self, read: impl Iterator<Item = (&'static str, &'a [Position])>) {
        self.0.progress.send_modify(|views| {
            for (name, read) in read {
                if let Some(view) = views.iter_mut().find(|view| view.name == name) {
                    view.read.clear();
                    view.read.extend_from_slice(read);
                }
            }
        });
        let mut generation = self.0.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += *generation % 2;
    }
}

/// Whether there are views at all and each of them has read what `token` asks for.
fn all_have_read(views: &[View], token: &Token) -> bool {
    let nothing = token.positions().iter().all(|(_, position)| *position == 0);
    nothing || !views.is_empty() && views.iter().all(|view| view.has_read(token))
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

    fn opened(partitions: u16) -> Views {
        let views = Views::new(partitions, 100);
        views.change("row", |view| (view.version, view.live) = (1, Some(1)));
        views
    }

    fn advance(views: &Views, read: &[Position]) {
        views.end_commit([("row", read)].into_iter());
    }

    #[test]
    fn a_read_during_a_commit_is_not_kept_over_the_committed_row() {
        for moved in [false, true] {
            let views = opened(1);
            if moved {
                advance(&views, &[0]);
            }
            views.remember::<Row>("read before", Some(Arc::new(Row(0))), views.generation());
            views.begin_commit(&[("row", vec![1])]);
            let generation = views.generation();
            for key in ["read before", "read meanwhile"] {
                views.refresh::<Row>(key, Some(Arc::new(Row(2))));
                views.remember::<Row>(key, Some(Arc::new(Row(1))), generation);
            }
            advance(&views, &[1]);
            assert_eq!(views.cached::<Row>("read before").flatten().map(|row| row.0), Some(2));
            assert!(views.cached::<Row>("read meanwhile").is_none(), "it is read anew");
        }
    }

    #[test]
    fn a_row_that_nobody_has_read_is_not_kept_in_memory() {
        let views = opened(1);
        views.begin_commit(&[("row", vec![1])]);
        views.refresh::<Row>("k", Some(Arc::new(Row(1))));
        advance(&views, &[1]);
        assert!(views.cached::<Row>("k").is_none());
    }

    #[test]
    fn between_commits_rows_are_remembered_until_they_are_forgotten() {
        let views = opened(1);
        advance(&views, &[0]);
        let generation = views.generation();
        views.remember::<Row>("k", Some(Arc::new(Row(1))), generation);
        assert!(views.cached::<Row>("k").is_some());
        views.forget_rows();
        assert!(views.cached::<Row>("k").is_none());
    }

    #[test]
    fn a_token_taken_during_a_commit_covers_the_rows_that_may_be_seen() {
        let views = opened(2);
        advance(&views, &[3, 1]);
        views.begin_commit(&[("row", vec![4, 1])]);
        let token = views.token(Epoch(uuid::Uuid::nil()), &["row"], Some(PartitionId(0)));
        assert_eq!(token.positions(), [(PartitionId(0), 4)]);
        assert!(!views.has_read(&token));
        advance(&views, &[4, 1]);
        assert!(views.has_read(&token));
    }

    #[test]
    fn a_token_asks_only_for_what_the_views_it_is_of_have_read() {
        let views = opened(1);
        views.change("other", |view| (view.live, view.read) = (Some(1), vec![9]));
        advance(&views, &[4]);
        let token = |names: &[&'static str]| views.token(Epoch(uuid::Uuid::nil()), names, Some(PartitionId(0)));
        assert_eq!(token(&["row"]).positions(), [(PartitionId(0), 4)]);
        assert_eq!(token(&["row", "other"]).positions(), [(PartitionId(0), 9)]);
        assert!(views.has_read(&token(&["row"])) && !views.has_read(&token(&["other"])));
        assert_eq!(views.progress(), [4]);
    }

    #[test]
    fn a_view_that_is_built_for_the_first_time_has_read_nothing() {
        let views = opened(1);
        advance(&views, &[4]);
        views.change("new", |view| view.read = vec![4]);
        assert_eq!(views.progress(), [0]);
    }
}
