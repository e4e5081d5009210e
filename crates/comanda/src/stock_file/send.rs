//! One page, sent until it is answered: the same page again changes nothing, so it may be sent as often as need be.

use std::time::Duration;

use comanda_contracts::{ImportAnswer, ImportRequest, Problem, ReasonCode};
use comanda_load::{Call, Client};
use miette::{IntoDiagnostic, Result, miette};

use super::pages::{BadRow, Page};
use super::seen::Seen;
use crate::asking::refusal;

/// A page is sent at most this often.
const ATTEMPTS_MAX: u32 = 10;

/// The pause before the second attempt; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What became of a page.
pub(super) enum Sent {
    /// Its rows are so; and what must be seen of it.
    Imported(ImportAnswer, Seen),
    /// None of its rows was imported, for these.
    LeftOut(Vec<BadRow>),
}

/// Sends the rows of `page`; one with bad rows is not sent at all.
pub(super) async fn send(client: &mut Client, page: Page, reason: ReasonCode, reference: Option<&str>) -> Result<Sent> {
    if !page.bad.is_empty() {
        return Ok(Sent::LeftOut(page.bad));
    }
    let (lines, rows): (Vec<u64>, Vec<_>) = page.rows.into_iter().unzip();
    let request = ImportRequest { rows, reason_code: Some(reason), reference_uri: reference.map(ToOwned::to_owned) };
    let call = Call::post_json("/v1/stock:import", &request).into_diagnostic()?;
    let mut pause = PAUSE_MIN;
    for attempt in 1.. {
        let answer = client.call(&call).await;
        let again = match &answer {
            Ok(answer) => matches!(answer.status, 408 | 429 | 502..=504),
            Err(_) => true,
        };
        if again && attempt < ATTEMPTS_MAX {
            let asked = answer.ok().and_then(|answer| answer.retry_after_s).map(Duration::from_secs);
            tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
            continue;
        }
        let answer = answer.into_diagnostic()?;
        if answer.is_success() {
            let mut seen = Seen::default();
            seen.add(&answer);
            return Ok(Sent::Imported(answer.json().into_diagnostic()?, seen));
        }
        let problem: Problem = answer.json().into_diagnostic()?;
        let bad = bad_rows(&problem, &lines);
        if bad.is_empty() {
            return Err(refusal(&problem));
        }
        return Ok(Sent::LeftOut(bad));
    }
    Err(miette!("the server did not answer"))
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
