//! An instant as RFC 3339 writes it.

use super::Timestamp;

/// The first and last instant that has a year of four digits, in milliseconds.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

/// Written by hand because nearly every
/// answer carries a time: a general formatter costs ten times as much.
pub(super) fn write(at: Timestamp) -> String {
    let ms = at.as_millis().clamp(FIRST_MS, LAST_MS);
    let (days, ms_of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let mut text = String::with_capacity(24);
    digits(&mut text, year, 1000, '-');
    digits(&mut text, month, 10, '-');
    digits(&mut text, day, 10, 'T');
    digits(&mut text, ms_of_day / 3_600_000, 10, ':');
    digits(&mut text, ms_of_day / 60_000 % 60, 10, ':');
    digits(&mut text, ms_of_day / 1_000 % 60, 10, '.');
    digits(&mut text, ms_of_day % 1_000, 100, 'Z');
    text
}

/// Writes `number`, whose first digit stands for `place`, and what comes after it.
fn digits(text: &mut String, number: i64, mut place: i64, then: char) {
    while place > 0 {
        // Always one digit, so the conversion holds.
        text.push(char::from(b'0' + u8::try_from(number / place % 10).unwrap_or(0)));
        place /= 10;
    }
    text.push(then);
}

/// Year, month and day of the day that is `days` after 1970-01-01.
///
/// Counted from 0000-03-01: a year that starts in March has its leap day at the end, and its months have lengths that
/// follow a line (153 days in five months).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) = if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_even_when_they_are_zero() {
        assert_eq!(write(Timestamp::from_millis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(write(Timestamp::from_millis(1_772_357_400_007)), "2026-03-01T09:30:00.007Z");
    }

    #[test]
    fn every_day_is_as_the_calendar_says() {
        // The calendar repeats every 400 years, which have 146,097 days.
        for day in -146_097..=146_097_i64 {
            let ms = day * 86_400_000 + day.rem_euclid(86_399) * 1_000 + 7;
            let expected = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(write(Timestamp::from_millis(ms)), format!("{expected:.3}"));
        }
    }

    #[test]
    fn an_instant_beyond_the_calendar_does_not_fail() {
        assert_eq!(write(Timestamp::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(write(Timestamp::from_millis(i64::MIN)), "0000-01-01T00:00:00.000Z");
    }
}
