//! Batches: many reservations in one request, each decided on its own.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::RepeatHeaders;
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Fields, Json, Problem, Reply};
use cqrs::{Answered, CommandError, Dispatch, Token};

use super::parse::Place;
use super::reservations::{explained, parse_reserve};
use super::{Api, Served, hoarding};
use crate::application::hold_book::Taken;
use crate::domain::reservation::reserve::{Reserve, ReserveRejection};
use crate::domain::reservation::{LINES_MAX, ReservationAnswer};

/// Reservations in one request.
const ITEMS_MAX: usize = 1_000;

/// Holds stock many times at once
///
/// Each item has its own outcome; one refusal never touches another item. Items are decided in the order given.
#[utoipa::path(post, path = "/v1/reservations:batch", operation_id = "reserveBatch", tag = "Reservations",
    params(RepeatHeaders), request_body = contract::BatchRequest,
    responses((status = 200, description = "One outcome per item", body = contract::BatchAnswer)))]
pub(super) async fn reserve_many(
    State(api): Api,
    call: Call,
    request: Json<contract::BatchRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let items = request.value.reservations;
    check_size(&items)?;
    let call = call.batch::<Reserve>(&request.raw);
    // All are sent before the first is waited for: they are decided in order, and in as few batches as the executor can make of them.
    let sent: Vec<_> = items.into_iter().enumerate().map(|(index, item)| send(&api, &call, index, item)).collect();
    // A task of its own: what the caller's allowance gets back is settled also if he hangs up meanwhile.
    let decided = tokio::spawn(decided(sent)).await.map_err(|cause| Problem::internal(&cause.to_string()))?;
    let mut seen: Option<Token> = None;
    let mut outcomes = Vec::with_capacity(decided.len());
    for (index, (id, decided)) in decided.into_iter().enumerate() {
        if let Ok(Answered { token, .. }) = &decided {
            match &mut seen {
                Some(seen) => seen.merge(token),
                None => seen = Some(token.clone()),
            }
        }
        outcomes.push(outcome(index, id, decided));
    }
    let accepted = outcomes.iter().filter(|outcome| outcome.reservation.is_some()).count() as u64;
    let answer = contract::BatchAnswer { accepted, rejected: outcomes.len() as u64 - accepted, outcomes };
    let reply = Reply::json(StatusCode::OK, &answer);
    Ok(match seen {
        Some(seen) => reply.token(&seen),
        None => reply,
    })
}

fn check_size(items: &[contract::ReserveRequest]) -> Result<(), Problem> {
    let mut fields = Fields::default();
    if !(1..=ITEMS_MAX).contains(&items.len()) {
        fields.wrong("/reservations", format_args!("has {} items: send 1 to 1,000", items.len()));
    }
    let lines: usize = items.iter().map(|item| item.lines.len()).sum();
    if lines > LINES_MAX {
        fields.wrong("/reservations", format_args!("has {lines} lines in all: send at most 2,000"));
    }
    fields.finish(Some(()))
}

type Decided = Result<Answered<ReservationAnswer>, Problem>;
type Reserved = Result<Answered<ReservationAnswer>, CommandError<ReserveRejection>>;

/// An item on its way.
struct Sent<F> {
    id: Option<String>,
    place: Place,
    /// What was taken of the caller's allowance, and what is to be decided; or why it was not sent.
    sent: Result<(Option<Taken>, F), Problem>,
}

impl<F: Future<Output = Reserved>> Sent<F> {
    async fn decided(self) -> (Option<String>, Decided) {
        let decided = match self.sent {
            Err(problem) => Err(problem),
            Ok((taken, decided)) => {
                let decided = decided.await;
                hoarding::settle(taken, &decided);
                decided.map_err(|error| placed(error.into(), self.place))
            }
        };
        (self.id, decided)
    }
}

/// What became of each.
async fn decided<F: Future<Output = Reserved>>(sent: Vec<Sent<F>>) -> Vec<(Option<String>, Decided)> {
    let mut decided = Vec::with_capacity(sent.len());
    // The last is answered last: whoever waits for it finds the answers of the others there, and is hardly woken before.
    for item in sent.into_iter().rev() {
        decided.push(item.decided().await);
    }
    decided.reverse();
    decided
}

/// Sends the item `index` of the batch `call`.
fn send(
    api: &Served,
    call: &Call,
    index: usize,
    item: contract::ReserveRequest,
) -> Sent<impl Future<Output = Reserved> + use<>> {
    let place = Place::Item(index);
    let command = match parse_reserve(&item, place) {
        Err(problem) => return Sent { id: item.reservation_id, place, sent: Err(problem) },
        Ok(command) => command,
    };
    let id = item.reservation_id.unwrap_or_else(|| command.reservation_id.to_string());
    let sent = hoarding::take(&api.holds, call, &command, place)
        .map(|taken| (taken, api.commands.dispatch(call.item(index, command))));
    Sent { id: Some(id), place, sent }
}

/// A rule points into the item it was asked about; the client sent that item at some `place` of a batch.
fn placed(problem: Problem, place: Place) -> Problem {
    problem.with(|problem| {
        for error in problem.errors.iter_mut().filter(|error| error.pointer.starts_with('/')) {
            error.pointer.insert_str(0, &place.to_string());
        }
    })
}

fn outcome(index: usize, id: Option<String>, decided: Decided) -> contract::BatchOutcome {
    let index = index as u64;
    match decided {
        Ok(Answered { answer, replayed, .. }) => {
            let repeated = answer.repeated;
            let reservation = explained(answer);
            contract::BatchOutcome {
                index,
                status: StatusCode::CREATED.as_u16(),
                // Not the one that was sent: an earlier answer, given again, may be of an id that the server made then.
                reservation_id: Some(reservation.reservation_id.clone()),
                state: Some(reservation.state),
                replayed: replayed || repeated,
                reservation: Some(reservation),
                problem: None,
            }
        }
        Err(problem) => contract::BatchOutcome {
            index,
            status: problem.status().as_u16(),
            reservation_id: id,
            state: None,
            replayed: false,
            reservation: None,
            problem: Some(problem.into_body()),
        },
    }
}
