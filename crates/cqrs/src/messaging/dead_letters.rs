//! Dead letters: what is parked in a context's inboxes, as a list that can be searched.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::command::Invalid;
use crate::event::Recorded;
use crate::messaging::{EventId, Inbox, InboxEvent, InboxId, NotAnEventId, Parked};
use crate::projection::{Projection, Rows, Unreadable};
use crate::query::{Query, QueryError, ReadSide};
use crate::read_store::{Compare, IndexValue, ReadModel, Select};

/// The most dead letters of one page.
pub const DEAD_LETTERS_PAGE_MAX: usize = 200;

/// Names a parked message: two consumers of one context may each have parked the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeadLetterId {
    /// The consumer in whose inbox it waits: [`React::NAME`](crate::React::NAME).
    pub consumer: Arc<str>,
    /// The context that published it.
    pub source: Arc<str>,
    /// The message.
    pub message: EventId,
}

impl DeadLetterId {
    /// The inbox it waits in.
    #[must_use]
    pub fn inbox(&self) -> InboxId {
        let (consumer, source) = (Arc::clone(&self.consumer), Arc::clone(&self.source));
        InboxId { consumer, source, partition: self.message.partition }
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.consumer, self.source, self.message)
    }
}

/// The text names no parked message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a dead letter's id is <consumer>~<source>~<event id>")]
pub struct NotADeadLetterId;

impl From<NotAnEventId> for NotADeadLetterId {
    fn from(_: NotAnEventId) -> Self {
        Self
    }
}

impl FromStr for DeadLetterId {
    type Err = NotADeadLetterId;

    fn from_str(text: &str) -> Result<Self, NotADeadLetterId> {
        let mut parts = text.splitn(3, '~');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or(NotADeadLetterId);
        Ok(Self { consumer: part()?.into(), source: part()?.into(), message: part()?.parse()? })
    }
}

/// A parked message; its row's key is its [`DeadLetterId`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The consumer in whose inbox it waits.
    pub consumer: Arc<str>,
    /// The message, why it waits, how often it was tried, since when, and whether it is still tried by itself.
    pub parked: Parked,
}

impl DeadLetter {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> DeadLetterId {
        let message = &self.parked.message;
        DeadLetterId { consumer: Arc::clone(&self.consumer), source: Arc::clone(&message.source), message: message.id }
    }
}

/// The places of [`DeadLetter`]'s indexes.
const CONSUMER: usize = 0;
const KIND: usize = 1;
const PLACE: usize = 2;

impl ReadModel for DeadLetter {
    const NAME: &'static str = "dead_letters";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["consumer", "kind", "place"];

    fn indexes(&self) -> Vec<IndexValue> {
        let message = &self.parked.message;
        // Of the same width, so that texts order as the numbers do: those of one key in the order they must pass in.
        let place = format!("{}/{:05}/{:020}", message.source, message.partition().0, message.position());
        vec![(&*self.consumer).into(), (&*message.kind).into(), place.as_str().into()]
    }
}

/// Folds inboxes' events into [`DeadLetter`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadLettersOfInboxes;

impl Projection for DeadLettersOfInboxes {
    type Row = DeadLetter;

    fn fold(&self, event: &Recorded, rows: &mut Rows<DeadLetter>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Inbox>()? else { return Ok(()) };
        // An inbox's stream is named `<consumer>/<source>/<partition>`.
        let mut names = event.stream.id().split('/').map(Arc::<str>::from);
        let (consumer, source) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let name = |message| DeadLetterId { consumer: Arc::clone(&consumer), source: Arc::clone(&source), message };
        let key = |message: EventId| name(message).to_string();
        match &*happened {
            InboxEvent::Parked(parked) => {
                let row = DeadLetter { consumer: Arc::clone(&consumer), parked: parked.clone() };
                rows.put(&key(parked.message.id), row);
            }
            InboxEvent::RetryFailed { id, cause, dead } => {
                rows.update(&key(*id), |row| row.parked.failed_again(cause, *dead));
            }
            InboxEvent::Passed { id } | InboxEvent::Discarded { id, .. } => rows.remove(&key(*id)),
            InboxEvent::Opened { .. } | InboxEvent::Received { .. } | InboxEvent::Advanced { .. } => {}
        }
        Ok(())
    }
}

/// Where a page of dead letters ends: of the last one, its source and position in order, and its id.
pub type DeadLetterPlace = (String, String);

/// Asks for a part of the parked messages, by source, partition and position: those of one key in their order.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    /// Only those of this consumer.
    pub consumer: Option<String>,
    /// Only those of this type.
    pub kind: Option<String>,
    /// Only those after this place.
    pub after: Option<DeadLetterPlace>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// A part of the parked messages.
#[derive(Clone, Debug)]
pub struct DeadLetterPage {
    /// The messages.
    pub letters: Vec<DeadLetter>,
    /// Ask for what comes after this, if there may be more.
    pub next: Option<DeadLetterPlace>,
}

impl Query for DeadLetters {
    const NAME: &'static str = "dead-letters";
    type Answer = DeadLetterPage;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=DEAD_LETTERS_PAGE_MAX).contains(&self.limit);
        if right { Ok(()) } else { Err(Invalid::field("?limit", "1 to 200")) }
    }

    async fn answer(self, read: &ReadSide) -> Result<DeadLetterPage, QueryError> {
        let after = self.after.map(|(place, key)| (IndexValue::Text(place), key));
        let mut select = Select { after, order: Some(PLACE), ..Select::first(self.limit) };
        for (index, only) in [(CONSUMER, self.consumer), (KIND, self.kind)] {
            if let Some(only) = only {
                select = select.with(index, Compare::Equal, only.as_str());
            }
        }
        let found = read.select::<DeadLetter>(&select).await?;
        let next = found.next.and_then(|(place, key)| match place {
            IndexValue::Text(place) => Some((place, key)),
            _ => None,
        });
        Ok(DeadLetterPage { letters: found.rows.into_iter().map(|(_, row)| row).collect(), next })
    }
}

/// Asks for one parked message; none if it does not wait (any more).
#[derive(Clone, Debug)]
pub struct DeadLetterById {
    /// Which.
    pub id: DeadLetterId,
}

impl Query for DeadLetterById {
    const NAME: &'static str = "dead-letter-by-id";
    type Answer = Option<DeadLetter>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        Ok(read.row::<DeadLetter>(&self.id.to_string()).await?.map(|row| (*row).clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is() {
        let text = "cook~till~00000000000000000000000000000007.3.41";
        let id: DeadLetterId = text.parse().unwrap();
        assert_eq!((&*id.consumer, &*id.source, id.message.position), ("cook", "till", 41));
        assert_eq!(id.to_string(), text);
        for wrong in ["", "cook", "cook~till", "~till~00000000000000000000000000000007.3.41", "cook~till~7.3.41"] {
            assert_eq!(wrong.parse::<DeadLetterId>(), Err(NotADeadLetterId), "{wrong}");
        }
    }
}
