//! Assign a bin: says where inside a location a SKU lies, so that a pick list can have a route.

use cqrs::{Command, Decision, States, Streams};
use serde::{Deserialize, Serialize};

use super::{StockEvent, StockItem};
use crate::domain::ids::{Bin, LocationId, Sku};
use crate::domain::location::Location;

/// Puts a SKU into a bin of a location. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct AssignBin {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// The bin inside it.
    pub bin: Bin,
}

/// The bin of a SKU at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BinAnswer {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// The bin inside it.
    pub bin: Bin,
    /// Whether it was there already.
    pub repeated: bool,
}

/// Why a bin is not assigned.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignBinRejection {
    /// No such SKU.
    #[error("SKU {sku} is not registered")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
}

impl Command for AssignBin {
    const NAME: &'static str = "assign-bin";
    type Answer = BinAnswer;
    type Rejection = AssignBinRejection;

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku)).and_all(Location::stream_unless_main(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<BinAnswer>, AssignBinRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        let Self { sku, location, bin } = self.clone();
        if !Location::is_known(states, &location) {
            return Err(AssignBinRejection::UnknownLocation { location });
        }
        if !item.is_registered() {
            return Err(AssignBinRejection::UnknownSku { sku });
        }
        let repeated = item.bin(&location) == Some(&bin);
        let answer = BinAnswer { sku, location: location.clone(), bin: bin.clone(), repeated };
        let decision = Decision::answer(answer);
        Ok(if repeated { decision } else { decision.record(&stream, StockEvent::BinAssigned { location, bin }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{place, sku, stocked};

    fn assign(id: &str, location: &str, bin: &str) -> AssignBin {
        AssignBin { sku: sku(id), location: place(location), bin: Bin::parse(bin).unwrap() }
    }

    #[test]
    fn a_bin_is_assigned_once_and_can_be_changed() {
        let stream = StockItem::stream(&sku("TEA"));
        let at = |bin| StockEvent::BinAssigned { location: place("berlin"), bin: Bin::parse(bin).unwrap() };
        let again = stocked(&[("TEA", "berlin", 5)])
            .when(assign("TEA", "berlin", "A-01"))
            .then_events(&stream, [at("A-01")])
            .and_when(assign("TEA", "berlin", "A-01"))
            .then_nothing();
        assert!(again.answer().repeated);
        let given = again.and_when(assign("TEA", "berlin", "B-02-1")).then_events(&stream, [at("B-02-1")]).given();
        assert_eq!(given.state(&stream).bin(&place("berlin")).map(Bin::as_str), Some("B-02-1"));
        assert_eq!(given.state(&stream).bin(&place("main")), None);
    }

    #[test]
    fn unknown_skus_and_locations_are_refused() {
        let stock = stocked(&[("TEA", "main", 5)]);
        let unknown = AssignBinRejection::UnknownSku { sku: sku("MUG") };
        let _ = stock.clone().when(assign("MUG", "main", "A")).then_rejected(&unknown);
        let unknown = AssignBinRejection::UnknownLocation { location: place("nowhere") };
        let _ = stock.when(assign("TEA", "nowhere", "A")).then_rejected(&unknown);
    }
}
