//! What opens a receipt, announced or not: which streams it needs, what is refused, and what the same request again gets.

use cqrs::{Decision, Invalid, States, Stream, Streams};

use super::{Receipt, ReceiptAnswer};
use crate::domain::ids::{LineId, LocationId, ReceiptId, Sku};
use crate::domain::location::Location;
use crate::domain::reservation::reserve::unique;
use crate::domain::reservation::{LINES_MAX, Shelves};
use crate::domain::stock_item::StockItem;
use crate::domain::stock_item::adjust::REFERENCE_LENGTH_MAX;

/// Why goods are not announced, or not booked in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenRejection {
    /// No such SKU.
    #[error("line {line}: SKU {sku} is not registered")]
    UnknownSku {
        /// The line's place, from 0.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
    /// The id is taken by a receipt of other content: use a new one.
    #[error("receipt {receipt_id} exists with other content")]
    IdConflict {
        /// The id.
        receipt_id: ReceiptId,
    },
    /// The SKU is expected on 200 dates already: bring deliveries together under fewer.
    #[error("SKU {sku} is expected on 200 dates already")]
    TooManyDates {
        /// The SKU.
        sku: Sku,
    },
    /// It would exceed 1,000,000,000,000 units at one location.
    #[error("{on_hand} of SKU {sku} on hand at {location}: {quantity} more would exceed 1,000,000,000,000")]
    TooMuch {
        /// The SKU.
        sku: Sku,
        /// The location.
        location: LocationId,
        /// Units on hand there.
        on_hand: i64,
        /// Units that came.
        quantity: i64,
    },
}

/// The streams of `receipt`, of its location, and of its SKUs.
pub(super) fn streams<'l>(
    receipt: &Stream<Receipt>,
    location: &LocationId,
    skus: impl Iterator<Item = &'l Sku>,
) -> Streams {
    Streams::one(receipt).and_all(skus.map(StockItem::stream)).and_all(Location::stream_unless_main(location))
}

/// What opening a receipt gets that exists: the same success if it is the `same`, else a conflict.
pub(super) fn again(found: &Receipt, id: &ReceiptId, same: bool) -> Result<Decision<ReceiptAnswer>, OpenRejection> {
    if !same {
        return Err(OpenRejection::IdConflict { receipt_id: id.clone() });
    }
    Ok(Decision::answer(ReceiptAnswer { receipt: found.view(id), repeated: true }))
}

/// Checks what a receipt says of itself.
pub(super) fn check_shape<'l>(
    supplier_reference: Option<&str>,
    line_ids: impl ExactSizeIterator<Item = &'l LineId>,
) -> Result<(), Invalid> {
    if !(1..=LINES_MAX).contains(&line_ids.len()) {
        return Err(Invalid::field("/lines", "1 to 2,000 lines"));
    }
    if supplier_reference.is_some_and(|text| text.chars().count() > REFERENCE_LENGTH_MAX) {
        return Err(Invalid::field("/supplierReference", "at most 500 characters"));
    }
    unique(line_ids)
}

/// Refuses SKUs or a location that nobody registered.
pub(super) fn check_known<'l>(
    states: &States<'_>,
    shelves: &mut Shelves<'_>,
    location: &LocationId,
    skus: impl Iterator<Item = &'l Sku>,
) -> Result<(), OpenRejection> {
    if !Location::is_known(states, location) {
        return Err(OpenRejection::UnknownLocation { location: location.clone() });
    }
    for (line, sku) in skus.enumerate() {
        if !shelves.item(sku).is_registered() {
            return Err(OpenRejection::UnknownSku { line, sku: sku.clone() });
        }
    }
    Ok(())
}
