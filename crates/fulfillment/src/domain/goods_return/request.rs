//! Request: units that have left are to come back.

use std::collections::BTreeSet;
use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Stream, Streams};

use super::{
    GoodsReturn, OPEN_RETURNS_MAX, RETURN_LINES_MAX, Requested, ReturnAnswer, ReturnEvent, ReturnRejection,
    ReturnStatus,
};
use crate::domain::ids::{LineId, OrderId, Quantity, ReturnId};
use crate::domain::order::hold::REASON_LENGTH_MAX;
use crate::domain::order::{LineUnits, Order, OrderEvent};

/// Announces that units come back. Repeating it changes nothing.
#[derive(Clone, Debug)]
pub struct RequestReturn {
    /// The return.
    pub return_id: ReturnId,
    /// The order.
    pub order_id: OrderId,
    /// Which units: 1 to 2,000 lines.
    pub lines: Vec<ReturnLine>,
    /// Why, if it is said: 1 to 500 characters.
    pub reason: Option<Arc<str>>,
}

/// Units of one line that are to come back.
#[derive(Clone, Debug)]
pub struct ReturnLine {
    /// The line.
    pub line_id: LineId,
    /// How many.
    pub quantity: Quantity,
}

impl Command for RequestReturn {
    const NAME: &'static str = "request-return";
    type Answer = ReturnAnswer;
    type Rejection = ReturnRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=RETURN_LINES_MAX).contains(&self.lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        let mut seen = BTreeSet::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !seen.insert(&line.line_id) {
                return Err(Invalid::field(format!("/lines/{place}/lineId"), "is named twice"));
            }
        }
        let right = |reason: &Arc<str>| (1..=REASON_LENGTH_MAX).contains(&reason.chars().count());
        let right = self.reason.as_ref().is_none_or(right);
        if right { Ok(()) } else { Err(Invalid::field("/reason", "1 to 500 characters")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&self.stream()).and(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReturnAnswer>, ReturnRejection> {
        let (known, order) = (states.of(&self.stream()), states.of(&Order::stream(&self.order_id)));
        let answer = |status, repeated| ReturnAnswer { return_id: self.return_id.clone(), status, repeated };
        let lines: Vec<LineUnits> = self.lines.iter().map(units).collect();
        if let Some(requested) = known.requested() {
            let same =
                requested.order_id == self.order_id && requested.lines == lines && requested.reason == self.reason;
            return if same {
                Ok(Decision::answer(answer(known.status(), true)))
            } else {
                Err(ReturnRejection::IdConflict { return_id: self.return_id.clone() })
            };
        }
        self.check(&order)?;
        let told = OrderEvent::ReturnRequested { return_id: self.return_id.clone(), lines: lines.clone() };
        let requested = Requested {
            order_id: self.order_id.clone(),
            lines,
            reason: self.reason.clone(),
            requested_at: states.at(),
        };
        Ok(Decision::answer(answer(ReturnStatus::Requested, false))
            .record(&self.stream(), ReturnEvent::Requested(requested))
            .record(&Order::stream(&self.order_id), told))
    }
}

impl RequestReturn {
    fn stream(&self) -> Stream<GoodsReturn> {
        GoodsReturn::stream_of(&self.return_id, &self.order_id)
    }

    fn check(&self, order: &Order) -> Result<(), ReturnRejection> {
        if order.placed().is_none() {
            return Err(ReturnRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        if order.open_returns().count() >= OPEN_RETURNS_MAX {
            return Err(ReturnRejection::TooMany);
        }
        for (place, line) in self.lines.iter().enumerate() {
            let line_id = line.line_id.clone();
            if order.line(&line_id).is_none() {
                return Err(ReturnRejection::UnknownLine { line_id, place });
            }
            let returnable = order.returnable(&line_id);
            if line.quantity.units() > returnable {
                return Err(ReturnRejection::LineHasLess { line_id, place, returnable });
            }
        }
        Ok(())
    }
}

fn units(line: &ReturnLine) -> LineUnits {
    LineUnits { line_id: line.line_id.clone(), quantity: line.quantity.units() }
}

#[cfg(test)]
pub(super) mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::order::fixtures as orders;
    use crate::domain::shipment::dispatch::Dispatch;
    use crate::domain::shipment::fixtures as shipments;

    pub(crate) fn id(text: &str) -> ReturnId {
        ReturnId::parse(text).unwrap()
    }

    /// Five units of line 1 of order `o` have left.
    pub(crate) fn left() -> Given {
        shipments::booked().when(Dispatch { shipment_id: shipments::id("s") }).given()
    }

    pub(crate) fn request(text: &str, quantity: i64) -> RequestReturn {
        let line = ReturnLine { line_id: orders::line("1"), quantity: Quantity::parse(quantity).unwrap() };
        RequestReturn { return_id: id(text), order_id: orders::id("o"), lines: vec![line], reason: None }
    }

    #[test]
    fn a_return_is_announced_once() {
        let when = left().when(request("r", 2));
        let lines = vec![LineUnits { line_id: orders::line("1"), quantity: 2 }];
        let when = when.then_events(&orders::stream("o"), [OrderEvent::ReturnRequested { return_id: id("r"), lines }]);
        let when = when.and_when(request("r", 2)).then_nothing();
        assert!(when.answer().repeated);
        let _ = when.and_when(request("r", 3)).then_rejected(&ReturnRejection::IdConflict { return_id: id("r") });
    }

    #[test]
    fn no_more_comes_back_than_has_left() {
        let less = |returnable| ReturnRejection::LineHasLess { line_id: orders::line("1"), place: 0, returnable };
        let _ = shipments::booked().when(request("r", 1)).then_rejected(&less(0));
        let when = left().when(request("r", 4)).and_when(request("t", 2)).then_nothing().then_rejected(&less(1));
        let _ = when.and_when(request("t", 1)).answer();
    }

    #[test]
    fn what_is_wrong_in_itself_is_refused() {
        let none = RequestReturn { lines: Vec::new(), ..request("r", 1) };
        let _ = left().when(none).then_invalid("/lines");
        let unknown = ReturnRejection::UnknownOrder { order_id: orders::id("o") };
        let _ = Given::nothing().when(request("r", 1)).then_rejected(&unknown);
    }
}
