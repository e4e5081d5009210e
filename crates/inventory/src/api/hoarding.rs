//! What a credential may hold back is checked before a hold is decided, and followed by what is answered.

use std::sync::Arc;
use std::time::Duration;

use comanda_web::{Call, Problem, kinds};
use cqrs::{Answered, Clock, CommandError, SystemClock, Timestamp};

use super::parse::Place;
use super::problems;
use crate::application::hold_book::{HoldBook, Item, Taken, TooMany};
use crate::domain::reservation::reserve::Reserve;
use crate::domain::reservation::reserve_item::ReserveItem;
use crate::domain::reservation::{ReservationAnswer, ReservationState, ReservationView};

/// A hold ends a little later than its time counted from here: its time begins when it is decided.
const LEEWAY: Duration = Duration::from_secs(30);

/// Takes what `command` asks for, if the caller's holds are bounded; `at` is where it stands in the body.
pub(super) fn take(book: &HoldBook, call: &Call, command: &Reserve, at: Place) -> Result<Option<Taken>, Problem> {
    check_time(call, command.ttl, at)?;
    let units = command.lines.iter().map(|line| line.quantity.units().unsigned_abs()).sum();
    take_units(book, call, (command.reservation_id.as_str(), ""), units, command.ttl)
}

/// The same for an item of the short paths.
pub(super) fn take_item(book: &HoldBook, call: &Call, command: &ReserveItem) -> Result<Option<Taken>, Problem> {
    check_time(call, None, Place::Whole)?;
    let item = (command.reservation_id.as_str(), command.sku.as_str());
    take_units(book, call, item, command.quantity.units().unsigned_abs(), None)
}

pub(super) fn item_of(reservation: &str, item: &str) -> Item {
    (reservation.into(), item.into())
}

/// Refuses a hold that lasts longer than the caller's may; one without `ttl` has no end.
pub(super) fn check_time(call: &Call, ttl: Option<Duration>, at: Place) -> Result<(), Problem> {
    let Some(seconds) = call.caller().and_then(|caller| caller.holds.seconds_max) else { return Ok(()) };
    if ttl.is_some_and(|ttl| ttl <= Duration::from_secs(seconds)) {
        return Ok(());
    }
    let detail = format!("your credential holds stock for at most {seconds} seconds at a time: say 1 to {seconds}");
    Err(Problem::at(kinds::INVALID_FIELDS, format!("{at}/ttlSeconds"), detail))
}

fn take_units(
    book: &HoldBook,
    call: &Call,
    (reservation, item): (&str, &str),
    units: u64,
    ttl: Option<Duration>,
) -> Result<Option<Taken>, Problem> {
    let Some(caller) = call.caller() else { return Ok(None) };
    let Some(units_max) = caller.holds.units_max else { return Ok(None) };
    let now = SystemClock.now();
    let ends = ttl.map_or(Timestamp::MAX, |ttl| now.saturating_add(ttl.saturating_add(LEEWAY)));
    book.take(&caller.actor, units_max, item_of(reservation, item), units, ends, now).map(Some).map_err(|TooMany { held }| {
        let detail = format!(
            "Your credential holds {held} units and may hold {units_max}; {units} more were asked for, and nothing was held. \
             Confirm or release some, or wait for their end."
        );
        Problem::new(problems::HOLDS_TOO_MUCH, detail)
    })
}

/// Keeps or gives back what was taken, as was decided.
pub(super) fn settle<R>(taken: Option<Taken>, decided: &Result<Answered<ReservationAnswer>, CommandError<R>>) {
    let Some(taken) = taken else { return };
    match decided {
        Ok(answered) => {
            let (units, ends) = held(&answered.answer.reservation);
            taken.granted(units, ends);
        }
        Err(
            CommandError::Rejected(_)
            | CommandError::Invalid(_)
            | CommandError::VersionMismatch { .. }
            | CommandError::KeyReused
            | CommandError::Overloaded,
        ) => taken.refused(),
        // Whether it is held is not known: it counts as if it were.
        Err(_) => drop(taken),
    }
}

/// The same for an item of a reservation that may have others.
pub(super) fn settle_item<R>(
    taken: Option<Taken>,
    units: i64,
    decided: &Result<Answered<ReservationAnswer>, CommandError<R>>,
) {
    match (taken, decided) {
        (Some(taken), Ok(answered)) => {
            let (all, ends) = held(&answered.answer.reservation);
            taken.granted(all.min(units.unsigned_abs()), ends);
        }
        (taken, decided) => settle(taken, decided),
    }
}

/// Follows what a command has made of a reservation.
pub(super) fn follow(book: &HoldBook, reservation: &ReservationView) {
    let id: Arc<str> = reservation.reservation_id.as_str().into();
    match held(reservation) {
        (0, _) => book.ended(&id),
        (units, ends) => book.follow(&(id, "".into()), units, ends),
    }
}

/// The units that a reservation holds and has not committed, and until when.
fn held(reservation: &ReservationView) -> (u64, Timestamp) {
    let units = match reservation.state {
        ReservationState::Held | ReservationState::PartiallyHeld => {
            reservation.lines.iter().map(|line| line.held.unsigned_abs()).sum()
        }
        _ => 0,
    };
    (units, reservation.expires_at.unwrap_or(Timestamp::MAX))
}
