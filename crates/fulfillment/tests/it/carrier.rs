//! A carrier that does as it is told: says yes, no or nothing, is slow, and counts what it has really taken.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use comanda_fulfillment::application::carrier::{Booking, Carrier, CarrierError, Consignment};
use comanda_fulfillment::domain::ids::{CarrierId, ShipmentId};

/// What it does when it is asked to take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Yes,
    No,
    /// It takes it, and the answer is lost.
    LostYes,
    /// The question is lost on its way, or so it seems.
    LostQuestion,
    /// The question is lost for now: it takes it when it is told to [`catch up`](ScriptedCarrier::catch_up).
    SlowYes,
    /// It takes it, and never answers.
    YesAndHangs,
    /// It never answers, and never takes it.
    Hangs,
    NotReached,
}

#[derive(Default)]
struct Book {
    script: VecDeque<Says>,
    /// Every consignment it has taken, once for each time.
    taken: Vec<String>,
    slow: Vec<String>,
    cancelled: Vec<String>,
    asked: usize,
    mute: bool,
}

/// A carrier that takes a consignment as often as it is asked to: it is not the one that counts to one.
#[derive(Default)]
pub(crate) struct ScriptedCarrier(Mutex<Book>);

impl ScriptedCarrier {
    /// It says these in turn, then always yes.
    pub(crate) fn says(script: &[Says]) -> Self {
        Self(Mutex::new(Book { script: script.iter().copied().collect(), ..Book::default() }))
    }

    /// How often it has taken `reference`.
    pub(crate) fn taken(&self, reference: &str) -> usize {
        self.0.lock().unwrap().taken.iter().filter(|taken| *taken == reference).count()
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    /// It takes what it was slow with.
    pub(crate) fn catch_up(&self) {
        let mut book = self.0.lock().unwrap();
        let slow = std::mem::take(&mut book.slow);
        book.taken.extend(slow);
    }

    /// Whether it says what it has.
    pub(crate) fn mute(&self, mute: bool) {
        self.0.lock().unwrap().mute = mute;
    }
}

fn booking(reference: &ShipmentId) -> Booking {
    Booking { tracking_number: format!("T-{reference}") }
}

#[async_trait]
impl Carrier for ScriptedCarrier {
    async fn book(&self, consignment: &Consignment) -> Result<Booking, CarrierError> {
        let reference = &consignment.reference;
        let says = {
            let mut book = self.0.lock().unwrap();
            book.asked += 1;
            let says = book.script.pop_front().unwrap_or(Says::Yes);
            match says {
                Says::Yes | Says::LostYes | Says::YesAndHangs => book.taken.push(reference.to_string()),
                Says::SlowYes => book.slow.push(reference.to_string()),
                Says::No | Says::LostQuestion | Says::Hangs | Says::NotReached => {}
            }
            says
        };
        match says {
            Says::Yes => Ok(booking(reference)),
            Says::No => Err(CarrierError::Refused("too heavy".to_owned())),
            Says::LostYes | Says::LostQuestion | Says::SlowYes => Err(CarrierError::Unknown("reset".to_owned())),
            Says::YesAndHangs | Says::Hangs => std::future::pending().await,
            Says::NotReached => Err(CarrierError::NotReached { reason: "refused".to_owned(), retry_after: None }),
        }
    }

    async fn find(&self, _: &CarrierId, reference: &ShipmentId) -> Result<Option<Booking>, CarrierError> {
        let book = self.0.lock().unwrap();
        if book.mute {
            return Err(CarrierError::Unknown("no answer".to_owned()));
        }
        let has = book.taken.contains(&reference.to_string()) && !book.cancelled.contains(&reference.to_string());
        Ok(has.then(|| booking(reference)))
    }

    async fn cancel(&self, _: &CarrierId, reference: &ShipmentId) -> Result<(), CarrierError> {
        let mut book = self.0.lock().unwrap();
        book.cancelled.push(reference.to_string());
        let open = reference.to_string();
        book.taken.retain(|taken| *taken != open);
        Ok(())
    }
}
