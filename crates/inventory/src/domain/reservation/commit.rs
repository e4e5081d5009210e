//! Commit: an order asks for stock and gets it at once, without end. A refusal is recorded too: it is the order's answer.

use std::convert::Infallible;

use cqrs::{Command, Decision, Invalid, States, Stream, Streams};

use super::order::{CommittedLine, ForOrder, LineShortfall, PickFrom, Refusal};
use super::reserve::unique;
use super::shelves::Shelves;
use super::{LINES_MAX, Line, Reservation, ReservationEvent, Stage};
use crate::domain::ids::{LineId, LocationId, Quantity, ReservationId, Sku};
use crate::domain::stock_item::{StockEvent, StockItem};

/// Commits stock to an attempt to serve an order, or records why not.
///
/// An attempt is answered once: the same request again changes nothing, even if it was refused and there is stock by now.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The order and its attempt, which give the reservation its id.
    pub order: ForOrder,
    /// What to commit: 1 to 2,000 lines.
    pub lines: Vec<CommitLine>,
    /// Whether to commit what is there when a line is short, or of an unknown SKU; otherwise it is all or nothing.
    pub allow_partial: bool,
}

/// One line, as asked for.
#[derive(Clone, Debug)]
pub struct CommitLine {
    /// Its id, unique in the order.
    pub line_id: LineId,
    /// What to commit. Several lines may name the same SKU.
    pub sku: Sku,
    /// How much of it.
    pub quantity: Quantity,
    /// Locations it must not come from.
    pub exclude: Vec<LocationId>,
}

/// What is known of an attempt when its request comes.
enum Heard {
    /// Nothing.
    Never,
    /// It has had its answer, which stands in the log.
    Answered,
    /// Something that bars it.
    Otherwise(Refusal),
}

impl Command for Commit {
    const NAME: &'static str = "commit";
    type Answer = ();
    type Rejection = Infallible;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=LINES_MAX).contains(&self.lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        unique(self.lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        Streams::one(&self.stream()).and_all(self.lines.iter().map(|line| StockItem::stream(&line.sku)))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Infallible> {
        let stream = self.stream();
        let reservation = states.of(&stream);
        match self.heard(&reservation) {
            Heard::Never => {}
            Heard::Answered => return Ok(Decision::answer(())),
            Heard::Otherwise(code) => return Ok(self.refuse(code, Vec::new())),
        }
        let id = self.reservation_id();
        let mut shelves = Shelves::new(states);
        let lines: Vec<CommittedLine> = self.lines.iter().map(|line| take(&id, line, &mut shelves)).collect();
        let short = lines.iter().any(|line| line.short.is_some());
        let nothing = lines.iter().all(|line| line.from.is_empty());
        if nothing || (short && !self.allow_partial) {
            return Ok(self.refuse_short(&lines));
        }
        let (order, allow_partial) = (self.order.clone(), self.allow_partial);
        let committed = ReservationEvent::Committed { order, lines, allow_partial };
        Ok(shelves.record_in(Decision::answer(()).record(&stream, committed)))
    }
}

impl Commit {
    /// The reservation's id.
    #[must_use]
    pub fn reservation_id(&self) -> ReservationId {
        ReservationId::of_attempt(&self.order.order_id, self.order.attempt)
    }

    fn stream(&self) -> Stream<Reservation> {
        let id = self.reservation_id();
        match self.lines.first() {
            Some(first) => Reservation::stream_beside(&id, &first.sku),
            None => Reservation::stream(&id),
        }
    }

    /// Whether the attempt was heard of before.
    fn heard(&self, found: &Reservation) -> Heard {
        let same_line = |(wish, line): (&CommitLine, &Line)| {
            wish.line_id == line.line_id && wish.sku == line.sku && wish.quantity.units() == line.requested
        };
        let same = || found.lines.len() == self.lines.len() && self.lines.iter().zip(found.lines.iter()).all(same_line);
        match (&found.order, found.stage) {
            (None, Stage::New) => Heard::Never,
            (None, Stage::Released) => Heard::Otherwise(Refusal::AlreadyReleased),
            (Some(_), _) if found.lines.is_empty() || same() => Heard::Answered,
            _ => Heard::Otherwise(Refusal::Conflict),
        }
    }

    fn refuse_short(&self, lines: &[CommittedLine]) -> Decision<()> {
        let short = lines.iter().filter(|line| line.short.is_some());
        let shortfalls = short.map(|line| LineShortfall {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            requested: line.requested,
            available: line.committed(),
        });
        let unknown = |line: &CommittedLine| line.short == Some(Refusal::UnknownSku);
        // Where less is welcome, an unknown SKU alone refuses nothing.
        let blamed = if self.allow_partial { lines.iter().all(unknown) } else { lines.iter().any(unknown) };
        let code = if blamed { Refusal::UnknownSku } else { Refusal::InsufficientStock };
        self.refuse(code, shortfalls.collect())
    }

    fn refuse(&self, code: Refusal, shortfalls: Vec<LineShortfall>) -> Decision<()> {
        refuse(&self.stream(), self.order.clone(), code, shortfalls)
    }
}

/// Commits what there is for one line.
fn take(id: &ReservationId, line: &CommitLine, shelves: &mut Shelves<'_>) -> CommittedLine {
    let requested = line.quantity.units();
    let item = shelves.item(&line.sku);
    let known = item.is_registered();
    let sourced = if known { item.source_without(&line.exclude, requested) } else { Vec::new() };
    let from = sourced.into_iter().map(|allocation| PickFrom {
        bin: item.bin(&allocation.location).cloned(),
        location: allocation.location,
        quantity: allocation.quantity,
    });
    let mut taken = CommittedLine {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        requested,
        from: from.collect(),
        short: None,
    };
    if taken.committed() < requested {
        taken.short = Some(if known { Refusal::InsufficientStock } else { Refusal::UnknownSku });
    }
    let kept = taken.line();
    for allocation in &kept.allocations {
        shelves.record(&line.sku, StockEvent::Committed(kept.hold(id, allocation, None)));
    }
    taken
}

/// Refuses a request that is wrong in itself, unless the attempt has had an answer.
#[derive(Clone, Debug)]
pub struct RefuseInvalid {
    /// The order and its attempt.
    pub order: ForOrder,
}

impl Command for RefuseInvalid {
    const NAME: &'static str = "refuse-invalid";
    type Answer = ();
    type Rejection = Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&self.stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Infallible> {
        let stream = self.stream();
        match states.of(&stream).order {
            Some(_) => Ok(Decision::answer(())),
            None => Ok(refuse(&stream, self.order.clone(), Refusal::Invalid, Vec::new())),
        }
    }
}

impl RefuseInvalid {
    fn stream(&self) -> Stream<Reservation> {
        Reservation::stream(&ReservationId::of_attempt(&self.order.order_id, self.order.attempt))
    }
}

fn refuse(
    stream: &Stream<Reservation>,
    order: ForOrder,
    code: Refusal,
    shortfalls: Vec<LineShortfall>,
) -> Decision<()> {
    Decision::answer(()).record(stream, ReservationEvent::Refused { order, code, shortfalls })
}

#[cfg(test)]
mod tests {
    use super::super::give_back::GiveBack;
    use super::*;
    use crate::domain::fixtures::{commit, counters, found, order, place, sku, stocked};
    use crate::domain::ids::Bin;
    use crate::domain::reservation::ReservationState;
    use crate::domain::stock_item::replenish::Replenish;

    fn committed(line: &str, id: &str, requested: i64, from: &[(&str, i64)]) -> CommittedLine {
        let from = from.iter().map(|&(location, quantity)| PickFrom { location: place(location), bin: None, quantity });
        let from: Vec<PickFrom> = from.collect();
        let all: i64 = from.iter().map(|from| from.quantity).sum();
        let short = (all < requested).then_some(Refusal::InsufficientStock);
        CommittedLine { line_id: crate::domain::fixtures::line(line), sku: sku(id), requested, from, short }
    }

    fn missing(line: &str, id: &str, requested: i64, available: i64) -> LineShortfall {
        LineShortfall { line_id: crate::domain::fixtures::line(line), sku: sku(id), requested, available }
    }

    fn refused(code: Refusal, shortfalls: Vec<LineShortfall>) -> ReservationEvent {
        ReservationEvent::Refused { order: order("o1", 1), code, shortfalls }
    }

    #[test]
    fn stock_is_committed_at_once_by_one_event_a_line_and_place_and_one_of_the_reservation() {
        let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 1), ("MUG", "berlin", 1)]);
        let request = commit("o1", &[("TEA", 2), ("MUG", 2)]);
        let stream = request.stream();
        let lines =
            vec![committed("1", "TEA", 2, &[("main", 2)]), committed("2", "MUG", 2, &[("main", 1), ("berlin", 1)])];
        let answer = ReservationEvent::Committed { order: order("o1", 1), lines, allow_partial: false };
        let given = stock.when(request.clone()).then_events(&stream, [answer]).given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 2, 0), (2, 2, 0)));
        let reservation = found(&given, "o1~1");
        assert_eq!(reservation.state(cqrs::Timestamp::MAX), ReservationState::Confirmed);
        let _ = given.when(request).then_nothing();
    }

    #[test]
    fn one_sku_on_two_lines_shares_its_stock() {
        let stock = stocked(&[("TEA", "main", 3)]);
        let request = commit("o1", &[("TEA", 2), ("TEA", 2)]);
        let refusal = refused(Refusal::InsufficientStock, vec![missing("2", "TEA", 2, 1)]);
        let _ = stock.clone().when(request.clone()).then_events(&request.stream(), [refusal]);
        let given = stock.when(Commit { allow_partial: true, ..request }).given();
        assert_eq!(counters(&given, "TEA"), (3, 3, 0));
    }

    #[test]
    fn a_refusal_holds_nothing_and_stands_even_if_stock_comes_later() {
        let request = commit("o1", &[("TEA", 1), ("MUG", 2)]);
        let refusal = refused(Refusal::InsufficientStock, vec![missing("2", "MUG", 2, 0)]);
        let given = stocked(&[("TEA", "main", 5), ("MUG", "main", 0)])
            .when(request.clone())
            .then_events(&request.stream(), [refusal])
            .given();
        assert_eq!(counters(&given, "TEA"), (5, 0, 0));
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::Rejected);
        let receipt = Replenish { sku: sku("MUG"), location: None, quantity: crate::domain::fixtures::units(9) };
        let later = given.when(receipt).and_when(request).then_nothing().given();
        let mut second = commit("o1", &[("TEA", 1), ("MUG", 2)]);
        second.order.attempt = 2;
        assert_eq!(counters(&later.when(second).given(), "MUG"), (9, 2, 0));
    }

    #[test]
    fn an_unknown_sku_refuses_the_whole_or_counts_as_nothing() {
        let stock = stocked(&[("TEA", "main", 5)]);
        let request = commit("o1", &[("NONE", 1), ("TEA", 2)]);
        let refusal = refused(Refusal::UnknownSku, vec![missing("1", "NONE", 1, 0)]);
        let _ = stock.clone().when(request.clone()).then_events(&request.stream(), [refusal]);
        let unknown = CommittedLine { short: Some(Refusal::UnknownSku), ..committed("1", "NONE", 1, &[]) };
        let lines = vec![unknown, committed("2", "TEA", 2, &[("main", 2)])];
        let answer = ReservationEvent::Committed { order: order("o1", 1), lines, allow_partial: true };
        let partial = Commit { allow_partial: true, ..request };
        let _ = stock.clone().when(partial).then_events(&commit("o1", &[("NONE", 1)]).stream(), [answer]);
        let none = Commit { allow_partial: true, ..commit("o1", &[("NONE", 1)]) };
        let refusal = refused(Refusal::UnknownSku, vec![missing("1", "NONE", 1, 0)]);
        let _ = stock.when(none.clone()).then_events(&none.stream(), [refusal]);
    }

    #[test]
    fn excluded_locations_are_left_out_and_bins_are_told() {
        let mut request = commit("o1", &[("TEA", 2)]);
        request.lines[0].exclude = vec![place("main")];
        let bin = Bin::parse("A-01-03-2").unwrap();
        let assigned = StockEvent::BinAssigned { location: place("berlin"), bin: bin.clone() };
        let given =
            stocked(&[("TEA", "main", 5), ("TEA", "berlin", 2)]).events(&StockItem::stream(&sku("TEA")), [assigned]);
        let mut line = committed("1", "TEA", 2, &[("berlin", 2)]);
        line.from[0].bin = Some(bin);
        let answer = ReservationEvent::Committed { order: order("o1", 1), lines: vec![line], allow_partial: false };
        let _ = given.when(request.clone()).then_events(&request.stream(), [answer]);
    }

    #[test]
    fn one_that_was_released_first_is_refused_once() {
        let request = commit("o1", &[("TEA", 2)]);
        let release = GiveBack { order: order("o1", 1), lines: Vec::new() };
        let given = stocked(&[("TEA", "main", 5)])
            .when(release)
            .and_when(request.clone())
            .then_events(&request.stream(), [refused(Refusal::AlreadyReleased, Vec::new())])
            .and_when(request)
            .then_nothing()
            .given();
        assert_eq!(counters(&given, "TEA"), (5, 0, 0));
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::Released);
    }

    #[test]
    fn other_content_under_the_same_attempt_is_a_conflict_and_changes_nothing() {
        let request = commit("o1", &[("TEA", 2)]);
        let given = stocked(&[("TEA", "main", 5)])
            .when(request.clone())
            .and_when(commit("o1", &[("TEA", 3)]))
            .then_events(&request.stream(), [refused(Refusal::Conflict, Vec::new())])
            .given();
        assert_eq!(counters(&given, "TEA"), (5, 2, 0));
        let invalid = RefuseInvalid { order: order("o1", 1) };
        let given = given.when(invalid).then_nothing().given();
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::Confirmed);
        let _ = given.when(commit("o1", &[])).then_invalid("/lines");
    }
}
