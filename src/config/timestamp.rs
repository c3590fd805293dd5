//! Points in time as RFC 3339 writes them: `2026-12-01T09:00:00Z`, `2026-12-01t10:00:00.5+01:00`.

/// Reads a time as seconds since 1970 without leap seconds; `None` for anything but a valid time with its offset.
///
/// Fractions of a second are dropped. A leap second, `:60`, is the second after `:59`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4, b"-", 0..=9999)?;
    let month = number(&mut rest, 2, b"-", 1..=12)?;
    let day = number(&mut rest, 2, b"Tt", 1..=days_of(year, month))?;
    let hour = number(&mut rest, 2, b":", 0..=23)?;
    let minute = number(&mut rest, 2, b":", 0..=59)?;
    let second = number(&mut rest, 2, b"", 0..=60)?;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        rest = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    let offset = offset(rest)?;
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

/// Reads a time as a ramp's `start` is read, in seconds since 1970.
#[cfg(not(feature = "proxy"))]
pub fn parse_time(text: &str) -> Option<i64> {
    parse(text)
}

/// The seconds by which the clock is ahead of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, mut rest) = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let hours = number(&mut rest, 2, b":", 0..=23)?;
    let minutes = number(&mut rest, 2, b"", 0..=59)?;
    rest.is_empty()
        .then_some(sign * (hours * 3_600 + minutes * 60))
}

/// A number of exactly this many digits, and one of the bytes that may follow it; with none, nothing is taken after it.
fn number(
    rest: &mut &[u8],
    digits: usize,
    after: &[u8],
    range: std::ops::RangeInclusive<i64>,
) -> Option<i64> {
    let (text, mut left) = rest.split_at_checked(digits)?;
    let mut value = 0;
    for byte in text {
        value = value * 10 + i64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    if !after.is_empty() {
        let (next, others) = left.split_first()?;
        left = after.contains(next).then_some(others)?;
    }
    *rest = left;
    range.contains(&value).then_some(value)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of the proleptic Gregorian calendar, with years that begin in March so that the leap day is the last one
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_with_their_offset() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00z", 0),
            ("2026-12-01T09:00:00Z", 1_796_115_600),
            ("2026-12-01T10:00:00+01:00", 1_796_115_600),
            ("2026-12-01T03:30:00-05:30", 1_796_115_600),
            ("2026-12-01T09:00:00.999Z", 1_796_115_600),
            ("2026-12-01T09:00:00-00:00", 1_796_115_600),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("1969-12-31T23:59:59Z", -1),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            // Around a change to daylight saving time the offset says which of the two hours is meant.
            ("2026-10-25T02:30:00+02:00", 1_792_888_200),
            ("2026-10-25T02:30:00+01:00", 1_792_891_800),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T09:00:00",
            "2026-12-01T09:00Z",
            "2026-12-01 09:00:00Z",
            "2026-12-01T09:00:00z ",
            " 2026-12-01T09:00:00Z",
            "2026-12-01T09:00:00.Z",
            "2026-12-01T09:00:00+1:00",
            "2026-12-01T09:00:00+0100",
            "2026-12-01T09:00:00+24:00",
            "2026-12-01T09:00:00+01:60",
            "2026-12-01T24:00:00Z",
            "2026-12-01T09:60:00Z",
            "2026-12-01T09:00:61Z",
            "2026-13-01T09:00:00Z",
            "2026-00-01T09:00:00Z",
            "2026-12-00T09:00:00Z",
            "2026-11-31T09:00:00Z",
            "2026-02-29T09:00:00Z",
            "1900-02-29T09:00:00Z",
            "+2026-12-01T09:00:00Z",
            "26-12-01T09:00:00Z",
            "2026-12-01T0a:00:00Z",
            "1796115600",
            "tomorrow",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "[0-9TtZz:.+ -]{0,26}|\\PC*") {
            parse(&text);
        }

        #[test]
        fn every_day_follows_the_one_before(day in -719_528_i64..2_932_896) {
            // The calendar the other way round: H. Hinnant's `civil_from_days`.
            let shifted = day + 719_468;
            let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
            let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
            let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
            let shifted_month = (5 * of_year + 2) / 153;
            let day_of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
            let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
            let year = year_of_era + era * 400 + i64::from(month <= 2);
            let text = format!("{year:04}-{month:02}-{day_of_month:02}T00:00:00Z");
            prop_assert_eq!(parse(&text), Some(day * 86_400), "{}", text);
        }
    }
}
