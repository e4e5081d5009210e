//! After an import: waits until whoever asks for stock sees it, so that an export right after it is whole.

use std::time::{Duration, Instant};

use comanda_load::{Answer, Call, Client};
use cqrs::Token;
use miette::{IntoDiagnostic, Result};

/// How long a view that lags is waited for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The pause between two questions; the server itself waits for its view before it says no.
const PAUSE: Duration = Duration::from_millis(100);

/// What the pages of an import have changed, as one token.
#[derive(Default)]
pub(super) struct Seen(Option<Token>);

impl Seen {
    /// Takes in what an answer came with.
    pub(super) fn add(&mut self, answer: &Answer) {
        let text = answer.token.as_ref().and_then(|token| token.to_str().ok());
        let Some(token) = text.and_then(|text| text.parse::<Token>().ok()) else { return };
        self.merge(token);
    }

    /// Takes in what others have taken in.
    pub(super) fn merge_with(&mut self, other: Self) {
        if let Some(token) = other.0 {
            self.merge(token);
        }
    }

    fn merge(&mut self, token: Token) {
        match &mut self.0 {
            // Of another log is only what a server says that was restored meanwhile: then the newer one counts.
            Some(known) if known.epoch() == token.epoch() => known.merge(&token),
            _ => self.0 = Some(token),
        }
    }

    /// Whether the stock that queries answer with has all of it, once it has or after a bounded wait. Who may not ask is not told.
    pub(super) async fn waited(self, client: &mut Client) -> Result<bool> {
        let Some(token) = self.0 else { return Ok(true) };
        let call = Call::get("/v1/stock?limit=1").with_token(Some(token.to_string().try_into().into_diagnostic()?));
        let started = Instant::now();
        loop {
            match client.call(&call).await.map(|answer| answer.status) {
                Ok(503 | 504 | 429) | Err(_) if started.elapsed() < WAIT_MAX => tokio::time::sleep(PAUSE).await,
                Ok(status) => return Ok(!matches!(status, 429 | 503 | 504)),
                Err(_) => return Ok(false),
            }
        }
    }
}
