//! Receive: what was to come back has come and was inspected. The order knows, and the stock follows.

use std::collections::BTreeMap;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::{
    Disposition, GoodsReturn, RETURN_LINES_MAX, ReceivedUnits, Requested, ReturnAnswer, ReturnEvent, ReturnRejection,
    ReturnStatus,
};
use crate::domain::ids::{LineId, LocationId, Quantity, ReturnId};
use crate::domain::order::{LineUnits, Order, OrderEvent};

/// Records what has come with a return; what was announced and is not named will not come. Repeating it changes nothing.
#[derive(Clone, Debug)]
pub struct ReceiveReturn {
    /// The return.
    pub return_id: ReturnId,
    /// What came, by line, place and state: 1 to 2,000 entries, at most what was announced of each line.
    pub lines: Vec<ReceiveLine>,
}

/// Units of one line that came back in one state.
#[derive(Clone, Debug)]
pub struct ReceiveLine {
    /// The line.
    pub line_id: LineId,
    /// How many.
    pub quantity: Quantity,
    /// Where they are now.
    pub location: LocationId,
    /// What becomes of them.
    pub disposition: Disposition,
}

impl Command for ReceiveReturn {
    const NAME: &'static str = "receive-return";
    type Answer = ReturnAnswer;
    type Rejection = ReturnRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=RETURN_LINES_MAX).contains(&self.lines.len());
        if right { Ok(()) } else { Err(Invalid::field("/lines", "1 to 2,000 lines")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&GoodsReturn::stream(&self.return_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReturnAnswer>, ReturnRejection> {
        let stream = GoodsReturn::stream(&self.return_id);
        let goods = states.of(&stream);
        let Some(requested) = goods.requested() else {
            return Err(ReturnRejection::UnknownReturn { return_id: self.return_id.clone() });
        };
        let order_stream = Order::stream(&requested.order_id);
        let order = states.of(&order_stream);
        let answer =
            |repeated| ReturnAnswer { return_id: self.return_id.clone(), status: ReturnStatus::Received, repeated };
        let units = self.units(requested, &order)?;
        match goods.status() {
            ReturnStatus::Received if *goods.received() == *units => Ok(Decision::answer(answer(true))),
            ReturnStatus::Received => Err(ReturnRejection::IdConflict { return_id: self.return_id.clone() }),
            from @ ReturnStatus::Cancelled => {
                Err(ReturnRejection::WrongTransition { from, to: ReturnStatus::Received })
            }
            ReturnStatus::Requested => {
                let told = OrderEvent::Returned { return_id: self.return_id.clone(), lines: self.by_line() };
                let received = ReturnEvent::Received { order_id: requested.order_id.clone(), lines: units };
                Ok(Decision::answer(answer(false)).record(&stream, received).record(&order_stream, told))
            }
        }
    }
}

impl ReceiveReturn {
    /// Units by line, whatever their state.
    fn by_line(&self) -> Vec<LineUnits> {
        let mut lines: BTreeMap<&LineId, i64> = BTreeMap::new();
        for line in &self.lines {
            *lines.entry(&line.line_id).or_default() += line.quantity.units();
        }
        lines.into_iter().map(|(line_id, quantity)| LineUnits { line_id: line_id.clone(), quantity }).collect()
    }

    /// What came; refused if more came than was announced.
    fn units(&self, requested: &Requested, order: &Order) -> Result<Vec<ReceivedUnits>, ReturnRejection> {
        let mut left: BTreeMap<&LineId, i64> = BTreeMap::new();
        for units in &requested.lines {
            *left.entry(&units.line_id).or_default() += units.quantity;
        }
        let mut units = Vec::with_capacity(self.lines.len());
        for (place, line) in self.lines.iter().enumerate() {
            let line_id = line.line_id.clone();
            let (Some(returnable), Some(ordered)) = (left.get_mut(&line_id), order.line(&line_id)) else {
                return Err(ReturnRejection::UnknownLine { line_id, place });
            };
            if line.quantity.units() > *returnable {
                return Err(ReturnRejection::LineHasLess { line_id, place, returnable: *returnable });
            }
            *returnable -= line.quantity.units();
            units.push(ReceivedUnits {
                line_id,
                sku: ordered.sku.clone(),
                quantity: line.quantity.units(),
                location: line.location.clone(),
                disposition: line.disposition,
            });
        }
        Ok(units)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cancel::CancelReturn;
    use super::super::request::tests::{id, left, request};
    use super::*;
    use crate::domain::order::OrderStatus;
    use crate::domain::order::fixtures as orders;

    fn receive(lines: &[(i64, Disposition)]) -> ReceiveReturn {
        let lines = lines.iter().map(|(quantity, disposition)| ReceiveLine {
            line_id: orders::line("1"),
            quantity: Quantity::parse(*quantity).unwrap(),
            location: orders::place("main"),
            disposition: *disposition,
        });
        ReceiveReturn { return_id: id("r"), lines: lines.collect() }
    }

    #[test]
    fn what_came_is_recorded_once_and_the_rest_will_not_come() {
        let given = left().when(request("r", 4)).given();
        let came = [(1, Disposition::Restock), (1, Disposition::Scrap)];
        let when = given.when(receive(&came));
        let lines = vec![LineUnits { line_id: orders::line("1"), quantity: 2 }];
        let when = when.then_events(&orders::stream("o"), [OrderEvent::Returned { return_id: id("r"), lines }]);
        let when = when.and_when(receive(&came)).then_nothing();
        assert!(when.answer().repeated);
        let conflict = ReturnRejection::IdConflict { return_id: id("r") };
        let when = when.and_when(receive(&came[..1])).then_nothing().then_rejected(&conflict);
        let given = when.given();
        let order = orders::found(&given, "o");
        assert_eq!((order.status(), order.returnable(&orders::line("1"))), (OrderStatus::PartiallyReturned, 3));
    }

    #[test]
    fn no_more_comes_than_was_announced() {
        let given = left().when(request("r", 2)).given();
        let less = ReturnRejection::LineHasLess { line_id: orders::line("1"), place: 1, returnable: 1 };
        let came = receive(&[(1, Disposition::Restock), (2, Disposition::Damaged)]);
        let _ = given.when(came).then_nothing().then_rejected(&less);
    }

    #[test]
    fn what_was_cancelled_or_never_announced_does_not_come() {
        let came = receive(&[(1, Disposition::Restock)]);
        let unknown = ReturnRejection::UnknownReturn { return_id: id("r") };
        let _ = left().when(came.clone()).then_rejected(&unknown);
        let given = left().when(request("r", 2)).and_when(CancelReturn { return_id: id("r") }).given();
        let wrong = ReturnRejection::WrongTransition { from: ReturnStatus::Cancelled, to: ReturnStatus::Received };
        let when = given.when(came).then_nothing().then_rejected(&wrong);
        assert_eq!(orders::found(&when.given(), "o").returnable(&orders::line("1")), 5);
    }
}
