//! The feed port: an owner's contract events, read by position. Gap-free, so it is what everything else falls back on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::event::PartitionId;
use crate::messaging::Message;
use crate::query::Token;

/// How far a reader has read, in each partition of one log. Written like a consistency [`Token`].
pub type Cursor = Token;

/// What is asked of a feed.
#[derive(Clone, Debug)]
pub struct FeedRequest {
    /// Where to go on; the start of the log unless given. A partition it does not name is read from its start.
    pub after: Option<Cursor>,
    /// Only this partition.
    pub partition: Option<PartitionId>,
    /// At most so many messages; an owner may give fewer at once.
    pub limit: usize,
    /// How long to wait for a first message if there is none.
    pub wait: Duration,
}

/// A part of a feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The messages, ordered within each partition.
    pub messages: Vec<Arc<Message>>,
    /// Where to go on. It may lie past the last message: what is between is no contract event.
    pub next: Cursor,
    /// Whether there was more to read than was returned.
    pub more: bool,
}

/// Why a feed could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FeedError {
    /// It may work later.
    #[error("the feed is unavailable: {0}")]
    Unavailable(String),
    /// The cursor speaks of another log (one restored since), or of events that this log does not have.
    #[error("the cursor is of another log")]
    ForeignCursor,
    /// A stored event cannot be read, or the answer was no feed.
    #[error("the feed is broken: {0}")]
    Broken(String),
}

/// A context's contract events, for those who ask.
///
/// # Contract
/// * Pages MUST be gap-free and in order of position in each partition, and every message MUST name what it covers.
/// * With nothing to return it MUST wait for at most `wait`, and SHOULD answer the moment something is appended.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use cqrs::{Feed, FeedError, FeedRequest, Message};
///
/// /// All that a context has told so far.
/// async fn told_by(feed: &dyn Feed) -> Result<Vec<Arc<Message>>, FeedError> {
///     let mut request = FeedRequest { after: None, partition: None, limit: 1_000, wait: Duration::ZERO };
///     let mut told = Vec::new();
///     loop {
///         let page = feed.read(&request).await?;
///         told.extend(page.messages);
///         if !page.more {
///             return Ok(told);
///         }
///         request.after = Some(page.next);
///     }
/// }
/// # let _ = told_by;
/// ```
#[async_trait]
pub trait Feed: Send + Sync + 'static {
    /// The context that owns it.
    fn source(&self) -> &str;

    /// Reads a page. It waits for at most [`FeedRequest::wait`], and only if there is nothing to return.
    ///
    /// # Errors
    /// [`FeedError`]; a [`FeedError::ForeignCursor`] is for good, somebody must look.
    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError>;
}
