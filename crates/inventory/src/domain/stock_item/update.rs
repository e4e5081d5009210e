//! Update a SKU: changes its name, its safety stock or its backorder limit.

use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams};

use super::register::SkuAnswer;
use super::{Details, StockEvent, StockItem};
use crate::domain::ids::{LocationId, Sku};

/// Changes what is given and leaves the rest.
#[derive(Clone, Debug)]
pub struct UpdateSku {
    /// The SKU.
    pub sku: Sku,
    /// Its new name, 1 to 200 characters.
    pub name: Option<Arc<str>>,
    /// Units held back from sale, 0 to 1,000,000,000.
    pub safety_stock: Option<i64>,
    /// Units that may be promised beyond what is on hand, 0 to 1,000,000,000.
    pub backorder_limit: Option<i64>,
}

/// Why a SKU is not updated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateSkuRejection {
    /// No such SKU.
    #[error("SKU {sku} is not registered")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// More is promised already than the new backorder limit would cover.
    #[error(
        "SKU {sku} has promised {promised} units with {on_hand} on hand: the backorder limit cannot be less than {}",
        promised - on_hand
    )]
    Promised {
        /// The SKU.
        sku: Sku,
        /// Units reserved, committed or damaged.
        promised: i64,
        /// Units on hand, over all locations.
        on_hand: i64,
    },
}

impl Command for UpdateSku {
    const NAME: &'static str = "update-sku";
    type Answer = SkuAnswer;
    type Rejection = UpdateSkuRejection;

    fn validate(&self) -> Result<(), Invalid> {
        self.on(&Details::default()).check()
    }

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<SkuAnswer>, UpdateSkuRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        if !item.is_registered() {
            return Err(UpdateSkuRejection::UnknownSku { sku: self.sku.clone() });
        }
        let details = self.on(&item.details);
        check_promised(&item, &self.sku, details.backorder_limit)?;
        let repeated = details == item.details;
        let decision = Decision::answer(SkuAnswer { sku: self.sku.clone(), details: details.clone(), repeated });
        if repeated {
            return Ok(decision);
        }
        let changed = StockEvent::DetailsChanged(details);
        let mut after = (*item).clone();
        after.apply(&changed);
        let raised = raised(&item, &after);
        Ok(decision.record(&stream, changed).record_all(&stream, raised))
    }
}

/// Refuses a backorder limit that would not cover what is promised.
pub(super) fn check_promised(item: &StockItem, sku: &Sku, limit: i64) -> Result<(), UpdateSkuRejection> {
    let total = item.total();
    if total.on_hand + limit >= total.unavailable() {
        return Ok(());
    }
    let (promised, on_hand) = (total.unavailable(), total.on_hand);
    Err(UpdateSkuRejection::Promised { sku: sku.clone(), promised, on_hand })
}

/// What can be promised more than before, if anything can.
pub(super) fn raised(item: &StockItem, after: &StockItem) -> Option<StockEvent> {
    let quantity = after.promisable(None) - item.promisable(None);
    let location = after.first(&[]).unwrap_or_else(LocationId::main);
    (quantity > 0).then_some(StockEvent::PromisableRaised { location, quantity })
}

impl UpdateSku {
    fn on(&self, details: &Details) -> Details {
        Details {
            name: self.name.clone().or_else(|| details.name.clone()),
            safety_stock: self.safety_stock.unwrap_or(details.safety_stock),
            backorder_limit: self.backorder_limit.unwrap_or(details.backorder_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::register::RegisterSku;
    use super::*;
    use crate::domain::ids::{LineId, ReservationId};
    use crate::domain::stock_item::Hold;

    fn tea() -> Sku {
        Sku::parse("TEA").unwrap()
    }

    fn update() -> UpdateSku {
        UpdateSku { sku: tea(), name: None, safety_stock: None, backorder_limit: None }
    }

    fn registered() -> Given {
        let register = RegisterSku { sku: tea(), name: Some("Tea".into()), safety_stock: 1, backorder_limit: 5 };
        Given::nothing().when(register).given()
    }

    #[test]
    fn what_is_not_given_stays() {
        let details = Details { name: Some("Tea".into()), safety_stock: 3, backorder_limit: 5 };
        let _ = registered()
            .when(UpdateSku { safety_stock: Some(3), ..update() })
            .then_events(&StockItem::stream(&tea()), [StockEvent::DetailsChanged(details)])
            .and_when(UpdateSku { safety_stock: Some(3), ..update() })
            .then_nothing();
    }

    #[test]
    fn whoever_waits_for_stock_hears_that_more_can_be_promised() {
        let stream = StockItem::stream(&tea());
        let main = LocationId::main();
        let stocked = registered().events(&stream, [StockEvent::Replenished { location: main.clone(), quantity: 3 }]);
        let details = Details { name: Some("Tea".into()), safety_stock: 0, backorder_limit: 7 };
        let raised = StockEvent::PromisableRaised { location: main, quantity: 3 };
        let _ = stocked
            .when(UpdateSku { safety_stock: Some(0), backorder_limit: Some(7), ..update() })
            .then_events(&stream, [StockEvent::DetailsChanged(details), raised]);
    }

    #[test]
    fn a_limit_below_what_is_promised_is_refused() {
        let hold = Hold {
            reservation: ReservationId::parse("r").unwrap(),
            line: LineId::parse("1").unwrap(),
            location: LocationId::main(),
            quantity: 4,
            expires_at: None,
            owner: None,
        };
        let given = registered().events(&StockItem::stream(&tea()), [StockEvent::Held(hold)]);
        let refused = UpdateSkuRejection::Promised { sku: tea(), promised: 4, on_hand: 0 };
        let _ = given.clone().when(UpdateSku { backorder_limit: Some(3), ..update() }).then_rejected(&refused);
        assert!(given.when(UpdateSku { backorder_limit: Some(4), ..update() }).result().is_ok());
    }

    #[test]
    fn an_unknown_sku_and_a_wrong_bound_are_refused() {
        let _ = Given::nothing().when(update()).then_rejected(&UpdateSkuRejection::UnknownSku { sku: tea() });
        let _ = registered().when(UpdateSku { safety_stock: Some(-1), ..update() }).then_invalid("/safetyStock");
    }
}
