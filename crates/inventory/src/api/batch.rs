//! Batches: many reservations in one request, each decided on its own.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::RepeatHeaders;
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Fields, Json, Problem, Reply};
use cqrs::{Answered, Dispatch, Token};
use futures::future::join_all;

use super::reservations::{explained, parse_reserve};
use super::{Api, Served, hoarding};
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
    let call = call.batch(&request.raw);
    // All are queued before the first is waited for: they land in one batch of the executor, in order.
    let decided = items.into_iter().enumerate().map(|(index, item)| one(&api, &call, index, item));
    let decided = join_all(decided).await;
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

async fn one(api: &Served, call: &Call, index: usize, item: contract::ReserveRequest) -> (Option<String>, Decided) {
    let asked = item.reservation_id.clone();
    let at = format!("/reservations/{index}");
    match parse_reserve(item, &at) {
        Err(problem) => (asked, Err(problem)),
        Ok(command) => {
            let id = command.reservation_id.as_str().to_owned();
            let taken = match hoarding::take(&api.holds, call, &command, &at) {
                Ok(taken) => taken,
                Err(problem) => return (Some(id), Err(problem)),
            };
            let decided = api.commands.dispatch(call.item(index, command)).await;
            hoarding::settle(taken, &decided);
            (Some(id), decided.map_err(|error| placed(error.into(), &at)))
        }
    }
}

/// A rule points into the item it was asked about; the client sent that item `at` some place of a batch.
fn placed(problem: Problem, at: &str) -> Problem {
    problem.with(|problem| {
        for error in problem.errors.iter_mut().filter(|error| error.pointer.starts_with('/')) {
            error.pointer.insert_str(0, at);
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
