//! The faults that a version plays: errors and latency, set by `PUT /color/faults`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// The longest body that is read. The longest useful one is far shorter.
pub(crate) const MAX_BODY: usize = 1024;

const MAX_ERROR_PERCENT: u64 = 100;
const MAX_LATENCY_MS: u64 = 60_000;

/// What part of the answers fails, and how much later every answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    error_percent: u64,
    latency_ms: u64,
}

impl Faults {
    /// Reads `{"errorPercent": 0..100, "latencyMs": 0..60000}`. The object replaces the faults as a whole, so an absent
    /// field is 0.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InvalidFaults> {
        let body: Value = serde_json::from_slice(body).map_err(|_| InvalidFaults::NotAnObject)?;
        let Value::Object(fields) = body else {
            return Err(InvalidFaults::NotAnObject);
        };
        let mut faults = Self::default();
        for (name, value) in fields {
            let (field, known, max) = match name.as_str() {
                "errorPercent" => (&mut faults.error_percent, "errorPercent", MAX_ERROR_PERCENT),
                "latencyMs" => (&mut faults.latency_ms, "latencyMs", MAX_LATENCY_MS),
                _ => return Err(InvalidFaults::Unknown(name)),
            };
            *field = value
                .as_u64()
                .filter(|number| *number <= max)
                .ok_or(InvalidFaults::OutOfRange(known, max))?;
        }
        Ok(faults)
    }

    /// The object that [`Self::parse`] reads.
    pub(crate) fn json(self) -> String {
        json!({"errorPercent": self.error_percent, "latencyMs": self.latency_ms}).to_string()
    }

    pub(crate) fn latency(self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// Whether the answer with this number fails.
    ///
    /// The fractional parts of the multiples of the golden ratio are spread over 0..1 more evenly than random numbers
    /// (Knuth, The Art of Computer Programming, volume 3, section 6.4, theorem S), so any 100 answers in a row have the
    /// right number of errors to within a few, and yet no visible pattern.
    fn fails(self, answer: u64) -> bool {
        const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
        let point = answer.wrapping_mul(GOLDEN_RATIO) >> 32;
        (point * MAX_ERROR_PERCENT) >> 32 < self.error_percent
    }
}

/// Why a body does not set faults.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidFaults {
    NotAnObject,
    Unknown(String),
    OutOfRange(&'static str, u64),
}

impl fmt::Display for InvalidFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the body is not a JSON object"),
            Self::Unknown(name) => write!(
                f,
                "the field \"{}\" is unknown: there are errorPercent and latencyMs",
                name.escape_debug()
            ),
            Self::OutOfRange(name, max) => write!(f, "{name} is not an integer from 0 to {max}"),
        }
    }
}

/// The faults in force, shared by all requests.
#[derive(Debug, Default)]
pub(crate) struct Played {
    faults: Mutex<Faults>,
    answers: AtomicU64,
}

impl Played {
    pub(crate) fn now(&self) -> Faults {
        // A number cannot be half written, so a panic elsewhere leaves a valid value.
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Whether the next answer fails under these faults.
    pub(crate) fn next_fails(&self, faults: Faults) -> bool {
        faults.fails(self.answers.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_replaces_all_faults() {
        let cases = [
            ("{}", 0, 0),
            (r#"{"errorPercent": 100}"#, 100, 0),
            (r#"{"latencyMs": 60000}"#, 0, 60_000),
            (r#" {"latencyMs":250,"errorPercent":5} "#, 5, 250),
        ];
        for (body, error_percent, latency_ms) in cases {
            let faults = Faults {
                error_percent,
                latency_ms,
            };
            assert_eq!(Faults::parse(body.as_bytes()), Ok(faults), "{body}");
            assert_eq!(Faults::parse(faults.json().as_bytes()), Ok(faults));
        }
    }

    #[test]
    fn a_mistake_is_refused_with_its_reason() {
        let no_object = "the body is not a JSON object";
        let percent = "errorPercent is not an integer from 0 to 100";
        let latency = "latencyMs is not an integer from 0 to 60000";
        let deep = "[".repeat(1000);
        let cases = [
            ("", no_object),
            ("{", no_object),
            ("null", no_object),
            ("[]", no_object),
            ("100", no_object),
            (r#"{"errorPercent": 1} x"#, no_object),
            (&deep, no_object),
            (r#"{"errorPercent": 101}"#, percent),
            (r#"{"errorPercent": -1}"#, percent),
            (r#"{"errorPercent": 0.5}"#, percent),
            (r#"{"errorPercent": "5"}"#, percent),
            (r#"{"errorPercent": null}"#, percent),
            (r#"{"errorPercent": 18446744073709551616}"#, percent),
            (r#"{"latencyMs": 60001}"#, latency),
            (r#"{"latencyMs": true}"#, latency),
            (
                r#"{"error\n": 1}"#,
                r#"the field "error\n" is unknown: there are errorPercent and latencyMs"#,
            ),
        ];
        for (body, reason) in cases {
            let invalid = Faults::parse(body.as_bytes()).unwrap_err();
            assert_eq!(invalid.to_string(), reason, "{body}");
        }
        assert!(Faults::parse(b"{\"\xff\": 1}").is_err());
    }

    #[test]
    fn of_a_hundred_answers_the_given_part_fails() {
        for error_percent in 0..=100 {
            let faults = Faults {
                error_percent,
                latency_ms: 0,
            };
            for start in [0, 1, 1_000_003, u64::MAX - 10_000] {
                let failed = (start..start + 100).filter(|at| faults.fails(*at)).count();
                let off = failed.abs_diff(usize::try_from(error_percent).unwrap());
                assert!(off <= 3, "{error_percent} from {start}: {failed}");
                if error_percent % 100 == 0 {
                    assert_eq!(off, 0, "none and all are exact");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_body_has_an_answer(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Faults::parse(&body);
        }

        #[test]
        fn only_numbers_in_range_are_accepted(percent in any::<i64>(), latency in any::<i64>()) {
            let body = json!({"errorPercent": percent, "latencyMs": latency}).to_string();
            let good = (0..=100).contains(&percent) && (0..=60_000).contains(&latency);
            prop_assert_eq!(Faults::parse(body.as_bytes()).is_ok(), good);
        }
    }
}
