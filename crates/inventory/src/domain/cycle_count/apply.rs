//! Apply a count: the books follow the differences. What came and went since the count stays as it is.

use cqrs::{Command, Decision, States, Streams};

use super::{
    AppliedLine, CountAnswer, CountEvent, CountLine, CountState, CycleCount, UnknownCount, WrongCountTransition,
};
use crate::domain::ids::{ActorId, CountId, LocationId, Sku};
use crate::domain::reason::Reason;
use crate::domain::stock_item::adjust::{AdjustRejection, change};
use crate::domain::stock_item::{StockEvent, StockItem};

/// Lets the books follow a count that was reviewed: all of it or nothing. Again, it changes nothing.
///
/// By the difference that was found and not to the number that was counted: so what was sold or received since is counted
/// once.
#[derive(Clone, Debug)]
pub struct ApplyCount {
    /// The count.
    pub count_id: CountId,
    /// Who says so.
    pub by: ActorId,
}

/// Why the books do not follow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyCountRejection {
    /// No such count.
    #[error(transparent)]
    Unknown(#[from] UnknownCount),
    /// It is not reviewed, or it was cancelled.
    #[error(transparent)]
    WrongTransition(#[from] WrongCountTransition),
    /// The books were corrected since the count: to correct them once more would be once too much. Count it again.
    #[error(
        "the books of SKU {sku} at {location} were corrected since it was counted ({booked} units then, {on_hand} now): count it again"
    )]
    CorrectedSince {
        /// The SKU.
        sku: Sku,
        /// The location.
        location: LocationId,
        /// Units on hand when it was counted.
        booked: i64,
        /// Units on hand now.
        on_hand: i64,
    },
    /// Stock cannot change so: less would be left than is promised, damaged, or nothing.
    #[error("SKU {sku}: {why}")]
    NotAllowed {
        /// The SKU.
        sku: Sku,
        /// Why.
        why: AdjustRejection,
    },
}

impl Command for ApplyCount {
    const NAME: &'static str = "apply-count";
    type Answer = CountAnswer;
    type Rejection = ApplyCountRejection;

    fn streams(&self) -> Streams {
        Streams::one(&CycleCount::stream(&self.count_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<CountAnswer>, ApplyCountRejection> {
        let count = CycleCount::find(states, &self.count_id)?;
        match count.state() {
            CountState::Applied => return Ok(count.decide(&self.count_id, None)),
            CountState::Reviewed => {}
            from => return Err(WrongCountTransition::new(from, CountState::Applied).into()),
        }
        let location = count.location();
        // All are asked for before the first is refused: they are loaded together.
        let items: Vec<_> =
            count.lines.iter().map(|line| (line, states.of(&StockItem::stream(&line.expected.sku)))).collect();
        let (mut applied, mut stock) = (Vec::new(), Decision::answer(()));
        for (line, item) in items {
            let (delta, followed) = follow(line, &item, &location)?;
            if delta != 0 {
                let adjusted = StockEvent::Adjusted {
                    location: location.clone(),
                    delta,
                    reason: Reason::CycleCount,
                    reference: Some(format!("count/{}", self.count_id).into()),
                };
                stock = stock.record(&StockItem::stream(&line.expected.sku), adjusted);
            }
            applied.extend(followed);
        }
        let applied = CountEvent::Applied { by: self.by.clone(), lines: applied };
        Ok(count.decide(&self.count_id, Some(applied)).and(stock))
    }
}

/// By how much the books of one SKU follow.
fn follow(
    line: &CountLine,
    item: &StockItem,
    location: &LocationId,
) -> Result<(i64, Option<AppliedLine>), ApplyCountRejection> {
    let Some((_, tally)) = &line.tally else { return Ok((0, None)) };
    let (sku, on_hand, delta) = (tally.sku.clone(), item.level(location).on_hand, tally.counted - tally.booked);
    if delta != 0 && item.corrections(location) != tally.corrections {
        let (location, booked) = (location.clone(), tally.booked);
        return Err(ApplyCountRejection::CorrectedSince { sku, location, booked, on_hand });
    }
    if delta != 0 {
        change(item, &sku, location, delta).map_err(|why| ApplyCountRejection::NotAllowed { sku: sku.clone(), why })?;
    }
    let moved_since = on_hand - tally.booked;
    Ok((delta, Some(AppliedLine { sku, moved_since, delta, on_hand: on_hand + delta })))
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::review::ReviewCount;
    use super::*;
    use crate::domain::fixtures::{actor, count, count_id, counted, place, reserve, sku, stocked, units};
    use crate::domain::reservation::confirm::Confirm;
    use crate::domain::reservation::consume::Consume;
    use crate::domain::stock_item::adjust::{Adjust, Change};
    use crate::domain::stock_item::replenish::Replenish;

    fn apply() -> ApplyCount {
        ApplyCount { count_id: count_id(), by: actor("mia") }
    }

    /// TEA with nine on hand, of which `units` were found, and reviewed.
    fn reviewed(units: i64) -> Given {
        stocked(&[("TEA", "berlin", 9)])
            .when(count(&["TEA"]))
            .and_when(counted(&[("TEA", units)]))
            .and_when(ReviewCount { count_id: count_id(), by: actor("mia") })
            .given()
    }

    fn on_hand(given: &Given) -> i64 {
        given.state(&StockItem::stream(&sku("TEA"))).level(&place("berlin")).on_hand
    }

    fn adjust(reason: Reason, delta: i64) -> Adjust {
        Adjust { sku: sku("TEA"), location: place("berlin"), change: Change::Delta(delta), reason, reference: None }
    }

    #[test]
    fn the_books_follow_once_with_reason_and_reference() {
        let adjusted = StockEvent::Adjusted {
            location: place("berlin"),
            delta: -2,
            reason: Reason::CycleCount,
            reference: Some("count/c".into()),
        };
        let applied = reviewed(7).when(apply()).then_events(&StockItem::stream(&sku("TEA")), [adjusted]);
        assert_eq!(applied.answer().count.state(), CountState::Applied);
        assert!(applied.and_when(apply()).then_nothing().answer().repeated);
        let right = reviewed(9).when(apply()).then_events(&StockItem::stream(&sku("TEA")), []);
        assert_eq!(right.answer().count.state(), CountState::Applied);
    }

    #[test]
    fn what_was_sold_and_received_since_the_count_is_counted_once() {
        let since = reviewed(7)
            .when(reserve("r", &[("TEA", 4)]))
            .and_when(Confirm { reservation_id: crate::domain::fixtures::reservation("r") })
            .and_when(Consume { reservation_id: crate::domain::fixtures::reservation("r"), lines: None })
            .and_when(Replenish { sku: sku("TEA"), location: Some(place("berlin")), quantity: units(10) })
            .given();
        assert_eq!(on_hand(&since), 15);
        let applied = since.when(apply());
        let line = applied.answer().count.lines()[0].applied.clone().unwrap();
        assert_eq!((line.moved_since, line.delta, line.on_hand), (6, -2, 13));
        assert_eq!(on_hand(&applied.given()), 13);
    }

    #[test]
    fn a_correction_since_the_count_is_not_made_twice() {
        let corrected = reviewed(7).when(adjust(Reason::Lost, -2)).given();
        let (location, booked, on_hand) = (place("berlin"), 9, 7);
        let since = ApplyCountRejection::CorrectedSince { sku: sku("TEA"), location, booked, on_hand };
        let _ = corrected.when(apply()).then_rejected(&since);
        let damaged = reviewed(7).when(adjust(Reason::Damaged, -1)).and_when(apply());
        assert_eq!(self::on_hand(&damaged.given()), 6, "goods that left are no correction");
    }

    #[test]
    fn never_less_is_left_than_is_promised_and_then_nothing_changes() {
        let stock = stocked(&[("TEA", "berlin", 9), ("MUG", "berlin", 5)]);
        let held = stock
            .when(count(&["TEA", "MUG"]))
            .and_when(counted(&[("TEA", 3), ("MUG", 6)]))
            .and_when(ReviewCount { count_id: count_id(), by: actor("mia") })
            .and_when(reserve("r", &[("TEA", 5)]))
            .given();
        let why = AdjustRejection::Promised { promised: 5, on_hand: 9, backorder_limit: 0, delta: -6 };
        let refused = held.when(apply()).then_rejected(&ApplyCountRejection::NotAllowed { sku: sku("TEA"), why });
        let mug = refused.given().state(&StockItem::stream(&sku("MUG")));
        assert_eq!(mug.total().on_hand, 5, "all of it or nothing");
    }

    #[test]
    fn what_nobody_reviewed_is_not_applied() {
        let given = stocked(&[("TEA", "berlin", 9)]).when(count(&["TEA"])).and_when(counted(&[("TEA", 9)])).given();
        let wrong = WrongCountTransition::new(CountState::Counted, CountState::Applied);
        let _ = given.when(apply()).then_rejected(&wrong.into());
        let unknown = ApplyCountRejection::Unknown(UnknownCount { count_id: count_id() });
        let _ = stocked(&[]).when(apply()).then_rejected(&unknown);
    }
}
