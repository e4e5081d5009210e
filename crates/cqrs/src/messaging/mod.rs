//! Between contexts: contract events, published from one log and reacted to in another, each exactly once.
//!
//! ```text
//! owner's log ─► Relay ─► Transport ─► Consumer ─► Receive<R> ─► executor ─► consumer's log
//!      └────────────────► Feed ───────────┘  (what the transport lost is fetched)      effects + inbox, one append
//! ```
//!
//! The log is the outbox: a [`Publish`] function says which stored events are contract events, so nothing is written
//! twice and nothing can be forgotten. A message says which part of the log it covers and what stood before it, so a
//! consumer knows when one is missing and asks the owner's [`Feed`]. The consumer's own place is an event as well
//! ([`Inbox`]), appended together with what the message caused: a repeated message changes nothing, on any transport.
//!
//! # What you write, and what you run
//!
//! The owner writes one pure function, [`Publish`]: which stored events are told to others, in which words ([`ContractEvent`]).
//! The consumer writes a reaction, [`React`]: a [`Message`] and the states it names in, events out. Each side
//! [lists](crate::context::Context) its own.
//!
//! A [`Relay`] hands what is appended to a [`Transport`] ([`Channel`] within one process), and a [`Consumer`] receives it, in order
//! of its key. A message that cannot have its effect yet is parked in its inbox and tried again up to [`RETRIES_MAX`] times; then it
//! is a dead letter, which somebody retries or gives up at the [`DeadLetterDesk`].
//!
//! Next: [`process`](crate::process), for what takes more than one message.

mod answers;
mod channel;
mod consumer;
mod dead_letters;
mod desk;
mod feed;
mod inbox;
mod lane;
mod log_feed;
mod message;
mod outbox;
mod publish;
mod react;
mod receive;
mod relay;
mod reopen;
mod running;
mod sequencer;
mod transport;

pub use channel::Channel;
pub use consumer::{Consumer, ConsumerError};
pub use dead_letters::{
    DEAD_LETTERS_PAGE_MAX, DeadLetter, DeadLetterById, DeadLetterId, DeadLetterPage, DeadLetterPlace, DeadLetters,
    DeadLettersOfInboxes, NotADeadLetterId,
};
pub use desk::{DeadLetterDesk, DeskError, RETRY_ALL_MAX, RetriedAll};
pub(crate) use desk::{RetryOne, retry_one};
pub use feed::{Cursor, Feed, FeedError, FeedPage, FeedRequest};
pub use inbox::{Inbox, InboxEvent, InboxId, PARKED_MAX, Parked};
pub use log_feed::{FEED_ITEMS_MAX, LogFeed};
pub use message::{EventId, Message, NotAnEventId};
pub use publish::{ContractEvent, Publish};
#[cfg(any(doc, feature = "testkit"))]
pub use react::Guard;
pub use react::{CannotReact, React, Reaction};
pub use receive::{Advance, Discard, InboxRejection, RETRIES_MAX, Receive, Received, Retried, Retry};
pub use relay::Relay;
pub use reopen::Reopen;
pub use transport::{Subscription, Transport, TransportError};
