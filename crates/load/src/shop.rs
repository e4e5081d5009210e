//! The calls of the inventory interface, typed and patient: one connection, repeated until there is an answer.
//!
//! Every call here may be repeated: it has a natural key (a SKU, a reservation id) or carries an idempotency key.

use std::net::SocketAddr;
use std::time::Duration;

use comanda_contracts::{
    AdjustmentRequest, LedgerEntry, Page, Problem, RegisterLocation, RegisterSku, Reservation, ReserveRequest, Stock,
};
use hyper::header::HeaderValue;
use serde::de::DeserializeOwned;

use crate::call::{Answer, Call, CallError};
use crate::client::Client;

/// A call is sent at most this often, unless set otherwise: some ten seconds in all.
const ATTEMPTS_MAX: u32 = 14;
/// The pause before the first repetition; it doubles each time.
const PAUSE_MS_MIN: u64 = 5;
/// The longest pause between two attempts, whatever `Retry-After` asks.
const PAUSE_MS_MAX: u64 = 2_000;

/// Why a call had no success.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShopError {
    /// There was no answer, however often the call was sent, or none that can be read.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server refused.
    #[error("{call} was refused with status {status} {code}: {detail}")]
    Refused {
        /// The method and path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The problem's code; empty when the answer is no problem.
        code: String,
        /// The problem's detail, or the start of the answer.
        detail: String,
    },
}

impl ShopError {
    /// The status the server refused with.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Call(_) => None,
        }
    }
}

/// One connection to the inventory interface that remembers the newest consistency token it was given.
#[derive(Debug)]
pub struct Shop {
    client: Client,
    token: Option<HeaderValue>,
    attempts_max: u32,
}

impl Shop {
    /// A shop behind `addr`.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        Self::over(Client::new(addr))
    }

    /// A shop behind a client of one's own settings.
    #[must_use]
    pub fn over(client: Client) -> Self {
        Self { client, token: None, attempts_max: ATTEMPTS_MAX }
    }

    /// Sends each call at most `attempts_max` times; a default suits a server that restarts.
    #[must_use]
    pub fn with_attempts(mut self, attempts_max: u32) -> Self {
        self.attempts_max = attempts_max.max(1);
        self
    }

    /// The token of the last command that gave one.
    #[must_use]
    pub fn token(&self) -> Option<HeaderValue> {
        self.token.clone()
    }

    /// Has the queries that follow show at least what `token` stands for.
    pub fn see(&mut self, token: Option<HeaderValue>) {
        self.token = token;
    }

    /// Sends `call` until it is answered with anything but 503: at most fourteen times (unless set otherwise), with growing pauses.
    ///
    /// # Errors
    /// [`CallError`] of the last attempt; the last 503 is given back as an answer.
    pub async fn ask(&mut self, call: &Call) -> Result<Answer, CallError> {
        let mut pause_ms = PAUSE_MS_MIN;
        let mut attempt = 1;
        loop {
            let result = self.client.call(call).await;
            let asked_ms = match &result {
                Ok(answer) if answer.status == 503 => answer.retry_after_s.unwrap_or(0).saturating_mul(1_000),
                Err(why) if why.may_pass() => 0,
                Err(_) | Ok(_) => return result,
            };
            if attempt >= self.attempts_max {
                return result;
            }
            tokio::time::sleep(Duration::from_millis(pause_ms.max(asked_ms).min(PAUSE_MS_MAX))).await;
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            attempt += 1;
        }
    }

    /// Makes a location known.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn register_location(&mut self, location: &RegisterLocation) -> Result<(), ShopError> {
        let call = Call::post_json("/v1/locations", location)?;
        self.command("POST /v1/locations", &call).await.map(drop)
    }

    /// Makes a SKU known.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn register_sku(&mut self, sku: &RegisterSku) -> Result<(), ShopError> {
        let call = Call::post_json("/v1/skus", sku)?;
        self.command("POST /v1/skus", &call).await.map(drop)
    }

    /// Changes stock on hand, once per `key`.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn adjust(&mut self, adjustment: &AdjustmentRequest, key: &str) -> Result<(), ShopError> {
        let call = Call::post_json("/v1/stock/adjustments", adjustment)?.with_idempotency_key(key)?;
        self.command("POST /v1/stock/adjustments", &call).await.map(drop)
    }

    /// Reserves.
    ///
    /// # Errors
    /// [`ShopError`]; out of stock is a refusal with status 409.
    pub async fn reserve(&mut self, request: &ReserveRequest) -> Result<Reservation, ShopError> {
        let call = Call::post_json("/v1/reservations", request)?;
        let answer = self.command("POST /v1/reservations", &call).await?;
        Ok(answer.json()?)
    }

    /// Confirms a reservation.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn confirm(&mut self, reservation_id: &str) -> Result<(), ShopError> {
        self.transition(reservation_id, "confirm").await
    }

    /// Releases a reservation.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn release(&mut self, reservation_id: &str) -> Result<(), ShopError> {
        self.transition(reservation_id, "release").await
    }

    async fn transition(&mut self, reservation_id: &str, verb: &str) -> Result<(), ShopError> {
        let path = format!("/v1/reservations/{reservation_id}/{verb}");
        let call = Call::post(path.as_str(), "");
        self.command(&path, &call).await.map(drop)
    }

    /// The stock of a SKU, not older than the last command of this shop.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn stock(&mut self, sku: &str) -> Result<Stock, ShopError> {
        self.query(&format!("/v1/stock/{sku}")).await
    }

    /// A reservation; `None` when the server knows none of that id.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn reservation(&mut self, id: &str) -> Result<Option<Reservation>, ShopError> {
        match self.query(&format!("/v1/reservations/{id}")).await {
            Ok(reservation) => Ok(Some(reservation)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of a SKU's ledger, continued at `cursor`.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn ledger(&mut self, sku: &str, cursor: Option<&str>) -> Result<Page<LedgerEntry>, ShopError> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        self.query(&format!("/v1/stock/{sku}/ledger?limit=200{cursor}")).await
    }

    pub(crate) async fn query<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ShopError> {
        let answer = self.ask(&Call::get(path).with_token(self.token.clone())).await?;
        Ok(success(path, answer)?.json()?)
    }

    pub(crate) async fn command(&mut self, name: &str, call: &Call) -> Result<Answer, ShopError> {
        let answer = success(name, self.ask(call).await?)?;
        if answer.token.is_some() {
            self.token.clone_from(&answer.token);
        }
        Ok(answer)
    }
}

pub(crate) fn success(call: &str, answer: Answer) -> Result<Answer, ShopError> {
    if answer.is_success() {
        return Ok(answer);
    }
    let problem = answer.json::<Problem>().ok();
    let detail = problem.as_ref().map_or_else(|| answer.excerpt(), |problem| problem.detail.to_string());
    let code = problem.map(|problem| problem.code.to_string()).unwrap_or_default();
    Err(ShopError::Refused { call: call.to_owned(), status: answer.status, code, detail })
}
