//! Cycle counts as the contract writes them: one shape for whoever counts, one for whoever reviews.

use comanda_contracts as contract;

use crate::domain::cycle_count::{CountLine, CountState, CycleCount};
use crate::domain::ids::{ActorId, CountId};
use crate::read_models::counts::CountRow;

/// The count without what the books expect.
pub(super) fn count(id: &CountId, count: &CycleCount) -> contract::Count {
    contract::Count {
        count_id: id.as_str().to_owned(),
        location_id: count.location().as_str().to_owned(),
        state: state(count.state()),
        requested_by: count.requested_by().map(actor),
        reviewed_by: count.reviewed_by().map(actor),
        lines: count.lines().iter().map(line).collect(),
    }
}

fn line(line: &CountLine) -> contract::CountLine {
    contract::CountLine {
        sku: line.expected.sku.as_str().to_owned(),
        bin: line.expected.bin.as_ref().map(|bin| bin.as_str().to_owned()),
        counted: line.tally.as_ref().map(|(_, tally)| tally.counted),
        counted_by: line.tally.as_ref().map(|(by, _)| actor(by)),
        rounds: line.rounds,
    }
}

/// The count with all that was found.
pub(super) fn differences(id: &CountId, count: &CycleCount) -> contract::CountDifferences {
    contract::CountDifferences {
        count_id: id.as_str().to_owned(),
        location_id: count.location().as_str().to_owned(),
        state: state(count.state()),
        tolerance: count.tolerance(),
        needs_another_reviewer: count.needs_another(),
        reviewed_by: count.reviewed_by().map(actor),
        lines: count.lines().iter().map(difference).collect(),
    }
}

fn difference(line: &CountLine) -> contract::CountDifference {
    let tally = line.tally.as_ref().map(|(_, tally)| tally);
    contract::CountDifference {
        sku: line.expected.sku.as_str().to_owned(),
        bin: line.expected.bin.as_ref().map(|bin| bin.as_str().to_owned()),
        expected: line.expected.expected,
        booked: tally.map(|tally| tally.booked),
        counted: tally.map(|tally| tally.counted),
        difference: line.difference(),
        counted_by: line.tally.as_ref().map(|(by, _)| actor(by)),
        moved_since: line.applied.as_ref().map(|applied| applied.moved_since),
        on_hand: line.applied.as_ref().map(|applied| applied.on_hand),
    }
}

/// The count as an item of a list.
pub(super) fn summary(row: CountRow) -> contract::CountSummary {
    let lines = row.count.lines();
    contract::CountSummary {
        count_id: row.count_id.as_str().to_owned(),
        location_id: row.location().as_str().to_owned(),
        state: state(row.state()),
        lines: lines.len() as u64,
        counted: lines.iter().filter(|line| line.tally.is_some()).count() as u64,
        requested_at: row.requested_at.to_rfc3339(),
        updated_at: row.updated_at.to_rfc3339(),
    }
}

fn actor(actor: &ActorId) -> String {
    actor.as_str().to_owned()
}

fn state(state: CountState) -> contract::CountState {
    match state {
        CountState::Requested => contract::CountState::Requested,
        CountState::Counted => contract::CountState::Counted,
        CountState::Reviewed => contract::CountState::Reviewed,
        CountState::Applied => contract::CountState::Applied,
        CountState::Cancelled => contract::CountState::Cancelled,
    }
}

/// The state that a filter names.
pub(super) fn read_state(state: contract::CountState) -> CountState {
    match state {
        contract::CountState::Requested => CountState::Requested,
        contract::CountState::Counted => CountState::Counted,
        contract::CountState::Reviewed => CountState::Reviewed,
        contract::CountState::Applied => CountState::Applied,
        contract::CountState::Cancelled => CountState::Cancelled,
    }
}
