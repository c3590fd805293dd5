use super::*;
use crate::choosing::rendezvous;
use crate::config::json::tests::read;
use proptest::prelude::*;

/// 2026-12-01T09:00:00Z.
const START: i64 = 1_796_115_600;

fn ramp(linear: bool, steps: &[(&str, &[u32])]) -> Ramp {
    let steps: Vec<_> = steps
        .iter()
        .map(|(after, weights)| format!(r#"{{"after": "{after}", "weights": {weights:?}}}"#))
        .collect();
    let steps = steps.join(",");
    let members = format!(r#""steps": [{steps}], "linear": {linear}"#);
    refused_or(&members, 2).unwrap()
}

fn refused_or(members: &str, destinations: usize) -> Result<Ramp, String> {
    let start = if members.contains("start") {
        ""
    } else {
        r#""start": "2026-12-01T09:00:00Z","#
    };
    let wire = read(&format!("{{{start} {members}}}")).map_err(|fault| fault.to_string())?;
    let mut faults = Faults::at_most(9);
    let ramp = Ramp::from_wire(&wire, destinations, &mut faults);
    let lines: Vec<_> = faults
        .into_found()
        .iter()
        .map(ToString::to_string)
        .collect();
    ramp.filter(|_| lines.is_empty())
        .ok_or_else(|| lines.join("; "))
}

#[test]
fn weights_follow_the_steps() {
    let ramp = ramp(
        false,
        &[("0s", &[95, 5]), ("30m", &[3, 1]), ("2h", &[0, 100])],
    );
    let own = [100, 0];
    for (seconds, weights, position) in [
        (i64::MIN, &own[..], (None, Some(START))),
        (START - 1, &own, (None, Some(START))),
        (START, &[95, 5], (Some(0), Some(START + 1_800))),
        (START + 1_799, &[95, 5], (Some(0), Some(START + 1_800))),
        (START + 1_800, &[3, 1], (Some(1), Some(START + 7_200))),
        (START + 7_199, &[3, 1], (Some(1), Some(START + 7_200))),
        (START + 7_200, &[0, 100], (Some(2), None)),
        (i64::MAX, &[0, 100], (Some(2), None)),
    ] {
        assert_eq!(&*ramp.weights(&own, seconds), weights, "{seconds}");
        assert_eq!(ramp.position(seconds), position, "{seconds}");
    }
    assert!(ramp.has_weight(0) && ramp.has_weight(1) && !ramp.has_weight(2));
}

#[test]
fn before_a_first_step_that_is_later_than_the_start_the_own_weights_hold() {
    let ramp = ramp(false, &[("1500ms", &[1, 1])]);
    for (seconds, weights) in [(0, [9, 1]), (1, [9, 1]), (2, [1, 1])] {
        assert_eq!(&*ramp.weights(&[9, 1], START + seconds), weights);
    }
}

#[test]
fn a_linear_ramp_interpolates_the_shares_and_is_exact_at_its_steps() {
    // The sums differ, so shares are interpolated and not weights.
    let ramp = ramp(true, &[("100s", &[1, 1]), ("200s", &[0, 4_000])]);
    let own = [300, 100];
    let share = |seconds: i64| {
        let weights = ramp.weights(&own, START + seconds);
        let split = Split::new(&weights).unwrap();
        (split.share(0), split.share(1))
    };
    for (seconds, shares) in [
        (-1, (7_500, 2_500)),
        (0, (7_500, 2_500)),
        (20, (7_000, 3_000)),
        (50, (6_250, 3_750)),
        (100, (5_000, 5_000)),
        (110, (4_500, 5_500)),
        (150, (2_500, 7_500)),
        (199, (50, 9_950)),
        (200, (0, 10_000)),
        (10_000, (0, 10_000)),
    ] {
        assert_eq!(share(seconds), shares, "{seconds}");
    }
    for (seconds, exact) in [(0, &own), (100, &[1, 1]), (200, &[0, 4_000])] {
        assert_eq!(
            &*ramp.weights(&own, START + seconds),
            exact,
            "unscaled at a step"
        );
    }
}

#[test]
fn what_is_not_nothing_does_not_become_nothing_on_the_way() {
    let most = i32::MAX.unsigned_abs();
    let ramp = ramp(true, &[("2000000h", &[1, most])]);
    let own = [1, most];
    let weights = ramp.weights(&own, START + 60);
    assert!(weights[0] >= 1 && weights[1] > 1 << 29, "{weights:?}");
}

#[test]
fn bad_ramps_are_refused_with_the_place() {
    let step = |after: &str, weights: &str| {
        format!(
            r#""steps": [{{"after": "0s", "weights": [1, 1]}}, {{"after": "{after}", "weights": {weights}}}]"#
        )
    };
    for (members, line) in [
        (
            r#""steps": []"#.to_owned(),
            "steps: needs at least one step",
        ),
        (
            r#""linear": true"#.to_owned(),
            "steps: needs at least one step",
        ),
        (
            step("0s", "[1, 1]"),
            "steps[1].after: is not later than that of the step before",
        ),
        (
            step("-1s", "[1, 1]"),
            "steps[1].after: `-1s` is not a valid duration, such as 30m or 720h",
        ),
        (
            step("1 day", "[1, 1]"),
            "steps[1].after: `1 day` is not a valid duration, such as 30m or 720h",
        ),
        (
            step("1s", "[1]"),
            "steps[1].weights: has 1 entries, and route has 2",
        ),
        (
            step("1s", "[1, 1, 1]"),
            "steps[1].weights: has 3 entries, and route has 2",
        ),
        (
            step("1s", "[0, 0]"),
            "steps[1].weights: the weights sum to 0",
        ),
        (step("1s", "[-1, 1]"), "steps[1].weights[0]: -1 is negative"),
        (
            r#""steps": [{"weights": [1, 1]}]"#.to_owned(),
            "steps[0].after: is required",
        ),
        (
            r#""steps": [{"after": "0s"}]"#.to_owned(),
            "steps[0].weights: has 0 entries, and route has 2",
        ),
        (
            format!(
                r#""start": "2026-12-01T09:00:00", {}"#,
                step("1s", "[1, 1]")
            ),
            "start: `2026-12-01T09:00:00` is not a time with its offset, such as 2026-12-01T09:00:00Z",
        ),
        (
            format!(r#""start": null, {}"#, step("1s", "[1, 1]")),
            "start: invalid type: null, expected a string",
        ),
    ] {
        assert_eq!(refused_or(&members, 2).unwrap_err(), line);
    }
}

fn picked(user: usize, weights: &[u32]) -> usize {
    let seed = |label: usize| rendezvous::seed("salt", &label.to_string());
    let destinations = weights
        .iter()
        .enumerate()
        .map(|(label, weight)| (seed(label), *weight));
    rendezvous::pick(format!("user-{user}").as_bytes(), destinations).unwrap()
}

fn weights(destinations: usize) -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![0..4_u32, 0..200_u32, 0..=i32::MAX.unsigned_abs()];
    prop::collection::vec(weight, destinations).prop_filter("somebody has a share", |weights| {
        weights.iter().any(|weight| *weight > 0)
    })
}

/// Whether the weight of one falls against that of the other, which is what makes users leave it for the other.
fn falls(one: usize, other: usize, before: &[u32], after: &[u32]) -> bool {
    let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
    product(after[one], before[other]) < product(before[one], after[other])
}

proptest! {
    /// With two destinations the share of one grows, so its users stay.
    #[test]
    fn nobody_goes_back_while_a_canary_grows(
        own in 0_u32..=100,
        to in 0_u32..=100,
        later in prop::collection::vec(1_i64..40, 1..12),
    ) {
        let (own, to) = (own.min(to), own.max(to));
        let ramp = ramp(true, &[("500s", &[100 - to, to])]);
        let mut now = START - 20;
        let mut before: Option<Vec<usize>> = None;
        for seconds in later {
            now += seconds;
            let weights = ramp.weights(&[100 - own, own], now).into_owned();
            let versions: Vec<_> = (0..300).map(|user| picked(user, &weights)).collect();
            if let Some(before) = before {
                for (one, other) in before.iter().zip(&versions) {
                    prop_assert!(one <= other, "from the canary back to stable at {now}");
                }
            }
            before = Some(versions);
        }
    }

    #[test]
    fn nobody_leaves_a_destination_that_does_not_fall_against_any_other(
        own in weights(4),
        first in weights(4),
        second in weights(4),
        times in (0_i64..700, 0_i64..700),
    ) {
        let steps = [&first, &second].map(|weights| format!("{weights:?}"));
        let members = format!(
            r#""linear": true, "steps": [{{"after": "200s", "weights": {}}}, {{"after": "600s", "weights": {}}}]"#,
            steps[0], steps[1]
        );
        let ramp = refused_or(&members, 4).unwrap();
        let (earlier, later) = (times.0.min(times.1), times.0.max(times.1));
        let at = |seconds: i64| ramp.weights(&own, START + seconds).into_owned();
        let (before, after) = (at(earlier), at(later));
        for user in 0..100 {
            let (from, to) = (picked(user, &before), picked(user, &after));
            prop_assert!(from == to || falls(from, to, &before, &after), "{:?} {:?}", before, after);
        }
        // A restart or a second proxy computes the same.
        prop_assert_eq!(at(later), refused_or(&members, 4).unwrap().weights(&own, START + later).into_owned());
    }

    #[test]
    fn shares_on_the_way_are_right_to_a_part_in_ten_thousand(
        own in weights(3),
        to in weights(3),
        gone in 1_i64..1_000,
    ) {
        let members = format!(r#""linear": true, "steps": [{{"after": "1000s", "weights": {to:?}}}]"#);
        let ramp = refused_or(&members, 3).unwrap();
        let weights = ramp.weights(&own, START + gone);
        let share = |weights: &[u32], index: usize| {
            let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
            f64::from(weights[index]) / sum as f64
        };
        let part = gone as f64 / 1_000.0;
        for index in 0..3 {
            let exact = share(&own, index) * (1.0 - part) + share(&to, index) * part;
            prop_assert!((share(&weights, index) - exact).abs() < 1e-6);
            prop_assert_eq!(weights[index] == 0, own[index] == 0 && to[index] == 0);
        }
    }

    #[test]
    fn any_time_gives_weights(now in any::<i64>(), linear in any::<bool>()) {
        let ramp = ramp(linear, &[("0s", &[1, 0]), ("2562047h", &[0, 1])]);
        prop_assert_eq!(ramp.weights(&[1, 1], now).len(), 2);
        ramp.position(now);
    }
}
