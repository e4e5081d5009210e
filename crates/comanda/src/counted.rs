//! How many there are of a thing, as one says it.

use std::fmt::Write;

use indicatif::{HumanCount, ProgressState, ProgressStyle};

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Has `{rate}` in the template of a bar stand for whole things a second: nobody wants to know parts of an event.
pub(crate) fn with_rate(style: ProgressStyle) -> ProgressStyle {
    style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        // What cannot be written is left out of the bar.
        let _written = write!(out, "{}", whole(state.per_sec()));
    })
}

fn whole(rate: f64) -> HumanCount {
    HumanCount(rate.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_no_fraction() {
        assert_eq!([0.4, 79_313.967_4].map(|rate| whole(rate).to_string()), ["0", "79,314"]);
    }

    #[test]
    fn one_is_said_as_one() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "row")), ["0 rows", "1 row", "2 rows"]);
    }
}
