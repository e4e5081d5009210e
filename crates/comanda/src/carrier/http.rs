//! A carrier behind a REST interface. What may have reached it is never asked for again blindly.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use comanda_fulfillment::application::carrier::{Booking, Carrier, CarrierError, Consignment};
use comanda_fulfillment::domain::ids::{CarrierId, ShipmentId};
use rand::RngExt;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use super::breaker::{Breaker, BreakerSettings};
use super::wire::{ConsignmentAnswer, ConsignmentRequest, Refusal, UNKNOWN_CONSIGNMENT};
use crate::compose::told;

/// The bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How often one request is tried, where that is safe.
const TRIES_MAX: u32 = 3;

/// The longest time a carrier can ask to be left alone, in seconds.
const RETRY_AFTER_SECONDS_MAX: u64 = 3_600;

/// How long a client of a carrier waits, and when it gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpCarrierSettings {
    /// For a connection.
    pub(crate) connect_wait: Duration,
    /// For an answer, the connection included.
    pub(crate) answer_wait: Duration,
    /// The pause before the second try; it doubles each time, and half of it is drawn at random.
    pub(crate) pause: Duration,
    /// When the carrier is left alone.
    pub(crate) breaker: BreakerSettings,
}

impl Default for HttpCarrierSettings {
    /// 2 s, 10 s, 100 ms.
    fn default() -> Self {
        Self {
            connect_wait: Duration::from_secs(2),
            answer_wait: Duration::from_secs(10),
            pause: Duration::from_millis(100),
            breaker: BreakerSettings::default(),
        }
    }
}

/// Carriers that share one address: each request names its carrier.
#[derive(Debug)]
pub(crate) struct HttpCarrier {
    client: reqwest::Client,
    base: Url,
    /// What stands before every reference.
    prefix: String,
    settings: HttpCarrierSettings,
    breaker: Breaker,
}

/// No carrier can be asked at this address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no carrier can be asked at {base}: {why}")]
pub(crate) struct NoCarrierThere {
    base: String,
    why: String,
}

impl HttpCarrier {
    /// The carriers at `base`, an `http` or `https` URL.
    pub(crate) fn new(base: &str, settings: HttpCarrierSettings) -> Result<Self, NoCarrierThere> {
        let none = |why: String| NoCarrierThere { base: base.to_owned(), why };
        let url = Url::parse(base).map_err(|cause| none(cause.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(none(format!("{} is neither http nor https", url.scheme())));
        }
        let builder = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let builder = builder.connect_timeout(settings.connect_wait).timeout(settings.answer_wait);
        let client = builder.build().map_err(|cause| none(told(&cause)))?;
        Ok(Self { client, base: url, prefix: String::new(), settings, breaker: Breaker::new(settings.breaker) })
    }

    /// The same for `tenant`, whose references are its own: `<tenant>~<shipment>`. A tilde is in no id that a client chooses.
    pub(crate) fn of_tenant(mut self, tenant: Option<&str>) -> Self {
        self.prefix = tenant.map(|tenant| format!("{tenant}~")).unwrap_or_default();
        self
    }

    fn request(&self, method: Method, reference: &ShipmentId) -> Result<RequestBuilder, CarrierError> {
        let mut url = self.base.clone();
        let path = url.path_segments_mut().map_err(|()| refused("its address cannot have a path"));
        let reference = format!("{}{}", self.prefix, reference.as_str());
        path?.pop_if_empty().extend(["consignments", &reference]);
        Ok(self.client.request(method, url))
    }

    /// Sends a request once, unless the breaker is open, and lets the breaker know how that went.
    async fn send(&self, request: RequestBuilder) -> Result<Answer, CarrierError> {
        self.breaker.admit(Instant::now()).map_err(|wait| CarrierError::NotReached {
            reason: "it has failed too often and is left alone for a while".to_owned(),
            retry_after: Some(wait),
        })?;
        let answered = match request.send().await {
            Ok(response) => Answer::read(response).await,
            // Only the connection failed: nothing of the request has been written.
            Err(cause) if cause.is_connect() => {
                Err(CarrierError::NotReached { reason: told(&cause), retry_after: None })
            }
            Err(cause) => Err(CarrierError::Unknown(told(&cause))),
        };
        if self.breaker.record(matches!(answered, Ok(_) | Err(CarrierError::Refused(_))), Instant::now()) {
            let open_for = self.settings.breaker.open_for;
            tracing::warn!(carrier = %self.base, ?open_for, "the carrier fails too often: it is left alone, then tried again");
        }
        answered
    }

    /// Sends a request that changes nothing, or nothing more the second time, until it is answered.
    async fn send_until_answered(&self, method: Method, reference: &ShipmentId) -> Result<Answer, CarrierError> {
        let mut tried = 1;
        loop {
            let answered = self.send(self.request(method.clone(), reference)?).await;
            match answered {
                Err(CarrierError::NotReached { retry_after: None, .. } | CarrierError::Unknown(_))
                    if tried < TRIES_MAX =>
                {
                    self.pause(tried).await;
                    tried += 1;
                }
                answered => return answered,
            }
        }
    }

    async fn pause(&self, tried: u32) {
        let pause = self.settings.pause.saturating_mul(1 << (tried - 1).min(8));
        let share = rand::rng().random_range(0.5..1.0);
        tokio::time::sleep(pause.mul_f64(share)).await;
    }
}

#[async_trait]
impl Carrier for HttpCarrier {
    async fn book(&self, consignment: &Consignment) -> Result<Booking, CarrierError> {
        let Consignment { carrier, reference, packages } = consignment;
        let body = ConsignmentRequest { carrier: carrier.as_str().to_owned(), packages: *packages };
        let mut tried = 1;
        let answer = loop {
            let sent = self.send(self.request(Method::PUT, reference)?.json(&body)).await;
            match sent {
                // It was not reached, and names no time of its own: the one case in which to ask again is safe.
                Err(CarrierError::NotReached { retry_after: None, .. }) if tried < TRIES_MAX => {
                    self.pause(tried).await;
                    tried += 1;
                }
                sent => break sent?,
            }
        };
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => answer.booking(),
            _ => Err(refused(&answer.said())),
        }
    }

    async fn find(&self, _: &CarrierId, reference: &ShipmentId) -> Result<Option<Booking>, CarrierError> {
        let answer = self.send_until_answered(Method::GET, reference).await?;
        match answer.status {
            StatusCode::OK => answer.booking().map(Some),
            StatusCode::NOT_FOUND if answer.knows_no_such_booking() => Ok(None),
            // Anything else is no word on the booking: to take it for a no would book twice.
            _ => Err(CarrierError::Unknown(answer.said())),
        }
    }

    async fn cancel(&self, _: &CarrierId, reference: &ShipmentId) -> Result<(), CarrierError> {
        let answer = self.send_until_answered(Method::DELETE, reference).await?;
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            StatusCode::NOT_FOUND if answer.knows_no_such_booking() => Ok(()),
            _ => Err(refused(&answer.said())),
        }
    }
}

/// An answer that says something: success, or a refusal.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, CarrierError> {
        let status = response.status();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| CarrierError::Unknown(told(&cause)))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(CarrierError::Unknown(format!("its answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Self { status, body };
        let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
        match retry_after {
            Some(_) if busy => Err(CarrierError::NotReached { reason: answer.said(), retry_after }),
            // A 408 does not say how much of the request was read.
            _ if status == StatusCode::REQUEST_TIMEOUT => Err(CarrierError::Unknown(answer.said())),
            _ if status.is_success() || status.is_client_error() => Ok(answer),
            _ => Err(CarrierError::Unknown(answer.said())),
        }
    }

    fn booking(&self) -> Result<Booking, CarrierError> {
        match serde_json::from_slice(&self.body) {
            Ok(ConsignmentAnswer { tracking_number }) if !tracking_number.is_empty() => Ok(Booking { tracking_number }),
            _ => Err(CarrierError::Unknown("its answer has no tracking number".to_owned())),
        }
    }

    fn refusal(&self) -> Refusal {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn knows_no_such_booking(&self) -> bool {
        self.refusal().code == UNKNOWN_CONSIGNMENT
    }

    fn said(&self) -> String {
        let Refusal { code, detail } = self.refusal();
        [self.status.to_string(), code, detail].join(" ").trim_end().to_owned()
    }
}

fn refused(why: &str) -> CarrierError {
    CarrierError::Refused(why.to_owned())
}

/// When the carrier wants to be asked again. The other form of the header, a date, is not understood.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_SECONDS_MAX)))
}
