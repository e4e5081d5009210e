//! How webhooks are delivered: what is waited for, and when it is given up.

use std::time::Duration;

use super::domain::breaker::Pauses;
use super::guard::Guard;

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSettings {
    /// Which addresses may be called.
    pub guard: Guard,
    /// The wait for a connection, the name's resolution included.
    pub connect_wait: Duration,
    /// The wait for an answer, the connection included.
    pub answer_wait: Duration,
    /// The pauses after failures, and when the breaker opens. Chance shortens each by up to half.
    pub pauses: Pauses,
    /// An endpoint is disabled when every delivery has failed for so long.
    pub give_up_after: Duration,
    /// What was delivered is recorded at least this often.
    pub record_every: Duration,
    /// How often it is looked for endpoints that another process has changed.
    pub look_every: Duration,
}

impl Default for WebhookSettings {
    /// Public addresses; 5 s, 15 s, 3 days, 1 s, 2 s.
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            connect_wait: Duration::from_secs(5),
            answer_wait: Duration::from_secs(15),
            pauses: Pauses::default(),
            give_up_after: Duration::from_secs(3 * 24 * 3_600),
            record_every: Duration::from_secs(1),
            look_every: Duration::from_secs(2),
        }
    }
}

impl WebhookSettings {
    /// The same, and this machine itself may be called: to try webhooks, never in a public place.
    #[must_use]
    pub fn to_loopback(self) -> Self {
        Self { guard: Guard { allow_loopback: true }, ..self }
    }
}
