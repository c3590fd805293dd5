//! Durations in Go's syntax, which Istio uses: `500ms`, `10s`, `1h30m`, `1.5h`.

use std::time::Duration;

use crate::config::invalid::InvalidConfig;

/// Units and their lengths in nanoseconds. A name stands before every shorter one with which it begins.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration.
///
/// # Errors
/// The text is not a duration, is negative or is longer than Go's own limit of 292 years.
pub(crate) fn read(text: &str) -> Result<Duration, InvalidConfig> {
    parse(text).ok_or_else(|| {
        InvalidConfig::new(format!(
            "`{text}` is not a valid duration, such as 30m or 720h"
        ))
    })
}

/// As [`read`], but without a reason.
fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (nanoseconds, after) = part(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = after;
    }
    let legal = !text.is_empty() && i64::try_from(total).is_ok();
    legal.then(|| Duration::from_nanos(total))
}

/// Reads one number with its unit, and returns its nanoseconds and the text after it.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    let (unit, rest) = UNITS
        .iter()
        .find_map(|(name, length)| Some((*length, rest.strip_prefix(name)?)))?;
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // Fractions of a nanosecond do not count, and an hour, the largest unit, has fewer than 10^18 nanoseconds.
    let (mut share, mut nanoseconds) = (unit, whole.checked_mul(unit)?);
    for digit in fraction.bytes().take(18) {
        share /= 10;
        nanoseconds = nanoseconds.checked_add(share.checked_mul(u64::from(digit - b'0'))?)?;
    }
    Some((nanoseconds, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("720h", 2_592_000_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("1.s", 1_000),
            ("1m1s1ms", 61_001),
            ("1500us", 1),
            ("1500µs", 1),
        ] {
            assert_eq!(
                parse(text).map(|duration| duration.as_millis()),
                Some(milliseconds),
                "{text}"
            );
        }
        for text in [
            "",
            "10",
            "s",
            ".s",
            "-1s",
            "+1s",
            "1d",
            "1 s",
            "1s ",
            "1s1",
            "1e3s",
            "9999999999h",
            "2562048h",
            "9".repeat(40).as_str(),
            "1,5s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_crash(text in "[0-9.hmsuµn]{0,12}|\\PC*") {
            parse(&text);
        }

        #[test]
        fn whole_units_add_up(hours in 0_u64..1_000, minutes in 0_u64..1_000, ms in 0_u64..100_000) {
            let parsed = parse(&format!("{hours}h{minutes}m{ms}ms")).map(|duration| duration.as_millis());
            proptest::prop_assert_eq!(parsed, Some(u128::from(hours * 3_600_000 + minutes * 60_000 + ms)));
        }
    }
}
