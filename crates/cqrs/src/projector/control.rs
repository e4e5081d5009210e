//! What the projector and the builder can be told while they work.

use tokio::sync::oneshot;

use super::ProjectorError;
use super::following::{Following, Replayed};
use super::rebuild::Rebuild;
use crate::event::StreamName;
use crate::read_store::Compared;

/// Tells the builder to make a build of the view `name`.
pub(super) struct Order {
    pub(super) name: &'static str,
    pub(super) rebuild: Rebuild,
}

/// What became of an order to replay; none if the stream is not parked.
pub(super) type ReplayAnswer = Result<Option<Replayed>, ProjectorError>;

/// Tells the projector something.
pub(super) enum Control {
    /// Keep this build current too. Done once it stands where the live one does; without a live one, once it is that.
    Adopt { following: Following, rebuild: Rebuild, done: oneshot::Sender<()> },
    /// The adopted build of the view `name` differs so from the live one: swap or drop it, as was ordered.
    Decide { name: &'static str, compared: Option<Compared>, done: oneshot::Sender<()> },
    /// Fold what waits in `stream` into the view `name`.
    Replay { name: &'static str, stream: StreamName, done: oneshot::Sender<ReplayAnswer> },
}
