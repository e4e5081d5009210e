//! Expire holds: records, when nobody else has decided on a SKU, what time alone has made true of it.

use std::convert::Infallible;

use cqrs::{Command, Decision, States, Streams, Timestamp};

use super::StockItem;
use crate::domain::ids::Sku;

/// Records the holds of a SKU that are over. They are over at their time, whether or not this runs.
#[derive(Clone, Debug)]
pub struct ExpireHolds {
    /// The SKU.
    pub sku: Sku,
}

impl Command for ExpireHolds {
    const NAME: &'static str = "expire-holds";
    /// Nothing of the SKU is due before this instant.
    type Answer = Option<Timestamp>;
    type Rejection = Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Option<Timestamp>>, Infallible> {
        // To name the stream is enough: what is due of it is recorded before any decision.
        Ok(Decision::answer(states.of(&StockItem::stream(&self.sku)).expiring().next()))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::{Bucket, Hold, StockEvent};
    use super::*;
    use crate::domain::ids::{LineId, LocationId, ReservationId};

    #[test]
    fn what_is_due_is_recorded_once() {
        let sku = Sku::parse("TEA").unwrap();
        let stream = StockItem::stream(&sku);
        let hold = |ms| {
            StockEvent::Held(Hold {
                reservation: ReservationId::parse("r").unwrap(),
                line: LineId::parse("1").unwrap(),
                location: LocationId::main(),
                quantity: 2,
                expires_at: Some(Timestamp::from_millis(ms)),
                owner: None,
            })
        };
        let bucket = Bucket { expires_at: Timestamp::from_millis(10), location: LocationId::main(), quantity: 2 };
        let next = Some(Timestamp::from_millis(20));
        let expired = Given::nothing()
            .at(Timestamp::from_millis(10))
            .events(&stream, [hold(10), hold(20)])
            .when(ExpireHolds { sku: sku.clone() })
            .then_events(&stream, [StockEvent::HoldsExpired { buckets: vec![bucket], next }])
            .then_answer(&next)
            .and_when(ExpireHolds { sku })
            .then_nothing();
        assert_eq!(expired.given().state(&stream).total().reserved, 2);
    }
}
