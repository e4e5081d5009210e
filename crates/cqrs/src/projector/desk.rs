//! The desk where somebody looks after the views of a context: how they are, a rebuild, a swap back, what is parked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::ProjectorError;
use super::control::{Control, Order};
use super::following::Replayed;
use super::rebuild::{Phase, Purpose, Rebuild, RebuildStatus};
use crate::event::StreamName;
use crate::event_store::{Head, LogReader, StoreError};
use crate::query::{View, Views};
use crate::read_store::ParkedStream;

/// How a view is.
#[derive(Clone, Debug)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// The version of its rows and fold.
    pub version: u32,
    /// The build that queries read; none before the first one of this version is whole.
    pub live: Option<u32>,
    /// The build before it, with its version; what swap back leads to.
    pub kept: Option<(u32, u32)>,
    /// Events of the log that it has read.
    pub events: u64,
    /// Events of the log that it has not read.
    pub behind: u64,
    /// Streams that wait because an event could not be applied.
    pub parked: usize,
    /// The build that is made beside it, or was made last.
    pub rebuild: Option<RebuildStatus>,
}

impl ProjectionStatus {
    fn of(view: &View, heads: &[Head]) -> Self {
        let total: u64 = heads.iter().map(|head| head.position).sum();
        let behind = heads.iter().zip(&view.read).map(|(head, read)| head.position.saturating_sub(*read)).sum();
        let behind = if view.live.is_some() { behind } else { total };
        Self {
            name: view.name,
            version: view.version,
            live: view.live,
            kept: view.kept,
            events: total.saturating_sub(behind),
            behind,
            parked: view.parked.len(),
            rebuild: view.rebuild.as_ref().map(Rebuild::status),
        }
    }
}

/// Why a view was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionDeskError {
    /// There is no such view.
    #[error("there is no view {name:?}; there are: {known}")]
    UnknownView {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// One build of a view is made at a time.
    #[error("a build of {name} is under way; wait until it is done")]
    UnderWay {
        /// The view.
        name: &'static str,
    },
    /// Nothing can be swapped back to.
    #[error("{name} cannot be swapped back: {why}")]
    NothingKept {
        /// The view.
        name: &'static str,
        /// Why not.
        why: String,
    },
    /// The stream does not wait in this view.
    #[error("{stream} is not parked in {name}")]
    NotParked {
        /// The view.
        name: &'static str,
        /// What was asked for.
        stream: String,
    },
    /// Its rows are written by several streams, whose order a replay would turn round.
    #[error("rows of {name} are written by several streams: rebuild it to have their events in order")]
    NeedsRebuild {
        /// The view.
        name: &'static str,
    },
    /// The projector or the builder does not work here, or works no longer.
    #[error("nobody keeps the views here")]
    NobodyThere,
    /// It was tried, and failed.
    #[error(transparent)]
    Failed(#[from] ProjectorError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks after the views of one context while its projector and builder run. Clones share it.
#[derive(Clone)]
pub struct ProjectionDesk {
    pub(super) context: &'static str,
    pub(super) views: Views,
    pub(super) log: Arc<dyn LogReader>,
    /// The views that can be replayed stream by stream.
    pub(super) keyed: Arc<[&'static str]>,
    pub(super) builder: mpsc::Sender<Order>,
    pub(super) projector: mpsc::Sender<Control>,
}

impl ProjectionDesk {
    /// The context's name.
    #[must_use]
    pub fn context(&self) -> &'static str {
        self.context
    }

    /// How every view is, in the order they are listed.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn list(&self) -> Result<Vec<ProjectionStatus>, StoreError> {
        let heads = self.log.heads().await?;
        Ok(self.views.all().iter().map(|view| ProjectionStatus::of(view, &heads)).collect())
    }

    /// How one view is.
    ///
    /// # Errors
    /// [`ProjectionDeskError::UnknownView`]; [`ProjectionDeskError::Store`] if the log cannot be read.
    pub async fn read(&self, name: &str) -> Result<ProjectionStatus, ProjectionDeskError> {
        let heads = self.log.heads().await?;
        self.views.of(name, |view| ProjectionStatus::of(view, &heads)).ok_or_else(|| self.unknown(name))
    }

    /// Has a new build of the view `name` made from the start of the log, compared with the live one and, unless it is only
    /// to be compared, put in its place. Returns at once.
    ///
    /// # Errors
    /// [`ProjectionDeskError::UnknownView`], [`ProjectionDeskError::UnderWay`] and, if no [`Builder`](super::Builder) runs,
    /// [`ProjectionDeskError::NobodyThere`].
    pub fn rebuild(&self, name: &str, compare_only: bool) -> Result<(), ProjectionDeskError> {
        self.order(name, Purpose::Rebuild { compare_only })
    }

    /// Has the build that was live before brought up to the log and made live again. Returns at once.
    ///
    /// # Errors
    /// As [`rebuild`](Self::rebuild), and [`ProjectionDeskError::NothingKept`].
    pub fn swap_back(&self, name: &str) -> Result<(), ProjectionDeskError> {
        self.order(name, Purpose::SwapBack)
    }

    fn order(&self, name: &str, purpose: Purpose) -> Result<(), ProjectionDeskError> {
        let name = self.known(name)?;
        // Room first: what is marked as under way is then ordered for certain.
        let place = self.builder.try_reserve().map_err(|_| ProjectionDeskError::NobodyThere)?;
        let rebuild = Rebuild::new(purpose, Phase::Waiting);
        let mark = |view: &mut View| may_begin(view, purpose).map(|()| view.rebuild = Some(rebuild.clone()));
        self.views.change(name, mark).unwrap_or(Err(ProjectionDeskError::NobodyThere))?;
        place.send(Order { name, rebuild });
        Ok(())
    }

    /// The streams that wait in the view `name`.
    ///
    /// # Errors
    /// [`ProjectionDeskError::UnknownView`]
    pub fn parked(&self, name: &str) -> Result<Arc<Vec<ParkedStream>>, ProjectionDeskError> {
        self.views.of(name, |view| Arc::clone(&view.parked)).ok_or_else(|| self.unknown(name))
    }

    /// Folds what waits in `stream` into the view `name`, in order, until it is whole or an event cannot be applied.
    ///
    /// # Errors
    /// [`ProjectionDeskError::UnknownView`], [`ProjectionDeskError::NotParked`], [`ProjectionDeskError::NeedsRebuild`]; and if it
    /// cannot be done, [`ProjectionDeskError::NobodyThere`] or [`ProjectionDeskError::Failed`].
    pub async fn replay(&self, name: &str, stream: &str) -> Result<Replayed, ProjectionDeskError> {
        let name = self.known(name)?;
        let stream = StreamName::stored(stream);
        let missing = || ProjectionDeskError::NotParked { name, stream: stream.to_string() };
        if !self.parked(name)?.iter().any(|parked| parked.stream == stream) {
            return Err(missing());
        }
        if !self.keyed.contains(&name) {
            return Err(ProjectionDeskError::NeedsRebuild { name });
        }
        let (done, is_done) = oneshot::channel();
        let replay = Control::Replay { name, stream: stream.clone(), done };
        self.projector.send(replay).await.map_err(|_| ProjectionDeskError::NobodyThere)?;
        is_done.await.map_err(|_| ProjectionDeskError::NobodyThere)??.ok_or_else(missing)
    }

    fn known(&self, name: &str) -> Result<&'static str, ProjectionDeskError> {
        self.views.of(name, |view| view.name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> ProjectionDeskError {
        let known = self.views.all().iter().map(|view| view.name).collect::<Vec<_>>().join(", ");
        ProjectionDeskError::UnknownView { name: name.to_owned(), known }
    }
}

/// Whether a build of `view` can begin now.
pub(super) fn may_begin(view: &View, purpose: Purpose) -> Result<(), ProjectionDeskError> {
    let name = view.name;
    if view.rebuild.as_ref().is_some_and(Rebuild::is_under_way) {
        return Err(ProjectionDeskError::UnderWay { name });
    }
    let why = match (purpose, view.kept) {
        (Purpose::SwapBack, None) => "no build was live before this one".to_owned(),
        (Purpose::SwapBack, Some((version, _))) if version != view.version => {
            format!("the build before it is of version {version}; start the program that has this version")
        }
        _ => return Ok(()),
    };
    Err(ProjectionDeskError::NothingKept { name, why })
}

impl RebuildStatus {
    /// In how many seconds it is worth to ask again: 1 to 60.
    #[must_use]
    pub fn ask_again_s(&self) -> u64 {
        self.eta.map_or(1, |eta: Duration| eta.as_secs().clamp(1, 60))
    }
}
