//! How long something is valid: `90d`, `12h`, `30m`, `never`, or an instant as RFC 3339 writes it.

use std::str::FromStr;
use std::time::Duration;

use cqrs::Timestamp;

/// The longest span that can be said: a hundred years.
const SECONDS_MAX: u64 = 100 * 366 * 86_400;

/// Until when something is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    For(Duration),
    Until(Timestamp),
    Unlimited,
}

impl Lifetime {
    /// The end of it, begun at `now`; none if it never ends.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::For(span) => Some(now.saturating_add(span)),
            Self::Until(end) => Some(end),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Unlimited);
        }
        if let Some(end) = Timestamp::parse_rfc3339(text) {
            return Ok(Self::Until(end));
        }
        span(text)
            .map(Self::For)
            .map_err(|why| format!("{why}, or `never`, or an instant such as 2027-01-31T00:00:00Z"))
    }
}

/// A span of time: a whole number and its unit.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and d, h, m or s, such as 90d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok()).ok_or_else(wrong)?;
    let span = number.checked_mul(seconds).filter(|span| *span <= SECONDS_MAX).ok_or("that is over a hundred years")?;
    Ok(Duration::from_secs(span))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spans_instants_and_no_end_are_understood() {
        let now = Timestamp::from_millis(1_000);
        let end = |text: &str| text.parse::<Lifetime>().unwrap().end(now);
        assert_eq!(end("90d"), Some(Timestamp::from_millis(1_000 + 90 * 86_400_000)));
        assert_eq!(end("1h"), Some(Timestamp::from_millis(3_601_000)));
        assert_eq!(end("0s"), Some(now));
        assert_eq!(end("1970-01-01T00:01:00Z"), Some(Timestamp::from_millis(60_000)));
        assert_eq!(end("never"), None);
        for wrong in ["", "d", "90", "-1d", "1y", "1.5h", "99999999999999999999d", "40000d", "tomorrow", "é"] {
            assert!(wrong.parse::<Lifetime>().is_err(), "{wrong}");
        }
    }
}
