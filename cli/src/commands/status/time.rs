//! Times of the calendar.

/// Seconds since 1970 as RFC 3339 writes them in UTC: `2026-12-01T09:00:00Z`.
///
/// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
pub fn utc(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    // The years begin in March.
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Whether a time as Envoy writes it, with any number of decimals, is after one in milliseconds since 1970.
pub(super) fn is_after(text: &str, milliseconds: u64) -> bool {
    let Ok(seconds) = i64::try_from(milliseconds / 1_000) else {
        return false;
    };
    let (other, fraction) = (utc(seconds), milliseconds % 1_000);
    let Some((whole, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let other = other.trim_end_matches('Z');
    let digits = rest.trim_start_matches('.').trim_end_matches('Z');
    let thousandths = format!("{digits:0<3}");
    let thousandths = thousandths.get(..3).and_then(|digits| digits.parse().ok());
    (whole, thousandths.unwrap_or(0)) > (other, fraction)
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
            ("2026-11-26T02:13:35.542999Z", false),
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
