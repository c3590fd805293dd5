use super::*;
use proptest::prelude::*;

#[test]
fn usual_weights_are_mixed_exactly() {
    for (from, to, elapsed, length, expected) in [
        (&[95, 5][..], &[75, 25][..], 1, 4, &[360, 40][..]),
        (&[100, 0], &[0, 100], 3, 10, &[700, 300]),
        (&[10, 0], &[0, 7], 3, 10, &[490, 210]),
        (&[1, 1], &[2, 1], 1, 2, &[7, 5]),
        (&[50, 30, 20], &[0, 30, 20], 1, 2, &[50, 90, 60]),
        // The scale differs, and the shares do not.
        (&[75, 25], &[3, 1], 1, 2, &[150, 50]),
        // One destination has everything.
        (&[0], &[7], 1, 2, &[7]),
    ] {
        assert_eq!(
            between(from, to, elapsed, length),
            expected,
            "{from:?} -> {to:?}"
        );
    }
}

#[test]
fn a_share_that_leaves_0_has_a_weight_at_once_and_keeps_one_to_the_end() {
    const CENTURY: u64 = 100 * 365 * 86_400_000;
    for (from, to) in [
        (&[100, 0][..], &[99, 1][..]),
        (&[9_999, 1], &[10_000, 0]),
        (&[2_147_483_647, 0], &[2_147_483_646, 1]),
        (&[2_147_483_647, 1], &[2_147_483_646, 0]),
    ] {
        for elapsed in [1_000, CENTURY / 2, CENTURY - 1_000] {
            let weights = between(from, to, elapsed, CENTURY);
            assert!(weights.iter().all(|weight| *weight > 0), "{weights:?}");
        }
    }
}

/// Two lists of equal length, each with a weight above 0.
fn ends(largest: u32) -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let weight = prop_oneof![Just(0), 0..=largest, 0..=largest.min(20)];
    let pair = (weight.clone(), weight);
    prop::collection::vec(pair, 2..6)
        .prop_map(|pairs| pairs.into_iter().unzip())
        .prop_filter("a sum is 0", |(from, to): &(Vec<u32>, Vec<u32>)| {
            [from, to]
                .iter()
                .all(|end| end.iter().any(|weight| *weight > 0))
        })
}

/// Two lists of equal length, each with this sum.
fn of_sum(sum: u32) -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let weight = move || prop_oneof![Just(0), 0..=sum / 5];
    prop::collection::vec((weight(), weight()), 1..5).prop_map(move |mut pairs| {
        let left = pairs
            .iter()
            .fold((sum, sum), |left, pair| (left.0 - pair.0, left.1 - pair.1));
        pairs.push(left);
        pairs.into_iter().unzip()
    })
}

/// Two moments of one way, a whole number of seconds apart: `0 < one < other < length`, in milliseconds.
fn moments() -> impl Strategy<Value = (u64, u64, u64)> {
    let length = prop_oneof![3..10_000_u64, 3..3_000_000_000_u64];
    let fraction = || prop_oneof![Just(0), Just(250), 0..1_000_u64];
    let parts = (0.0..1.0_f64, 0.0..1.0_f64, any::<bool>());
    (length, parts, fraction(), fraction()).prop_map(|(length, (one, other, close), late, more)| {
        let at = |part: f64, most: u64| 1 + (part * most as f64) as u64 % most;
        let one = at(one, length - 2);
        let further = if close {
            1
        } else {
            at(other, length - 1 - one)
        };
        let elapsed = |seconds| 1_000 * seconds - late;
        (elapsed(one), elapsed(one + further), elapsed(length) + more)
    })
}

fn share(weights: &[u32], index: usize) -> f64 {
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    f64::from(weights[index]) / sum as f64
}

/// Whether `weights[i] / weights[j]` rises, falls or stays from one list to the other.
fn ratio(one: &[u32], other: &[u32], (i, j): (usize, usize)) -> std::cmp::Ordering {
    let product = |one: u32, other: u32| u64::from(one) * u64::from(other);
    product(other[i], one[j]).cmp(&product(one[i], other[j]))
}

proptest! {
    #[test]
    fn shares_are_right_and_none_is_lost(
        (from, to) in prop_oneof![ends(100), ends(10_000), ends(i32::MAX.unsigned_abs())],
        (elapsed, _, length) in moments(),
    ) {
        let weights = between(&from, &to, elapsed, length);
        prop_assert_eq!(weights.len(), from.len());
        let part = elapsed as f64 / length as f64;
        for (index, weight) in weights.iter().enumerate() {
            let ideal = (1.0 - part) * share(&from, index) + part * share(&to, index);
            let error = (share(&weights, index) - ideal).abs();
            prop_assert!(error <= 1.0 / FINE as f64, "{weights:?} is wrong by {error}");
            prop_assert!(u128::from(*weight) <= LARGEST);
            prop_assert_eq!(*weight > 0, from[index] > 0 || to[index] > 0);
        }
    }

    /// Not the least rounding: otherwise users at the border would go to and fro.
    #[test]
    fn the_ratio_of_two_usual_weights_moves_in_one_direction(
        (from, to) in prop_oneof![ends(25), of_sum(100), of_sum(1_000), of_sum(10_000)],
        (one, other, length) in moments(),
    ) {
        let moments = [from.clone(), between(&from, &to, one, length), between(&from, &to, other, length), to.clone()];
        for i in 0..from.len() {
            for j in 0..i {
                let whole = ratio(&from, &to, (i, j));
                for pair in moments.windows(2) {
                    let step = ratio(&pair[0], &pair[1], (i, j));
                    prop_assert!(step.is_eq() || step == whole, "{moments:?}: {i} against {j}");
                }
            }
        }
    }

    /// A step of one unit, of which the whole has 2147483647, can be missing where a step begins.
    #[test]
    fn of_two_destinations_with_any_weights_one_gains_all_the_way(
        (from, to) in ends(i32::MAX.unsigned_abs()).prop_filter("two", |(from, _)| from.len() == 2),
        (one, other, length) in moments(),
    ) {
        let whole = ratio(&from, &to, (0, 1));
        let (one, other) = (between(&from, &to, one, length), between(&from, &to, other, length));
        let step = ratio(&one, &other, (0, 1));
        prop_assert!(step.is_eq() || step == whole, "{one:?} -> {other:?}");
    }
}
