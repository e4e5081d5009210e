//! What a credential may hold back is checked before a hold is decided, and followed by what is answered.

use std::sync::Arc;
use std::time::Duration;

use comanda_web::{Call, Problem, kinds};
use cqrs::{Answered, Clock, CommandError, SystemClock, Timestamp};

use super::parse::Place;
use super::problems;
use crate::application::hold_book::{HoldBook, Item, Taken, TooMany};
use crate::domain::ids::ReservationId;
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

/// What becomes of a command on a reservation.
type Decided<R> = Result<Answered<ReservationAnswer>, CommandError<R>>;

/// Waits for the decision on what was taken, and settles it.
pub(super) async fn settled<R: Send + 'static>(
    taken: Option<Taken>,
    decided: impl Future<Output = Decided<R>> + Send + 'static,
) -> Decided<R> {
    let Some(taken) = taken else { return decided.await };
    to_the_end(decided, |decided| settle(Some(taken), decided)).await
}

/// The same for `units` of an item of a reservation that may have others.
pub(super) async fn settled_item<R: Send + 'static>(
    taken: Option<Taken>,
    units: i64,
    decided: impl Future<Output = Decided<R>> + Send + 'static,
) -> Decided<R> {
    let Some(taken) = taken else { return decided.await };
    to_the_end(decided, move |decided| settle_item(Some(taken), units, decided)).await
}

/// Waits for what a command makes of reservation `id`, and follows it.
pub(super) async fn followed<R: Send + 'static>(
    book: &HoldBook,
    id: &ReservationId,
    decided: impl Future<Output = Decided<R>> + Send + 'static,
) -> Decided<R> {
    if !book.knows(id.as_str()) {
        return decided.await;
    }
    let book = book.clone();
    let follow = move |decided: &Decided<R>| {
        if let Ok(answered) = decided {
            follow(&book, &answered.answer.reservation);
        }
    };
    to_the_end(decided, follow).await
}

/// Waits for the release of an item of a reservation, after which nothing of it counts.
pub(super) async fn released_item<R: Send + 'static>(
    book: &HoldBook,
    item: Item,
    decided: impl Future<Output = Decided<R>> + Send + 'static,
) -> Decided<R> {
    if !book.knows(&item.0) {
        return decided.await;
    }
    let book = book.clone();
    let follow = move |decided: &Decided<R>| {
        if decided.is_ok() {
            book.follow(&item, 0, Timestamp::EPOCH);
        }
    };
    to_the_end(decided, follow).await
}

/// Waits for a decision in a task of its own: `then` is done with it also if the caller hangs up meanwhile.
async fn to_the_end<R: Send + 'static>(
    decided: impl Future<Output = Decided<R>> + Send + 'static,
    then: impl FnOnce(&Decided<R>) + Send + 'static,
) -> Decided<R> {
    let waits = async move {
        let decided = decided.await;
        then(&decided);
        decided
    };
    tokio::spawn(waits).await.unwrap_or_else(|cause| Err(CommandError::Broken(cause.to_string())))
}

/// Keeps or gives back what was taken, as was decided.
pub(super) fn settle<R>(taken: Option<Taken>, decided: &Decided<R>) {
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
            | CommandError::Overloaded
            | CommandError::DeadlineExceeded,
        ) => taken.refused(),
        // Whether it is held is not known: it counts as if it were.
        Err(_) => drop(taken),
    }
}

fn settle_item<R>(taken: Option<Taken>, units: i64, decided: &Decided<R>) {
    match (taken, decided) {
        (Some(taken), Ok(answered)) => {
            let (all, ends) = held(&answered.answer.reservation);
            taken.granted(all.min(units.unsigned_abs()), ends);
        }
        (taken, decided) => settle(taken, decided),
    }
}

/// Follows what a command has made of a reservation.
fn follow(book: &HoldBook, reservation: &ReservationView) {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_is_known_not_to_be_held_is_given_back_and_what_may_be_is_not() {
        let book = HoldBook::default();
        let take = || book.take(&"key:web".into(), 5, item_of("r", ""), 5, Timestamp::MAX, Timestamp::EPOCH);
        let other = || book.take(&"key:web".into(), 5, item_of("s", ""), 5, Timestamp::MAX, Timestamp::EPOCH);
        for refused in [CommandError::<Infallible>::DeadlineExceeded, CommandError::Overloaded] {
            settle(Some(take().unwrap()), &Err(refused));
            other().unwrap().refused();
        }
        settle(Some(take().unwrap()), &Err(CommandError::<Infallible>::Unavailable("the disk".to_owned())));
        assert_eq!(other().unwrap_err(), TooMany { held: 5 });
    }
}
