//! Why stock on hand changed, as a closed list of codes.

use serde::{Deserialize, Serialize};

/// The reason of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A mistake in the books is put right.
    Correction,
    /// A count showed another number.
    CycleCount,
    /// Damaged.
    Damaged,
    /// Past its date.
    Expired,
    /// Found again.
    Found,
    /// Not to be found.
    Lost,
    /// Stolen.
    Stolen,
    /// Thrown away.
    Scrapped,
    /// Received from a supplier.
    Received,
    /// Put back on the shelf.
    Restock,
    /// Gone without a known cause.
    Shrinkage,
    /// Given away.
    Promotion,
    /// Taken for, or given back by, quality control.
    QualityControl,
    /// Moved from or to another place.
    Movement,
    /// Anything else.
    Other,
}

impl Reason {
    /// The code, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::CycleCount => "cycle_count",
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Found => "found",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Scrapped => "scrapped",
            Self::Received => "received",
            Self::Restock => "restock",
            Self::Shrinkage => "shrinkage",
            Self::Promotion => "promotion",
            Self::QualityControl => "quality_control",
            Self::Movement => "movement",
            Self::Other => "other",
        }
    }

    /// Whether the books were put right, rather than goods moved: what a count finds may be the same mistake.
    #[must_use]
    pub fn corrects(self) -> bool {
        match self {
            Self::Correction
            | Self::CycleCount
            | Self::Found
            | Self::Lost
            | Self::Stolen
            | Self::Shrinkage
            | Self::Other => true,
            Self::Damaged
            | Self::Expired
            | Self::Scrapped
            | Self::Received
            | Self::Restock
            | Self::Promotion
            | Self::QualityControl
            | Self::Movement => false,
        }
    }
}
