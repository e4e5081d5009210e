//! Set backorders: how many units may be promised that are not there, from when on, and against what.

use cqrs::{Aggregate, Command, Decision, Invalid, InvalidField, States, Streams};
use serde::{Deserialize, Serialize};

use super::update::{UpdateSkuRejection, check_promised, raised};
use super::{BackorderTerms, Details, StockEvent, StockItem};
use crate::domain::ids::{QUANTITY_MAX, Sku};

/// Sets all of it. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct SetBackorders {
    /// The SKU.
    pub sku: Sku,
    /// Units that may be promised beyond what is on hand, 0 to 1,000,000,000; at least as many as are promised so.
    pub limit: i64,
    /// Under which terms.
    pub terms: BackorderTerms,
}

/// How a SKU may be promised beyond what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackordersAnswer {
    /// The SKU.
    pub sku: Sku,
    /// Units that may be promised beyond what is on hand.
    pub limit: i64,
    /// Under which terms.
    pub terms: BackorderTerms,
    /// Whether nothing had to be changed.
    pub repeated: bool,
}

impl Command for SetBackorders {
    const NAME: &'static str = "set-backorders";
    type Answer = BackordersAnswer;
    type Rejection = UpdateSkuRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if (0..=QUANTITY_MAX).contains(&self.limit) {
            return Ok(());
        }
        let detail = "a whole number from 0 to 1,000,000,000".to_owned();
        Err(Invalid(vec![InvalidField { pointer: "/limit".to_owned(), detail }]))
    }

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<BackordersAnswer>, UpdateSkuRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        if !item.is_registered() {
            return Err(UpdateSkuRejection::UnknownSku { sku: self.sku.clone() });
        }
        check_promised(&item, &self.sku, self.limit)?;
        let mut events = Vec::new();
        if self.limit != item.details.backorder_limit {
            let details = Details { backorder_limit: self.limit, ..item.details.clone() };
            events.push(StockEvent::DetailsChanged(details));
        }
        if self.terms != item.backorders {
            events.push(StockEvent::BackordersChanged(self.terms));
        }
        let mut after = (*item).clone();
        events.iter().for_each(|event| after.apply(event));
        let (sku, limit, terms, repeated) = (self.sku.clone(), self.limit, self.terms, events.is_empty());
        let decision = Decision::answer(BackordersAnswer { sku, limit, terms, repeated }).record_all(&stream, events);
        Ok(decision.record_all(&stream, raised(&item, &after)))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{arrival, at, place, reserve, sku, stocked};

    fn set(limit: i64, from: Option<i64>, incoming_only: bool) -> SetBackorders {
        let terms = BackorderTerms { from: from.map(at), incoming_only };
        SetBackorders { sku: sku("TEA"), limit, terms }
    }

    fn stock() -> Given {
        stocked(&[("TEA", "main", 2)])
            .events(&StockItem::stream(&sku("TEA")), [StockEvent::Expected(arrival("po-1", "1", 3, 900))])
    }

    #[test]
    fn limit_and_terms_are_set_together_and_once() {
        let stream = StockItem::stream(&sku("TEA"));
        let details = Details { backorder_limit: 5, ..Details::default() };
        let terms = BackorderTerms { from: None, incoming_only: true };
        let raised = StockEvent::PromisableRaised { location: place("main"), quantity: 3 };
        let events = [StockEvent::DetailsChanged(details), StockEvent::BackordersChanged(terms), raised];
        let again = stock().when(set(5, None, true)).then_events(&stream, events).and_when(set(5, None, true));
        assert!(again.then_nothing().answer().repeated);
    }

    #[test]
    fn a_cart_is_promised_what_is_to_come_and_not_a_unit_beyond() {
        let bound = stock().when(set(100, None, true)).given();
        assert!(bound.clone().when(reserve("r", &[("TEA", 6)])).result().is_err());
        let held = bound.when(reserve("r", &[("TEA", 5)]));
        assert_eq!(held.answer().reservation.lines[0].beyond, 3);
        let given = held.given();
        assert!(given.clone().when(reserve("s", &[("TEA", 1)])).result().is_err());
        let more = StockEvent::Expected(arrival("po-2", "1", 1, 950));
        let more = given.events(&StockItem::stream(&sku("TEA")), [more]);
        assert!(more.when(reserve("s", &[("TEA", 1)])).result().is_ok());
    }

    #[test]
    fn a_preorder_opens_on_its_day() {
        let early = stock().when(set(9, Some(500), false)).given();
        assert!(early.clone().at(at(499)).when(reserve("r", &[("TEA", 3)])).result().is_err());
        let open = early.at(at(500)).when(reserve("r", &[("TEA", 3)]));
        assert_eq!(open.answer().reservation.lines[0].beyond, 1);
    }

    #[test]
    fn a_limit_below_what_is_promised_is_refused_with_the_figures() {
        let held = stock().when(set(5, None, false)).and_when(reserve("r", &[("TEA", 6)])).given();
        let refused = UpdateSkuRejection::Promised { sku: sku("TEA"), promised: 6, on_hand: 2 };
        let _ = held.clone().when(set(3, None, false)).then_nothing().then_rejected(&refused);
        let least = held.when(set(4, None, true));
        assert!(least.result().is_ok(), "what was promised before the terms stands");
        assert!(least.and_when(reserve("s", &[("TEA", 1)])).result().is_err());
    }

    #[test]
    fn unknown_skus_and_wrong_numbers_are_refused() {
        let unknown = UpdateSkuRejection::UnknownSku { sku: sku("TEA") };
        let _ = Given::nothing().when(set(1, None, false)).then_rejected(&unknown);
        let _ = stock().when(set(-1, None, false)).then_invalid("/limit");
        let _ = stock().when(set(1_000_000_001, None, false)).then_invalid("/limit");
    }
}
