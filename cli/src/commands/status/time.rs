//! Times of the calendar.

use jiff::Timestamp;

/// Seconds since 1970 as RFC 3339 writes them in UTC: `2026-12-01T09:00:00Z`. A time after the year 9999 stays a number.
pub fn utc(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Whether a time as Envoy writes it is after one in milliseconds since 1970.
pub(super) fn is_after(text: &str, milliseconds: u64) -> bool {
    let other = i64::try_from(milliseconds).ok();
    let other = other.and_then(|other| Timestamp::from_millisecond(other).ok());
    let time = text.parse::<Timestamp>().ok();
    time.zip(other).is_some_and(|(time, other)| time > other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_795_659_215, "2026-11-26T02:13:35Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn times_are_compared_by_the_millisecond() {
        for (text, after) in [
            ("2026-11-26T02:13:35.543Z", true),
            ("2026-11-26T02:13:35.542Z", false),
            ("2026-11-26T02:13:35.542001Z", true),
            ("2026-11-26T02:13:35.6Z", true),
            ("2026-11-26T02:13:35Z", false),
            ("2026-11-26T02:13:36Z", true),
            ("2025-12-31T23:59:59.999Z", false),
            ("", false),
            ("ü", false),
        ] {
            assert_eq!(is_after(text, 1_795_659_215_542), after, "{text}");
        }
    }
}
