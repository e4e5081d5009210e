//! What condition units are in: sold, or kept and not sold; and how units that are not sold may leave.

use serde::{Deserialize, Serialize};

use super::Level;

/// The condition of units on hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// Fit for sale.
    Sellable,
    /// Damaged: kept, and not sold.
    Damaged,
    /// In quality control: kept, and not sold until somebody has looked.
    QualityControl,
}

/// What becomes of units that change their condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// They are fit for sale.
    Sellable,
    /// They are damaged.
    Damaged,
    /// They are in quality control.
    QualityControl,
    /// They are thrown away.
    Scrapped,
    /// They go back to whom they were bought from.
    ReturnedToSupplier,
}

impl Condition {
    /// What `units` in this condition add to the counters.
    #[must_use]
    pub fn adds(self, units: i64) -> Level {
        let kept = Level { on_hand: units, ..Level::default() };
        match self {
            Self::Sellable => kept,
            Self::Damaged => Level { damaged: units, ..kept },
            Self::QualityControl => Level { quality_control: units, ..kept },
        }
    }

    /// Units of `level` in this condition that nobody was promised.
    #[must_use]
    pub fn count(self, level: &Level) -> i64 {
        match self {
            Self::Sellable => level.free(),
            Self::Damaged => level.damaged,
            Self::QualityControl => level.quality_control,
        }
    }
}

impl Fate {
    /// The condition they are kept in; none if they leave.
    #[must_use]
    pub fn kept(self) -> Option<Condition> {
        match self {
            Self::Sellable => Some(Condition::Sellable),
            Self::Damaged => Some(Condition::Damaged),
            Self::QualityControl => Some(Condition::QualityControl),
            Self::Scrapped | Self::ReturnedToSupplier => None,
        }
    }

    /// What becomes of the counters when `units` go there from `from`.
    #[must_use]
    pub fn moves(self, from: Condition, units: i64) -> Level {
        let gone = from.adds(-units);
        self.kept().map_or(gone, |kept| gone.plus(kept.adds(units)))
    }
}
