//! What an evening hears from others: their answers, translated into its own words.

use cqrs::{CannotReact, Message, Process, React, Reaction, States, Stream, Streams};
use serde::{Deserialize, Serialize};

use super::evening::{Evening, EveningInput, Part};

/// An answer to a request, as others publish it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) evening: String,
    pub(crate) part: Part,
    pub(crate) yes: bool,
}

/// The type of an answer.
pub(crate) const ANSWERED: &str = "bookings.answered.v1";

/// An evening's reaction to answers.
pub(crate) struct Answers;

impl React for Answers {
    const NAME: &'static str = "evenings";
    type Input = Answer;

    fn read(message: &Message) -> Result<Option<Answer>, CannotReact> {
        if &*message.kind != ANSWERED {
            return Ok(None);
        }
        message.data_as().map(Some).map_err(|cause| CannotReact::Ever(cause.to_string()))
    }

    fn streams(answer: &Answer) -> Streams {
        Streams::one(&Stream::<Evening>::new(&answer.evening))
    }

    fn react(answer: &Answer, _: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
        let input = EveningInput::Answered { part: answer.part, yes: answer.yes };
        Ok(Evening::told(&Stream::new(&answer.evening), &input, states))
    }
}
