//! Dead letters: events of the other context that had no effect here, why, and what became of them.

use serde::{Deserialize, Serialize};

use crate::events::CloudEvent;

/// An event that waits because it could not have its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its name: the consumer, the source and the event's id.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "inventory-orders~fulfillment~0197c0de00007000800000000000002a.3.41")
    )]
    pub dead_letter_id: String,
    /// Whose inbox it waits in.
    pub consumer: String,
    /// The context that published it.
    pub source: String,
    /// Its type, with its version.
    pub kind: String,
    /// Events of one key wait for each other, in order.
    pub key: String,
    /// What it is about.
    pub subject: String,
    /// Why it had no effect.
    pub cause: String,
    /// How often it was tried; 0 for one that waits behind another of its key.
    pub attempts: u32,
    /// Whether it is tried again only when somebody asks for it.
    pub dead: bool,
    /// Since when it waits.
    #[cfg_attr(feature = "openapi", schema(format = "date-time"))]
    pub since: String,
    /// The event itself.
    pub event: CloudEvent,
}

/// `POST /v1/dead-letters:retry`: tries dead letters again once their cause is mended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryDeadLetters {
    /// Only events of this type; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// What became of one dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RetriedDeadLetter {
    /// Whether it had its effect.
    pub passed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether it is still tried again by itself, if it has not passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<bool>,
}

/// What became of many dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RetriedDeadLetters {
    /// Those that had their effect.
    pub passed: u64,
    /// Those that failed again.
    pub failed: u64,
    /// Those that were not tried, because one of their key before them failed.
    pub behind: u64,
    /// Whether there may be more than one request looks at (1,000): repeat it.
    pub more: bool,
}

/// `POST /v1/dead-letters/{deadLetterId}/discard`: gives an event up. It will have no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscardDeadLetter {
    /// Why, for whoever asks later: 1 to 500 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub reason: String,
}
