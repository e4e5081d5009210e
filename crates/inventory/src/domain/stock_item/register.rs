//! Register a SKU: makes it known, so that stock of it can be kept and held.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{Details, StockEvent, StockItem};
use crate::domain::ids::Sku;

/// What stands in paths where a SKU could stand.
pub(super) const PATH_WORDS: [&str; 4] = ["adjustments", "history", "movements", "reservations"];

/// Makes a SKU known. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct RegisterSku {
    /// The SKU.
    pub sku: Sku,
    /// Its name for people, 1 to 200 characters.
    pub name: Option<Arc<str>>,
    /// Units held back from sale, 0 to 1,000,000,000.
    pub safety_stock: i64,
    /// Units that may be promised beyond what is on hand, 0 to 1,000,000,000.
    pub backorder_limit: i64,
}

/// A SKU with its details as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkuAnswer {
    /// The SKU.
    pub sku: Sku,
    /// Its details.
    pub details: Details,
    /// Whether nothing had to be changed.
    pub repeated: bool,
}

/// Why a SKU is not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterSkuRejection {
    /// The SKU was registered with other details: update it instead.
    #[error("SKU {sku} is registered with other details: change those by updating it")]
    Conflict {
        /// The SKU.
        sku: Sku,
    },
}

impl Command for RegisterSku {
    const NAME: &'static str = "register-sku";
    type Answer = SkuAnswer;
    type Rejection = RegisterSkuRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if PATH_WORDS.contains(&self.sku.as_str()) {
            return Err(Invalid::field("/sku", "this word is part of a path, so its stock could not be asked for"));
        }
        self.details().check()
    }

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<SkuAnswer>, RegisterSkuRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        let details = self.details();
        let answer = |details, repeated| SkuAnswer { sku: self.sku.clone(), details, repeated };
        match &item.registered {
            Some(registered) if *registered == details => Ok(Decision::answer(answer(item.details.clone(), true))),
            Some(_) => Err(RegisterSkuRejection::Conflict { sku: self.sku.clone() }),
            None => {
                Ok(Decision::answer(answer(details.clone(), false)).record(&stream, StockEvent::Registered(details)))
            }
        }
    }
}

impl RegisterSku {
    fn details(&self) -> Details {
        Details { name: self.name.clone(), safety_stock: self.safety_stock, backorder_limit: self.backorder_limit }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;

    fn tea(safety_stock: i64) -> RegisterSku {
        RegisterSku { sku: Sku::parse("TEA").unwrap(), name: Some("Tea".into()), safety_stock, backorder_limit: 0 }
    }

    #[test]
    fn a_new_sku_is_registered_and_the_same_again_changes_nothing() {
        let stream = StockItem::stream(&tea(2).sku);
        let again = Given::nothing()
            .when(tea(2))
            .then_events(&stream, [StockEvent::Registered(tea(2).details())])
            .and_when(tea(2))
            .then_nothing();
        assert!(again.answer().repeated);
    }

    #[test]
    fn other_details_are_a_conflict() {
        let sku = tea(2).sku;
        let _ = Given::nothing().when(tea(2)).and_when(tea(3)).then_rejected(&RegisterSkuRejection::Conflict { sku });
    }

    #[test]
    fn bounds_are_checked_first() {
        let _ = Given::nothing().when(tea(-1)).then_invalid("/safetyStock");
        let _ = Given::nothing().when(RegisterSku { name: Some("".into()), ..tea(0) }).then_invalid("/name");
        let _ = Given::nothing()
            .when(RegisterSku { backorder_limit: 1_000_000_001, ..tea(0) })
            .then_invalid("/backorderLimit");
    }
}
