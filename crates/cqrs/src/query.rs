//! Queries: questions to views and streams, answered at once or, with a consistency token, not before they can be.
//!
//! Views are a few milliseconds behind the log. Who must see what it has just written sends the [`Token`] of its last answer along: the
//! query then waits until every view it reads has come that far, and says [`QueryError::ViewLagging`] if that takes too long.
//! Every answer carries a token as well, so a session never goes back in time.
//!
//! A query reads rows by key or by index from the [`ReadSide`]; it can also fold a stream as it is in the log right now
//! ([`ReadSide::state`]) or leaf through its events ([`ReadSide::history`]).
//!
//! Next: [`context`](crate::context), which lists what you have written so far.

mod read_side;
mod token;
mod views;

use crate::command::Invalid;
use crate::event_store::StoreError;
use crate::read_store::{IndexValue, ParkedStream};

pub use read_side::ReadSide;
pub use token::{NotAToken, Token};
pub(crate) use views::View;
pub use views::Views;

/// A question, and how it is answered from the read side. It can change nothing.
///
/// ```
/// use cqrs::{Query, QueryError, ReadModel, ReadSide};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Openings { times: u64 }
///
/// impl ReadModel for Openings {
///     const NAME: &'static str = "openings";
///     const VERSION: u32 = 1;
/// }
///
/// struct HowOften { door: String }
///
/// impl Query for HowOften {
///     const NAME: &'static str = "how-often";
///     type Answer = u64;
///
///     fn partition_key(&self) -> Option<&str> {
///         Some(&self.door)
///     }
///
///     async fn answer(self, read: &ReadSide) -> Result<u64, QueryError> {
///         Ok(read.row::<Openings>(&self.door).await?.map_or(0, |row| row.times))
///     }
/// }
/// ```
pub trait Query: Send + 'static {
    /// Its name in metrics and traces.
    const NAME: &'static str;

    /// What the caller gets.
    type Answer: Send + 'static;

    /// Checks what can be checked without reading anything.
    ///
    /// # Errors
    /// [`Invalid`] names each field that is wrong.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }

    /// The key whose partition holds all that it reads, if there is one: the answer's token then names only that one.
    fn partition_key(&self) -> Option<&str> {
        None
    }

    /// Reads and shapes the answer. Bound what it reads: a page, never all there is.
    ///
    /// # Errors
    /// [`QueryError`], as a rule the one that reading gave.
    fn answer(self, read: &ReadSide) -> impl Future<Output = Result<Self::Answer, QueryError>> + Send;
}

/// A query on its way, with what came along with it.
#[derive(Clone, Debug)]
pub struct Ask<Q> {
    /// The query.
    pub query: Q,
    /// What its session has seen or done: the answer must not be older.
    pub token: Option<Token>,
}

impl<Q> Ask<Q> {
    /// A query of a session that has seen nothing.
    pub fn new(query: Q) -> Self {
        Self { query, token: None }
    }
}

/// An answer, and how far the views had read when it was made.
#[derive(Clone, Debug)]
pub struct Told<T> {
    /// The answer.
    pub answer: T,
    /// A later query that carries it sees at least what this one saw.
    pub token: Token,
}

/// Why a query was not answered. Each variant says who must act.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It is wrong in itself: the client must mend it.
    #[error("invalid query: {0}")]
    Invalid(Invalid),
    /// The views have not read as far as the token asks within the wait: retry later.
    #[error("the views have not read that far yet: waited {waited_ms} ms")]
    ViewLagging {
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The view has no build of this version yet; one is being made: retry later.
    #[error("the view {view} is being built: {events} of {events_total} events")]
    ViewBuilding {
        /// The view.
        view: &'static str,
        /// Events read so far.
        events: u64,
        /// Events there are.
        events_total: u64,
        /// In how many seconds it is worth to ask again.
        ask_again_s: u64,
    },
    /// The view lacks what the token asks for, because an event of the stream could not be applied: somebody must look.
    #[error("the view {view} lacks events of {parked}")]
    ViewParked {
        /// The view.
        view: &'static str,
        /// The stream that waits, where and why.
        parked: Box<ParkedStream>,
    },
    /// The token speaks of another log (one restored since): the client must drop it.
    #[error("the consistency token is of another log")]
    ForeignToken,
    /// A store cannot be reached: retry later.
    #[error("the read side is unavailable: {0}")]
    Unavailable(String),
    /// Our fault: log it and hide it.
    #[error("the query could not be answered: {0}")]
    Broken(String),
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Broken(why) => Self::Broken(why),
        }
    }
}

/// A page of rows, and where the next one starts.
#[derive(Clone, Debug)]
pub struct Rowset<R> {
    /// The rows, in the order asked for, each with its key.
    pub rows: Vec<(String, R)>,
    /// The place after the last row, if there may be more.
    pub next: Option<(IndexValue, String)>,
}
