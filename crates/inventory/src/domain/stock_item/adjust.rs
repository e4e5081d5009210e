//! Adjust stock: changes what is on hand for a reason, by a delta or to a counted number.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{ON_HAND_MAX, StockEvent, StockItem};
use crate::domain::ids::{LocationId, QUANTITY_MAX, Sku};
use crate::domain::location::Location;
use crate::domain::reason::Reason;

/// The longest reference, in characters.
pub const REFERENCE_LENGTH_MAX: usize = 500;

/// Changes what is on hand at one location.
#[derive(Clone, Debug)]
pub struct Adjust {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// How it changes.
    pub change: Change,
    /// Why.
    pub reason: Reason,
    /// What it refers to, such as a delivery note; at most 500 characters.
    pub reference: Option<Arc<str>>,
}

/// How stock on hand changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By so many units: not 0, at most 1,000,000,000 either way.
    Delta(i64),
    /// To a counted number of units, if there still are as many as whoever counted believed.
    Set {
        /// What is on hand from now on, 0 to 1,000,000,000,000.
        to: i64,
        /// What must be on hand for it.
        expected: i64,
    },
}

/// What a change of stock on hand leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OnHandChanged {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// Units added (negative: taken away).
    pub delta: i64,
    /// Units on hand at the location now.
    pub on_hand: i64,
    /// Units of the SKU available now, over all locations.
    pub available: i64,
}

/// Why stock is not adjusted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdjustRejection {
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
    /// Stock moved since it was counted: count again.
    #[error("expected {expected} on hand, found {actual}: count again")]
    StockChanged {
        /// What the command counted on.
        expected: i64,
        /// What is there.
        actual: i64,
    },
    /// There are fewer units than would be taken away.
    #[error("{on_hand} on hand at {location}: cannot change that by {delta}")]
    BelowZero {
        /// The location.
        location: LocationId,
        /// Units on hand there.
        on_hand: i64,
        /// The change asked for.
        delta: i64,
    },
    /// It would leave less than is promised: release or move reservations first.
    #[error(
        "{promised} units are promised, {on_hand} on hand and {backorder_limit} on backorder: cannot change that by {delta}"
    )]
    Promised {
        /// Units reserved, committed or damaged, over all locations.
        promised: i64,
        /// Units on hand, over all locations.
        on_hand: i64,
        /// Units that may be promised beyond that.
        backorder_limit: i64,
        /// The change asked for.
        delta: i64,
    },
    /// It would exceed 1,000,000,000,000 units at one location.
    #[error("{on_hand} on hand at {location}: {delta} more would exceed 1,000,000,000,000")]
    TooMuch {
        /// The location.
        location: LocationId,
        /// Units on hand there.
        on_hand: i64,
        /// The change asked for.
        delta: i64,
    },
    /// It would leave less than is damaged and in quality control there: regrade those units first.
    #[error(
        "{on_hand} on hand at {location}, {unsold} of them damaged or in quality control: cannot change that by {delta}"
    )]
    KeptUnsold {
        /// The location.
        location: LocationId,
        /// Units on hand there.
        on_hand: i64,
        /// Units there that are damaged or in quality control.
        unsold: i64,
        /// The change asked for.
        delta: i64,
    },
}

impl Command for Adjust {
    const NAME: &'static str = "adjust";
    type Answer = OnHandChanged;
    type Rejection = AdjustRejection;

    fn validate(&self) -> Result<(), Invalid> {
        match self.change {
            Change::Delta(delta) if delta == 0 || !(-QUANTITY_MAX..=QUANTITY_MAX).contains(&delta) => {
                return Err(Invalid::field("/delta", "not 0, and at most 1,000,000,000 either way"));
            }
            Change::Set { to, .. } if !(0..=ON_HAND_MAX).contains(&to) => {
                return Err(Invalid::field("/set", "a whole number from 0 to 1,000,000,000,000"));
            }
            Change::Set { expected, .. } if !(0..=ON_HAND_MAX).contains(&expected) => {
                return Err(Invalid::field("/expected", "a whole number from 0 to 1,000,000,000,000"));
            }
            Change::Delta(_) | Change::Set { .. } => {}
        }
        check_reference(self.reference.as_deref())
    }

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku)).and_all(Location::stream_unless_main(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OnHandChanged>, AdjustRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        known(states, &item, &self.sku, &self.location)?;
        let on_hand = item.level(&self.location).on_hand;
        let delta = match self.change {
            Change::Delta(delta) => delta,
            Change::Set { to, expected } if expected == on_hand => to - on_hand,
            Change::Set { expected, .. } => return Err(AdjustRejection::StockChanged { expected, actual: on_hand }),
        };
        let answer = change(&item, &self.sku, &self.location, delta)?;
        let decision = Decision::answer(answer);
        if delta == 0 {
            return Ok(decision);
        }
        let (location, reference) = (self.location.clone(), self.reference.clone());
        Ok(decision.record(&stream, StockEvent::Adjusted { location, delta, reason: self.reason, reference }))
    }
}

/// Refuses a reference that is too long.
pub(super) fn check_reference(reference: Option<&str>) -> Result<(), Invalid> {
    match reference {
        Some(reference) if reference.chars().count() > REFERENCE_LENGTH_MAX => {
            Err(Invalid::field("/referenceUri", "at most 500 characters"))
        }
        _ => Ok(()),
    }
}

/// Refuses a SKU or a location that nobody registered.
pub(super) fn known(
    states: &States<'_>,
    item: &StockItem,
    sku: &Sku,
    location: &LocationId,
) -> Result<(), AdjustRejection> {
    if !item.is_registered() {
        return Err(AdjustRejection::UnknownSku { sku: sku.clone() });
    }
    if !Location::is_known(states, location) {
        return Err(AdjustRejection::UnknownLocation { location: location.clone() });
    }
    Ok(())
}

/// What a change of stock on hand would leave, if the promises already made allow it.
pub(in crate::domain) fn change(
    item: &StockItem,
    sku: &Sku,
    location: &LocationId,
    delta: i64,
) -> Result<OnHandChanged, AdjustRejection> {
    let (total, backorder_limit) = (item.total(), item.details.backorder_limit);
    let (on_hand, unsold) = (item.level(location).on_hand, item.level(location).unsold());
    if on_hand + delta < 0 {
        return Err(AdjustRejection::BelowZero { location: location.clone(), on_hand, delta });
    }
    if on_hand + delta > ON_HAND_MAX {
        return Err(AdjustRejection::TooMuch { location: location.clone(), on_hand, delta });
    }
    if delta < 0 && on_hand + delta < unsold {
        return Err(AdjustRejection::KeptUnsold { location: location.clone(), on_hand, unsold, delta });
    }
    if delta < 0 && total.on_hand + delta + backorder_limit < total.unavailable() {
        let (promised, on_hand) = (total.unavailable(), total.on_hand);
        return Err(AdjustRejection::Promised { promised, on_hand, backorder_limit, delta });
    }
    let available = item.available() + delta;
    Ok(OnHandChanged { sku: sku.clone(), location: location.clone(), delta, on_hand: on_hand + delta, available })
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::{Details, Disposition, Hold};
    use super::*;
    use crate::domain::ids::{LineId, ReservationId};

    fn tea() -> Sku {
        Sku::parse("TEA").unwrap()
    }

    fn adjust(change: Change) -> Adjust {
        Adjust { sku: tea(), location: LocationId::main(), change, reason: Reason::CycleCount, reference: None }
    }

    /// 10 on hand, 6 of them held, 1 may be sold beyond.
    fn stock() -> Given {
        let main = LocationId::main();
        let hold = Hold {
            reservation: ReservationId::parse("r").unwrap(),
            line: LineId::parse("1").unwrap(),
            location: main.clone(),
            quantity: 6,
            expires_at: None,
            owner: None,
        };
        let details = Details { name: None, safety_stock: 0, backorder_limit: 1 };
        let replenished = StockEvent::Replenished { location: main, quantity: 10 };
        Given::nothing()
            .events(&StockItem::stream(&tea()), [StockEvent::Registered(details), replenished, StockEvent::Held(hold)])
    }

    #[test]
    fn a_delta_is_recorded_with_its_reason() {
        let adjusted = StockEvent::Adjusted {
            location: LocationId::main(),
            delta: -2,
            reason: Reason::CycleCount,
            reference: None,
        };
        let left = OnHandChanged { sku: tea(), location: LocationId::main(), delta: -2, on_hand: 8, available: 2 };
        let _ = stock()
            .when(adjust(Change::Delta(-2)))
            .then_events(&StockItem::stream(&tea()), [adjusted])
            .then_answer(&left);
    }

    #[test]
    fn a_count_is_taken_only_if_nothing_moved_since() {
        let changed = AdjustRejection::StockChanged { expected: 9, actual: 10 };
        let _ = stock().when(adjust(Change::Set { to: 8, expected: 9 })).then_rejected(&changed);
        assert_eq!(stock().when(adjust(Change::Set { to: 8, expected: 10 })).answer().delta, -2);
        let _ = stock().when(adjust(Change::Set { to: 10, expected: 10 })).then_nothing();
    }

    #[test]
    fn what_is_promised_cannot_be_taken_away() {
        assert!(stock().when(adjust(Change::Delta(-5))).result().is_ok());
        let promised = AdjustRejection::Promised { promised: 6, on_hand: 10, backorder_limit: 1, delta: -6 };
        let _ = stock().when(adjust(Change::Delta(-6))).then_rejected(&promised);
    }

    #[test]
    fn what_is_kept_unsold_is_not_adjusted_away() {
        let (location, reference) = (LocationId::main(), "ret-1".into());
        let returned = StockEvent::Returned { location, quantity: 3, disposition: Disposition::Damaged, reference };
        let main = LocationId::main();
        let stock = Given::nothing().events(
            &StockItem::stream(&tea()),
            [
                StockEvent::Registered(Details::default()),
                StockEvent::Replenished { location: main, quantity: 1 },
                returned,
            ],
        );
        assert!(stock.clone().when(adjust(Change::Delta(-1))).result().is_ok());
        let kept = AdjustRejection::KeptUnsold { location: LocationId::main(), on_hand: 4, unsold: 3, delta: -2 };
        let _ = stock.when(adjust(Change::Delta(-2))).then_rejected(&kept);
    }

    #[test]
    fn no_level_goes_below_zero_or_beyond_its_bound() {
        let below = AdjustRejection::BelowZero { location: LocationId::main(), on_hand: 10, delta: -11 };
        let _ = stock().when(adjust(Change::Delta(-11))).then_rejected(&below);
        let full = stock().when(adjust(Change::Set { to: ON_HAND_MAX, expected: 10 }));
        let beyond = AdjustRejection::TooMuch { location: LocationId::main(), on_hand: ON_HAND_MAX, delta: 1 };
        let _ = full.and_when(adjust(Change::Delta(1))).then_rejected(&beyond);
    }

    #[test]
    fn unknown_skus_locations_and_wrong_numbers_are_refused() {
        let unknown = AdjustRejection::UnknownSku { sku: tea() };
        let _ = Given::nothing().when(adjust(Change::Delta(1))).then_rejected(&unknown);
        let location = LocationId::parse("nowhere").unwrap();
        let there = Adjust { location: location.clone(), ..adjust(Change::Delta(1)) };
        let _ = stock().when(there).then_rejected(&AdjustRejection::UnknownLocation { location });
        let _ = stock().when(adjust(Change::Delta(0))).then_invalid("/delta");
        let _ = stock().when(adjust(Change::Delta(i64::MIN))).then_invalid("/delta");
        let _ = stock().when(adjust(Change::Set { to: -1, expected: 0 })).then_invalid("/set");
        let _ = stock().when(adjust(Change::Set { to: 1, expected: -1 })).then_invalid("/expected");
        let long = Adjust { reference: Some("x".repeat(501).into()), ..adjust(Change::Delta(1)) };
        let _ = stock().when(long).then_invalid("/referenceUri");
    }
}
