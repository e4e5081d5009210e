//! Replenish stock: goods came in at a location.

use cqrs::{Command, Decision, States, Streams};

use super::adjust::{AdjustRejection, OnHandChanged, change, known};
use super::{StockEvent, StockItem};
use crate::domain::ids::{LocationId, Quantity, Sku};
use crate::domain::location::Location;

/// Adds units to what is on hand.
#[derive(Clone, Debug)]
pub struct Replenish {
    /// The SKU.
    pub sku: Sku,
    /// Where they came in; `main` unless named.
    pub location: Option<LocationId>,
    /// How many.
    pub quantity: Quantity,
}

impl Command for Replenish {
    const NAME: &'static str = "replenish";
    type Answer = OnHandChanged;
    type Rejection = AdjustRejection;

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku))
            .and_all(self.location.as_ref().and_then(Location::stream_unless_main))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OnHandChanged>, AdjustRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        let location = self.location.clone().unwrap_or_else(LocationId::main);
        known(states, &item, &self.sku, &location)?;
        let quantity = self.quantity.units();
        let answer = change(&item, &self.sku, &location, quantity)?;
        Ok(Decision::answer(answer).record(&stream, StockEvent::Replenished { location, quantity }))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::Details;
    use super::*;

    #[test]
    fn goods_come_in_at_main_unless_told_otherwise() {
        let sku = Sku::parse("TEA").unwrap();
        let stream = StockItem::stream(&sku);
        let replenish = Replenish { sku: sku.clone(), location: None, quantity: Quantity::parse(5).unwrap() };
        let _ = Given::nothing()
            .events(&stream, [StockEvent::Registered(Details::default())])
            .when(replenish.clone())
            .then_events(&stream, [StockEvent::Replenished { location: LocationId::main(), quantity: 5 }]);
        let _ = Given::nothing().when(replenish).then_rejected(&AdjustRejection::UnknownSku { sku });
    }
}
