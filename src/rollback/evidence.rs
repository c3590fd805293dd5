//! The judgement of one window: is the canary worse than stable by more than is allowed, and by more than chance?

/// The evidence that a rollback needs. At 20, chance takes no good canary out, whatever its traffic.
const ENOUGH: f64 = 20.0;

/// The answers of one destination in one window. Sums of at most 30 slots, so both stay far below 2^58.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All answers.
    pub requests: u64,
    /// Those that were errors.
    pub errors: u64,
}

impl Counts {
    /// An answer is found to be cut off after it was counted, so a short window may have more errors than answers;
    /// those beyond the answers do not count in it.
    pub(super) fn bounded(self) -> Self {
        let errors = self.errors.min(self.requests);
        Self { errors, ..self }
    }

    fn good(self) -> u64 {
        self.requests.saturating_sub(self.errors)
    }
}

/// Whether these answers roll the canary back. `threshold` is in per mille. The integers decide first, since the
/// logarithms are needed only for a canary that is worse by that much.
pub(super) fn condemns(canary: Counts, stable: Counts, threshold: u32) -> bool {
    exceeds(canary, stable, threshold) && evidence(canary, stable) >= ENOUGH
}

/// `errors_c / requests_c - errors_s / requests_s >= threshold / 1000`, exactly. False without requests on a side.
pub(super) fn exceeds(canary: Counts, stable: Counts, threshold: u32) -> bool {
    let [canary_requests, canary_errors] = [canary.requests, canary.errors].map(u128::from);
    let [stable_requests, stable_errors] = [stable.requests, stable.errors].map(u128::from);
    let allowed = 1000 * stable_errors + u128::from(threshold) * stable_requests;
    canary.requests > 0
        && stable.requests > 0
        && 1000 * canary_errors * stable_requests >= allowed * canary_requests
}

/// The log-likelihood ratio of "they differ" against "they are alike"; 0 without requests on a side.
///
/// CONFIG.md, rollback: `requests_c · KL(p_c ‖ p) + requests_s · KL(p_s ‖ p)`. Written out, each of the four counts
/// contributes `count · ln(count / expected)`.
pub(super) fn evidence(canary: Counts, stable: Counts) -> f64 {
    let requests = canary.requests + stable.requests;
    let errors = canary.errors + stable.errors;
    let good = canary.good() + stable.good();
    if canary.requests == 0 || stable.requests == 0 {
        return 0.0;
    }
    part(canary.errors, canary.requests, errors, requests)
        + part(canary.good(), canary.requests, good, requests)
        + part(stable.errors, stable.requests, errors, requests)
        + part(stable.good(), stable.requests, good, requests)
}

/// `count · ln((count / of) / (all / total))`, with `0 · ln 0 = 0`.
fn part(count: u64, of: u64, all: u64, total: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let count = float(count);
    count * libm::log((count * float(total)) / (float(of) * float(all)))
}

/// Counts stay far below 2^53, up to which this is exact.
#[allow(clippy::cast_precision_loss)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn counts(case: &Value) -> Counts {
        Counts {
            requests: case["requests"].as_u64().unwrap(),
            errors: case["errors"].as_u64().unwrap(),
        }
    }

    /// `tests/vectors/evidence.json` comes from an independent implementation with 50 decimal digits.
    #[test]
    fn the_golden_cases_have_their_evidence_and_their_verdict() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/vectors/evidence.json")).unwrap();
        let cases = golden["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 200);
        for case in cases {
            let (canary, stable) = (counts(&case["canary"]), counts(&case["stable"]));
            let expected = case["evidence"].as_f64().unwrap();
            let found = evidence(canary, stable);
            assert!(
                (found - expected).abs() <= 1e-6 * expected.max(1.0),
                "{case}: {found}"
            );
            let threshold = (case["errorPercent"].as_f64().unwrap() * 10.0).round() as u32;
            let verdict = case["rolledBack"].as_bool().unwrap();
            assert_eq!(condemns(canary, stable, threshold), verdict, "{case}");
        }
    }

    #[test]
    fn errors_beyond_the_answers_of_a_window_do_not_count() {
        let torn = Counts {
            requests: 3,
            errors: 5,
        };
        assert_eq!(torn.bounded().errors, 3);
    }

    proptest! {
        #[test]
        fn no_counts_panic_or_give_evidence_that_is_no_number(
            counts in prop::array::uniform4(0_u64..1 << 58),
            threshold in 1_u32..=1000,
        ) {
            let [a, b, c, d] = counts;
            let canary = Counts { requests: a, errors: b }.bounded();
            let stable = Counts { requests: c, errors: d }.bounded();
            condemns(canary, stable, threshold);
            prop_assert!(evidence(canary, stable).is_finite());
        }

        #[test]
        fn a_canary_that_is_no_worse_than_stable_is_never_condemned(
            canary in 0_u64..=1000, stable in 0_u64..=1000, scale in 1_u64..1 << 20, threshold in 1_u32..=1000,
        ) {
            let (better, worse) = (canary.min(stable), canary.max(stable));
            let canary = Counts { requests: 1000 * scale, errors: better * scale };
            let stable = Counts { requests: 1000, errors: worse };
            prop_assert!(!condemns(canary, stable, threshold));
        }
    }
}
