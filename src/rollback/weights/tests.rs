use proptest::prelude::*;

use super::*;
use crate::rollback::settings::Given;

const NOW_MS: u64 = 1_000_000;

fn settings(observe: bool) -> Settings {
    Settings::new(&Given {
        destinations: &[("blue", true), ("green", true), ("red", true)],
        stable: 0,
        threshold: 50,
        interval_ms: 60_000,
        retry_after_ms: Some(60_000),
        observe,
        keyed: false,
        fingerprint: 1,
    })
    .unwrap()
}

fn out() -> State {
    State {
        out: true,
        ..State::default()
    }
}

fn returned(weight: u64, others: u64) -> State {
    State {
        returned_ms: NOW_MS - 59_999,
        weight,
        others,
        ..State::default()
    }
}

fn weights(states: [State; 3], hour: [u32; 3]) -> Vec<u32> {
    in_force(&settings(false), &states, &hour, NOW_MS)
}

#[test]
fn what_is_out_gets_nothing_and_the_others_keep_their_weights() {
    let in_place = State::default();
    assert_eq!(
        weights([in_place, out(), in_place], [70, 20, 10]),
        [70, 0, 10]
    );
    assert_eq!(weights([in_place, out(), out()], [70, 20, 10]), [70, 0, 0]);
}

#[test]
fn if_nothing_is_left_stable_gets_everything() {
    let in_place = State::default();
    assert_eq!(weights([in_place, out(), out()], [0, 90, 10]), [1, 0, 0]);
    assert_eq!(weights([in_place, out(), in_place], [0, 100, 0]), [1, 0, 0]);
    assert_eq!(
        weights([in_place, returned(1, 3), in_place], [0, 100, 0]),
        [1, 0, 0]
    );
}

#[test]
fn what_has_come_back_gets_at_most_the_share_at_which_it_was_rolled_back() {
    let in_place = State::default();
    let kept = [in_place, returned(25, 75), in_place];
    assert_eq!(weights(kept, [75, 25, 0]), [75, 25, 0]);
    assert_eq!(weights(kept, [90, 10, 0]), [90, 10, 0]);
    let raised = weights(kept, [30_000, 70_000, 0]);
    assert_eq!(raised, [30_000, 10_000, 0]);
}

#[test]
fn small_weights_are_scaled_by_a_power_of_two_before_one_is_lowered() {
    let in_place = State::default();
    let weights = weights([in_place, returned(5, 95), in_place], [1, 1, 2]);
    assert_eq!(weights, [1 << 14, (3 << 14) * 5 / 95, 2 << 14]);
}

#[test]
fn the_cap_ends_after_one_interval() {
    let mut state = returned(5, 95);
    state.returned_ms = NOW_MS - 60_000;
    assert_eq!(
        weights([State::default(), state, State::default()], [1, 1, 0]),
        [1, 1, 0]
    );
}

#[test]
fn a_rollback_that_is_only_observed_changes_no_weight() {
    let states = [State::default(), out(), returned(1, 99)];
    assert_eq!(
        in_force(&settings(true), &states, &[50, 30, 20], NOW_MS),
        [50, 30, 20]
    );
}

proptest! {
    #[test]
    fn nobody_exceeds_the_cap_and_the_uncapped_keep_their_proportions(
        hour in prop::array::uniform3(0_u32..=2_147_483_647),
        small in prop::bool::ANY,
        green in (1_u64..1000, 1_u64..1000),
        red in (1_u64..1000, 1_u64..1000),
    ) {
        let hour = if small { hour.map(|weight| weight % 20) } else { hour };
        let states = [State::default(), returned(green.0, green.1), returned(red.0, red.1)];
        let weights = weights(states, hour);
        let sum = sum(&weights);
        prop_assert!(sum > 0 || hour == [0, 0, 0]);
        if hour[0] > 0 {
            prop_assert_eq!(weights[0] % hour[0], 0);
            prop_assert!((weights[0] / hour[0]).is_power_of_two());
            // Two rounds bring two that came back together nearer to their caps by this factor. With 1/2, the rounds
            // are enough for any weights; nearer to 1, they stop above the caps.
            let converges = 2 * green.0 * red.0 <= green.1 * red.1;
            for (index, (weight, others)) in [(1, green), (2, red)] {
                let most = u128::from(sum) * u128::from(weight) / u128::from(weight + others);
                let alone = weights[3 - index] == 0;
                prop_assert!(!converges && !alone || u128::from(weights[index]) <= most + 4);
            }
        }
    }

    #[test]
    fn no_state_panics(
        hour in prop::collection::vec(any::<u32>().prop_map(|weight| weight >> 1), 0..5),
        numbers in prop::collection::vec(any::<[u64; 3]>(), 3),
        out in prop::array::uniform3(any::<bool>()),
        now_ms in any::<u64>(),
    ) {
        let state = |index: usize| State {
            out: out[index],
            returned_ms: numbers[index][0],
            weight: numbers[index][1],
            others: numbers[index][2],
            ..State::default()
        };
        let states = [state(0), state(1), state(2)];
        prop_assert_eq!(in_force(&settings(false), &states, &hour, now_ms).len(), hour.len());
    }
}
