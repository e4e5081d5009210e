//! Request a transfer: somebody wants goods at another location. Nothing moves yet, and nothing is held for it.

use cqrs::{Aggregate, Command, Decision, Invalid, States, Stream, Streams};

use super::{RequestedLine, Transfer, TransferAnswer, TransferEvent};
use crate::domain::ids::{LineId, LocationId, Quantity, Sku, TransferId};
use crate::domain::location::Location;
use crate::domain::reservation::reserve::unique;
use crate::domain::reservation::{LINES_MAX, Shelves};
use crate::domain::stock_item::StockItem;

/// Asks for goods. The same id with the same content changes nothing and succeeds again, whatever became of it since.
#[derive(Clone, Debug)]
pub struct RequestTransfer {
    /// The client's id for it.
    pub transfer_id: TransferId,
    /// Where they are.
    pub from: LocationId,
    /// Where they are to go; another location.
    pub to: LocationId,
    /// What is to go: 1 to 2,000 lines.
    pub lines: Vec<TransferLine>,
}

/// One line that is to go.
#[derive(Clone, Debug)]
pub struct TransferLine {
    /// Its id, unique in the transfer.
    pub line_id: LineId,
    /// What is to go. Several lines may name the same SKU.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Why a transfer is not requested.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestTransferRejection {
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
    /// The id is taken by a transfer of other content: use a new one.
    #[error("transfer {transfer_id} exists with other content")]
    IdConflict {
        /// The id.
        transfer_id: TransferId,
    },
}

impl Command for RequestTransfer {
    const NAME: &'static str = "request-transfer";
    type Answer = TransferAnswer;
    type Rejection = RequestTransferRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.from == self.to {
            return Err(Invalid::field("/toLocationId", "is where the goods are already: name another location"));
        }
        if !(1..=LINES_MAX).contains(&self.lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        unique(self.lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        Streams::one(&self.stream())
            .and_all(self.lines.iter().map(|line| StockItem::stream(&line.sku)))
            .and_all([&self.from, &self.to].into_iter().filter_map(Location::stream_unless_main))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<TransferAnswer>, RequestTransferRejection> {
        let stream = self.stream();
        let transfer = states.of(&stream);
        if transfer.exists() {
            return if self.is_same(&transfer) {
                Ok(Decision::answer(TransferAnswer { transfer: transfer.view(&self.transfer_id), repeated: true }))
            } else {
                Err(RequestTransferRejection::IdConflict { transfer_id: self.transfer_id.clone() })
            };
        }
        self.check_known(states)?;
        let line = |line: &TransferLine| RequestedLine {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity.units(),
        };
        let (from, to) = (self.from.clone(), self.to.clone());
        let requested = TransferEvent::Requested { from, to, lines: self.lines.iter().map(line).collect() };
        let mut after = Transfer::default();
        after.apply(&requested);
        let answer = TransferAnswer { transfer: after.view(&self.transfer_id), repeated: false };
        Ok(Decision::answer(answer).record(&stream, requested))
    }
}

impl RequestTransfer {
    fn stream(&self) -> Stream<Transfer> {
        Transfer::stream_beside(&self.transfer_id, self.lines.first().map(|line| &line.sku))
    }

    fn is_same(&self, found: &Transfer) -> bool {
        let same_line = |(wish, line): (&TransferLine, &super::Line)| {
            wish.line_id == line.line_id && wish.sku == line.sku && wish.quantity.units() == line.quantity
        };
        found.from.as_ref() == Some(&self.from)
            && found.to.as_ref() == Some(&self.to)
            && found.lines.len() == self.lines.len()
            && self.lines.iter().zip(&found.lines).all(same_line)
    }

    fn check_known(&self, states: &States<'_>) -> Result<(), RequestTransferRejection> {
        for location in [&self.from, &self.to] {
            if !Location::is_known(states, location) {
                return Err(RequestTransferRejection::UnknownLocation { location: location.clone() });
            }
        }
        let mut shelves = Shelves::new(states);
        for (line, TransferLine { sku, .. }) in self.lines.iter().enumerate() {
            if !shelves.item(sku).is_registered() {
                return Err(RequestTransferRejection::UnknownSku { line, sku: sku.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{line, place, sku, stocked, transfer, transfer_id};
    use crate::domain::transfer::TransferState;

    #[test]
    fn a_request_moves_nothing_and_is_known_again() {
        let stock = stocked(&[("TEA", "main", 5), ("TEA", "berlin", 0)]);
        let first = stock.when(transfer("t", &[("TEA", 4)])).then_events(&StockItem::stream(&sku("TEA")), []);
        assert_eq!(first.answer().transfer.state, TransferState::Requested);
        let again = first.and_when(transfer("t", &[("TEA", 4)])).then_nothing();
        assert!(again.answer().repeated);
        let conflict = RequestTransferRejection::IdConflict { transfer_id: transfer_id("t") };
        let given = again.and_when(transfer("t", &[("TEA", 3)])).then_nothing().then_rejected(&conflict).given();
        let back = RequestTransfer { from: place("berlin"), to: place("main"), ..transfer("t", &[("TEA", 4)]) };
        let _ = given.when(back).then_rejected(&conflict);
    }

    #[test]
    fn unknown_skus_and_locations_and_wrong_shapes_are_refused() {
        let stock = stocked(&[("TEA", "main", 5), ("TEA", "berlin", 0)]);
        let unknown = RequestTransferRejection::UnknownSku { line: 1, sku: sku("MUG") };
        let _ = stock.clone().when(transfer("t", &[("TEA", 1), ("MUG", 1)])).then_rejected(&unknown);
        let there = RequestTransfer { to: place("nowhere"), ..transfer("t", &[("TEA", 1)]) };
        let unknown = RequestTransferRejection::UnknownLocation { location: place("nowhere") };
        let _ = stock.clone().when(there).then_rejected(&unknown);
        let here = RequestTransfer { to: place("main"), ..transfer("t", &[("TEA", 1)]) };
        let _ = stock.clone().when(here).then_invalid("/toLocationId");
        let _ = stock.clone().when(transfer("t", &[])).then_invalid("/lines");
        let mut twice = transfer("t", &[("TEA", 1), ("TEA", 1)]);
        twice.lines[1].line_id = line("1");
        let _ = stock.when(twice).then_invalid("/lines/1/lineId");
    }
}
