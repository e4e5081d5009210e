//! How patient bookings are: every wait follows from how long a carrier's answer is waited for.

use std::time::Duration;

use clap::Args;
use comanda_fulfillment::application::book_shipments::BookingWaits;

use super::breaker::BreakerSettings;
use super::http::HttpCarrierSettings;

/// The time between two looks at what is due, unless waits are so short that it has to be less.
const LOOK_EVERY_MAX: Duration = Duration::from_millis(250);

/// How long a carrier may take.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Patience {
    /// Milliseconds a carrier's answer is waited for. What is unknown then is looked up, first after as long again, and a
    /// booking counts as not made only when it was not found sixty times as long after it was asked for.
    #[arg(
        long = "carrier-answer-wait-ms",
        value_name = "MS",
        default_value_t = 10_000,
        env = "COMANDA_CARRIER_ANSWER_WAIT_MS",
        value_parser = clap::value_parser!(u32).range(20..=60_000)
    )]
    pub(crate) answer_wait_ms: u32,
}

impl Patience {
    fn times(self, times: u32) -> Duration {
        Duration::from_millis(u64::from(self.answer_wait_ms)).saturating_mul(times)
    }

    /// That of the client.
    pub(crate) fn of_client(self) -> HttpCarrierSettings {
        HttpCarrierSettings {
            connect_wait: self.times(1) / 5,
            answer_wait: self.times(1),
            pause: self.times(1) / 100,
            breaker: BreakerSettings { open_for: self.times(1) / 2, ..BreakerSettings::default() },
        }
    }

    /// That of the worker that books.
    pub(crate) fn of_worker(self) -> BookingWaits {
        BookingWaits {
            call: self.times(3) / 2,
            answer: self.times(3),
            first_look: self.times(1),
            settle: self.times(60),
            pause: self.times(1) / 5,
            pause_max: self.times(60),
            look_every: LOOK_EVERY_MAX.min(self.times(1) / 4),
        }
    }
}

/// Where carriers are booked.
#[derive(Clone, Debug)]
pub(crate) struct CarrierAt {
    /// The base address.
    pub(crate) base: String,
    /// How long they may take.
    pub(crate) patience: Patience,
    /// Whose consignments they are, unless they are the default tenant's: stands before every reference, so that no tenant
    /// finds the booking of another one.
    pub(crate) tenant: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        patience: Patience,
    }

    #[test]
    fn unless_told_otherwise_it_is_that_of_the_parts() {
        let Line { patience } = Line::parse_from(["line"]);
        assert_eq!(format!("{:?}", patience.of_client()), format!("{:?}", HttpCarrierSettings::default()));
        assert_eq!(format!("{:?}", patience.of_worker()), format!("{:?}", BookingWaits::default()));
    }

    #[test]
    fn however_short_it_is_an_outcome_can_be_recorded_before_it_counts_as_lost() {
        for answer_wait_ms in [20, 200, 60_000] {
            let (client, worker) = (Patience { answer_wait_ms }.of_client(), Patience { answer_wait_ms }.of_worker());
            assert!(client.connect_wait < client.answer_wait && client.answer_wait < worker.call);
            assert!(worker.call < worker.answer && worker.answer < worker.settle);
            assert!(worker.look_every < worker.answer - worker.call);
        }
    }
}
