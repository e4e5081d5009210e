//! One page, sent until it is answered: the same page again changes nothing, so it may be sent as often as need be.

use std::time::Duration;

use comanda_contracts::{ImportAnswer, ImportRequest, Problem, ReasonCode};
use comanda_load::{Call, Client};
use miette::Report;

use super::pages::{BadRow, Page};
use super::seen::Seen;
use crate::asking::refusal;

/// A page is sent at most this often.
const ATTEMPTS_MAX: u32 = 10;

/// The pause before the second attempt; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A server names so many bad rows of a page.
const NAMED_MAX: usize = 100;

/// What became of a page.
pub(super) enum Sent {
    /// Its rows are so; and what must be seen of it.
    Imported(ImportAnswer, Seen),
    /// None of its rows was imported.
    LeftOut {
        /// For these.
        bad: Vec<BadRow>,
        /// Whether there are no others: a page may be left out before all of it was looked at.
        all: bool,
    },
}

/// Why it is not known that a page was imported.
pub(super) struct Failed {
    pub(super) why: Report,
    /// Whether it may be imported all the same.
    pub(super) unknown: bool,
}

/// Sends the rows of `page`; one with bad rows is not sent at all. `waits` is told why the page is not through yet.
pub(super) async fn send(
    client: &mut Client,
    page: Page,
    reason: ReasonCode,
    reference: Option<&str>,
    waits: impl Fn(&str),
) -> Result<Sent, Failed> {
    if !page.bad.is_empty() {
        return Ok(Sent::LeftOut { all: page.rows.is_empty(), bad: page.bad });
    }
    let (lines, rows): (Vec<u64>, Vec<_>) = page.rows.into_iter().unzip();
    let request = ImportRequest { rows, reason_code: Some(reason), reference_uri: reference.map(ToOwned::to_owned) };
    let unsent = |why| Failed { why: Report::from_err(why), unknown: false };
    let call = Call::post_json("/v1/stock:import", &request).map_err(unsent)?;
    let (mut pause, mut unknown, mut attempt) = (PAUSE_MIN, false, 1);
    let answer = loop {
        let answer = client.call(&call).await;
        let (again, why) = match &answer {
            Ok(answer) => {
                // What a server refuses it has not done; what it could not do it may have begun.
                unknown |= answer.status >= 500;
                let again = matches!(answer.status, 408 | 429 | 502..=504);
                (again, format!("the server answers with status {}", answer.status))
            }
            Err(why) => {
                unknown |= why.is_unknown_outcome();
                (why.may_pass(), why.to_string())
            }
        };
        if !again || attempt == ATTEMPTS_MAX {
            break answer;
        }
        waits(&why);
        let asked = answer.ok().and_then(|answer| answer.retry_after_s).map(Duration::from_secs);
        tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX)).await;
        pause = (pause * 2).min(PAUSE_MAX);
        attempt += 1;
    };
    let failed = |why| Failed { why: Report::from_err(why), unknown };
    let answer = answer.map_err(failed)?;
    if answer.is_success() {
        let mut seen = Seen::default();
        seen.add(&answer);
        let imported = answer.json().map_err(|why| Failed { why: Report::from_err(why), unknown: true })?;
        return Ok(Sent::Imported(imported, seen));
    }
    let problem: Problem = answer.json().map_err(failed)?;
    let bad = bad_rows(&problem, &lines);
    if bad.is_empty() {
        return Err(Failed { why: refusal(&problem), unknown });
    }
    // Of rows that cannot be read the first are named, and the rules are not asked.
    let all = problem.code == "IMPORT_REFUSED" && problem.errors.len() < NAMED_MAX;
    Ok(Sent::LeftOut { bad, all })
}

/// The rows that a problem names, by their lines.
fn bad_rows(problem: &Problem, lines: &[u64]) -> Vec<BadRow> {
    let named = problem.errors.iter().filter_map(|error| {
        let place = error.pointer.strip_prefix("/rows/")?;
        let (place, field) = place.split_once('/').unwrap_or((place, ""));
        let line = *lines.get(place.parse::<usize>().ok()?)?;
        let why = if field.is_empty() { error.detail.clone() } else { format!("{field}: {}", error.detail) };
        Some(BadRow { line, why })
    });
    named.collect()
}
