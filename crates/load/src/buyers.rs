//! What the buyers of a flash sale were told, and what of it must not be.

use std::collections::BTreeMap;

use comanda_contracts::Reservation;
use hyper::header::HeaderValue;

use crate::call::Answer;
use crate::tally::{Latencies, problem_code};

/// What all buyers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) buyers: Vec<Buyer>,
    pub(crate) unexpected: BTreeMap<String, usize>,
    pub(crate) repeated: usize,
    pub(crate) given_up: usize,
    pub(crate) latency: Latencies,
    pub(crate) wait: Latencies,
    pub(crate) tokens: Vec<HeaderValue>,
}

/// What one buyer was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buyer {
    pub(crate) accepted: Option<Reservation>,
    pub(crate) rejected: bool,
}

impl Told {
    /// Notes what a buyer was told; gives back what is wrong with it, if anything is.
    pub(crate) fn note(&mut self, buyer: usize, answer: &Answer) -> Option<String> {
        let buyer = self.buyers.get_mut(buyer)?;
        if answer.status == 201 {
            let Ok(reservation) = answer.json::<Reservation>() else { return Some("201 of another shape".to_owned()) };
            if buyer.rejected {
                return Some("a success after a refusal".to_owned());
            }
            match &buyer.accepted {
                None => buyer.accepted = Some(reservation),
                Some(first) if *first == reservation => self.repeated += 1,
                Some(_) => return Some("a second success that differs from the first".to_owned()),
            }
            return None;
        }
        if answer.status == 503 {
            // Still too busy after many attempts: this buyer has no answer.
            return None;
        }
        let code = problem_code(answer).unwrap_or_default();
        if answer.status != 409 || code != "INSUFFICIENT_STOCK" {
            return Some(format!("{} {code}", answer.status));
        }
        if buyer.accepted.is_some() {
            return Some("a refusal after a success".to_owned());
        }
        buyer.rejected = true;
        None
    }
}
