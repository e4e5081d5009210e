//! Track: the carrier tells where a shipment is. Its news may come twice, late, and out of order.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::plan::ShipmentAnswer;
use super::{News, Planned, Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus, TRACKED_MAX, Tracked};
use crate::domain::ids::ShipmentId;
use crate::domain::order::{Order, OrderEvent};

/// The longest text of a piece of news, in characters.
pub const TEXT_LENGTH_MAX: usize = 500;

/// Records a piece of news. One with an id that is known already changes nothing.
#[derive(Clone, Debug)]
pub struct Track {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The news, under an id of 1 to 128 characters, with a text of at most 500.
    pub tracked: Tracked,
}

impl Command for Track {
    const NAME: &'static str = "track-shipment";
    type Answer = ShipmentAnswer;
    type Rejection = ShipmentRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if cqrs::check_id(&self.tracked.event_id).is_err() {
            return Err(Invalid::field("/eventId", "is no id"));
        }
        let right = |text: &Arc<str>| (1..=TEXT_LENGTH_MAX).contains(&text.chars().count());
        let right = self.tracked.text.as_ref().is_none_or(right);
        if right { Ok(()) } else { Err(Invalid::field("/text", "1 to 500 characters")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentAnswer>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let stream = Shipment::stream(&self.shipment_id);
        let answer = |status, repeated| ShipmentAnswer { shipment_id: self.shipment_id.clone(), status, repeated };
        if let Some(known) = shipment.tracked.iter().find(|known| known.event_id == self.tracked.event_id) {
            if *known == self.tracked {
                return Ok(Decision::answer(answer(shipment.status, true)));
            }
            return Err(ShipmentRejection::IdConflict { event_id: Arc::clone(&self.tracked.event_id) });
        }
        let to = match self.tracked.news {
            News::InTransit => ShipmentStatus::InTransit,
            News::Delivered => ShipmentStatus::Delivered,
            News::DeliveryFailed => ShipmentStatus::DeliveryFailed,
        };
        if !shipment.status.has_left() {
            return Err(ShipmentRejection::wrong(&shipment, to));
        }
        // The last piece of news that matters always finds room: it comes once.
        if shipment.tracked.len() >= TRACKED_MAX && self.tracked.news != News::Delivered {
            return Err(ShipmentRejection::TooMuchNews);
        }
        let decision = Decision::answer(()).record(&stream, ShipmentEvent::Tracked(self.tracked.clone()));
        if !shipment.status.next().contains(&to) {
            return Ok(decision.map(|()| answer(shipment.status, false)));
        }
        Ok(self.follow(decision, &planned).map(|()| answer(to, false)))
    }
}

impl Track {
    /// What follows from news that changes where the shipment is.
    fn follow(&self, decision: Decision<()>, planned: &Planned) -> Decision<()> {
        let (stream, order) = (Shipment::stream(&self.shipment_id), Order::stream(&planned.order_id));
        let shipment = self.shipment_id.clone();
        match self.tracked.news {
            News::InTransit => decision,
            News::Delivered => decision
                .record(&stream, ShipmentEvent::Delivered { order_id: planned.order_id.clone() })
                .record(&order, OrderEvent::Delivered { shipment, lines: planned.lines.clone() }),
            News::DeliveryFailed => decision
                .record(&stream, ShipmentEvent::DeliveryFailed { reason: self.tracked.text.clone() })
                .record(&order, OrderEvent::DeliveryFailed { shipment, reason: self.tracked.text.clone() }),
        }
    }
}

impl ShipmentStatus {
    /// Whether it has left the house.
    #[must_use]
    pub fn has_left(self) -> bool {
        matches!(self, Self::Dispatched | Self::InTransit | Self::Delivered | Self::DeliveryFailed)
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::dispatch::Dispatch;
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::OrderStatus;
    use crate::domain::order::fixtures as orders;

    fn track(event_id: &str, news: News) -> Track {
        let tracked = Tracked { event_id: event_id.into(), news, text: None, happened_at: at(7) };
        Track { shipment_id: id("s"), tracked }
    }

    fn left() -> Given {
        booked().when(Dispatch { shipment_id: id("s") }).given()
    }

    #[test]
    fn it_arrives_once_and_the_order_knows() {
        let when = left().when(track("1", News::InTransit));
        assert_eq!(when.answer().status, ShipmentStatus::InTransit);
        let when = when.and_when(track("2", News::Delivered));
        let lines = vec![orders::units_at("1", 1, "main", 5)];
        let when = when.then_events(&orders::stream("o"), [OrderEvent::Delivered { shipment: id("s"), lines }]);
        let when = when.and_when(track("2", News::Delivered)).then_nothing();
        assert_eq!(orders::found(&when.given(), "o").status(), OrderStatus::Delivered);
    }

    #[test]
    fn news_that_comes_late_or_twice_changes_nothing() {
        let when = left().when(track("2", News::Delivered)).and_when(track("1", News::InTransit));
        assert_eq!(when.answer().status, ShipmentStatus::Delivered);
        let when = when.and_when(track("3", News::Delivered));
        let when = when.then_events(&orders::stream("o"), []);
        let given = when.given();
        let shipment = found(&given, "s");
        assert_eq!((shipment.status(), shipment.tracked().len()), (ShipmentStatus::Delivered, 3));
        let _ = given
            .when(track("1", News::Delivered))
            .then_rejected(&ShipmentRejection::IdConflict { event_id: "1".into() });
    }

    #[test]
    fn a_failed_delivery_can_still_succeed() {
        let when = left().when(track("1", News::DeliveryFailed));
        let failed = OrderEvent::DeliveryFailed { shipment: id("s"), reason: None };
        let when = when.then_events(&orders::stream("o"), [failed]);
        let when = when.and_when(track("2", News::InTransit)).and_when(track("3", News::Delivered));
        assert_eq!(when.answer().status, ShipmentStatus::Delivered);
    }

    #[test]
    fn there_is_no_news_of_what_has_not_left() {
        let wrong = super::super::WrongShipmentTransition::new(ShipmentStatus::Booked, ShipmentStatus::Delivered);
        let wrong = ShipmentRejection::WrongTransition(wrong);
        let _ = booked().when(track("1", News::Delivered)).then_nothing().then_rejected(&wrong);
    }

    #[test]
    fn news_has_a_bound_that_an_arrival_passes() {
        let mut given = left();
        for number in 0..TRACKED_MAX {
            given = given.when(track(&number.to_string(), News::InTransit)).given();
        }
        let when = given.when(track("more", News::InTransit)).then_rejected(&ShipmentRejection::TooMuchNews);
        assert_eq!(when.and_when(track("last", News::Delivered)).answer().status, ShipmentStatus::Delivered);
    }
}
