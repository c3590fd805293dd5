use proptest::prelude::*;

use super::*;
use crate::rollback::settings::Given;

const RETRY_MS: u64 = 60_000;
const HOUR: [u32; 3] = [50, 30, 20];

const GIVEN: Given<'static> = Given {
    destinations: &[("blue", true), ("green", true), ("red", true)],
    stable: 0,
    threshold: 50,
    interval_ms: 10_000,
    retry_after_ms: Some(RETRY_MS),
    observe: false,
    keyed: false,
    fingerprint: 1,
};

fn settings(change: impl Fn(&mut Given<'static>)) -> Settings {
    let mut given = GIVEN;
    change(&mut given);
    Settings::new(&given).unwrap()
}

/// A hundred answers of each destination; all those of the `bad` ones are errors.
fn answers(bad: &[usize]) -> Answers {
    let mut answers = Answers::new(3);
    for destination in 0..3 {
        (0..100).for_each(|_| answers.add(destination, bad.contains(&destination), None));
    }
    answers
}

/// Adds the answers and steps, as a worker does.
fn tick(
    record: &mut Record,
    settings: &Settings,
    bad: &[usize],
    now_ms: u64,
) -> Vec<(usize, bool)> {
    record.add(settings, &answers(bad), now_ms);
    outs(&record.step(settings, &HOUR, now_ms, now_ms / 1000))
}

fn outs(transitions: &[Transition]) -> Vec<(usize, bool)> {
    let out = |it: &Transition| (it.destination, matches!(it.change, Change::RolledBack(_)));
    transitions.iter().map(out).collect()
}

fn weights(record: &Record, settings: &Settings, now_ms: u64) -> Vec<u32> {
    let weights = record.in_force(settings, &HOUR, now_ms);
    weights.map_or(HOUR.to_vec(), Vec::from)
}

#[test]
fn a_bad_destination_loses_its_share_and_the_transition_says_why() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    record.add(&settings, &answers(&[1]), 100_000);
    let transitions = record.step(&settings, &HOUR, 100_000, 77);
    let line = transitions[0].line("color", "green", "blue").to_string();
    let expected = "rule color: green rolled back: 100 of 100 answers were errors (100.0 %), \
                    stable blue 0 of 100 (0.0 %), in the last 0.25 s";
    assert_eq!(line, expected);
    assert_eq!(weights(&record, &settings, 100_000), [50, 0, 20]);
    assert_eq!(record.out_since_unix(1), Some(77));
    assert_eq!(record.out_since_unix(2), None);
    assert_eq!(record.due_ms(&settings, 100_000), Some(160_000));
}

#[test]
fn stable_is_never_out_and_all_others_may_be_at_once() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    assert_eq!(tick(&mut record, &settings, &[0], 100_000), []);
    let mut record = Record::empty(&settings);
    assert_eq!(tick(&mut record, &settings, &[0, 1, 2], 100_000), []);
    let mut record = Record::empty(&settings);
    assert_eq!(
        tick(&mut record, &settings, &[1, 2], 100_000),
        [(1, true), (2, true)]
    );
    assert_eq!(weights(&record, &settings, 100_000), [50, 0, 0]);
    assert_eq!(
        record.in_force(&settings, &[0, 30, 20], 100_000).unwrap()[..],
        [1, 0, 0]
    );
}

#[test]
fn without_weight_or_requests_of_stable_nothing_is_judged() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    record.add(&settings, &answers(&[1]), 100_000);
    assert_eq!(record.clone().step(&settings, &[0, 30, 20], 100_000, 0), []);
    assert_eq!(
        outs(&record.clone().step(&settings, &[50, 0, 50], 100_000, 0)),
        []
    );
    let mut record = Record::empty(&settings);
    let mut only_green = Answers::new(3);
    (0..100).for_each(|_| only_green.add(1, true, None));
    record.add(&settings, &only_green, 100_000);
    assert_eq!(record.step(&settings, &HOUR, 100_000, 0), []);
}

#[test]
fn without_retry_after_a_rollback_holds() {
    let settings = settings(|given| given.retry_after_ms = None);
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    assert_eq!(record.due_ms(&settings, 100_000), None);
    assert_eq!(tick(&mut record, &settings, &[], u64::MAX - 1), []);
    assert_eq!(weights(&record, &settings, u64::MAX - 1), [50, 0, 20]);
}

#[test]
fn after_retry_after_it_starts_clean_with_at_most_its_old_share_for_one_interval() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    // Answers that were under way when it went still come in.
    assert_eq!(tick(&mut record, &settings, &[1], 159_999), []);
    assert_eq!(tick(&mut record, &settings, &[], 160_000), [(1, false)]);
    assert_eq!(tick(&mut record, &settings, &[], 160_250), []);
    assert_eq!(record.due_ms(&settings, 160_250), Some(170_000));
    let raised = [30_000, 60_000, 10_000];
    assert_eq!(
        record.in_force(&settings, &raised, 160_250).unwrap()[..],
        [30_000, 17_142, 10_000]
    );
    assert_eq!(record.in_force(&settings, &raised, 170_000), None);
}

#[test]
fn if_it_goes_again_while_it_is_capped_it_comes_back_at_the_capped_share() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    assert_eq!(tick(&mut record, &settings, &[], 160_000), [(1, false)]);
    let raised = [30_000, 60_000, 10_000];
    record.add(&settings, &answers(&[1]), 161_000);
    assert_eq!(
        outs(&record.step(&settings, &raised, 161_000, 0)),
        [(1, true)]
    );
    record.step(&settings, &raised, 300_000, 0);
    assert_eq!(
        record.in_force(&settings, &raised, 300_000).unwrap()[..],
        [30_000, 17_142, 10_000]
    );
}

#[test]
fn a_rollback_does_not_end_by_time_while_stable_has_no_weight() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    assert_eq!(record.step(&settings, &[0, 80, 20], 200_000, 0), []);
    assert_eq!(record.due_ms(&settings, 200_000), Some(160_000));
    assert_eq!(
        outs(&record.step(&settings, &HOUR, 200_250, 0)),
        [(1, false)]
    );
}

#[test]
fn waits_double_up_to_an_hour_until_it_has_served_for_as_long_as_the_last() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    let mut now_ms = 100_000;
    let mut waits = Vec::new();
    for _ in 0..9 {
        tick(&mut record, &settings, &[1], now_ms);
        let due_ms = record.due_ms(&settings, now_ms).unwrap();
        waits.push((due_ms - now_ms) / RETRY_MS);
        assert_eq!(tick(&mut record, &settings, &[], due_ms), [(1, false)]);
        now_ms = due_ms + 5_000;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    tick(&mut record, &settings, &[1], now_ms + 3_600_000);
    let due_ms = record.due_ms(&settings, now_ms + 3_600_000).unwrap();
    assert_eq!(due_ms - now_ms - 3_600_000, RETRY_MS);
}

#[test]
fn if_the_clock_goes_back_a_wait_begins_anew_instead_of_taking_forever() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 1 << 50);
    assert_eq!(tick(&mut record, &settings, &[], 5_000), []);
    assert_eq!(record.due_ms(&settings, 5_000), Some(65_000));
    assert_eq!(tick(&mut record, &settings, &[], 65_000), [(1, false)]);
}

#[test]
fn a_destination_without_any_weight_is_free_again_and_forgotten() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    let none: &[(&str, bool)] = &[("blue", true), ("green", false), ("red", true)];
    let unweighted = self::settings(|given| given.destinations = none);
    let ended = record.step(&unweighted, &[80, 0, 20], 101_000, 0);
    let change = Change::Ended {
        reason: End::Unweighted,
        out_ms: 1_000,
    };
    assert_eq!((ended.len(), &ended[0].change), (1, &change));
    assert_eq!(record.states[1], State::default());
    // Its old errors do not condemn it again.
    assert_eq!(tick(&mut record, &settings, &[], 101_250), []);
    assert_eq!(record.in_force(&settings, &HOUR, 101_250), None);
}

#[test]
fn an_observed_rollback_is_reported_and_changes_no_weight() {
    let settings = settings(|given| given.observe = true);
    let mut record = Record::empty(&settings);
    record.add(&settings, &answers(&[1]), 100_000);
    let transitions = record.step(&settings, &HOUR, 100_000, 0);
    assert!(transitions[0].observed);
    assert_eq!(record.in_force(&settings, &HOUR, 100_000), None);
    assert_eq!(tick(&mut record, &settings, &[1], 100_250), []);
    assert_eq!(tick(&mut record, &settings, &[], 160_000), [(1, false)]);
    assert_eq!(record.in_force(&settings, &[1, 99, 0], 160_000), None);
}

#[test]
fn a_record_of_another_fingerprint_is_empty_and_its_rollbacks_are_reported_as_ended() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    let other = self::settings(|given| given.fingerprint = 2);
    let mut read = Record::read(&record.write(&settings), &other);
    let ended = read.step(&other, &HOUR, 105_000, 0);
    let change = Change::Ended {
        reason: End::Reconfigured,
        out_ms: 5_000,
    };
    assert_eq!((ended[0].destination, &ended[0].change), (1, &change));
    assert_eq!(read.in_force(&other, &HOUR, 105_000), None);
    assert_eq!(
        Record::read(&read.write(&other), &other).step(&other, &HOUR, 105_000, 0),
        []
    );
}

#[test]
fn a_rollback_survives_another_order_of_the_destinations() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    let turned: &[(&str, bool)] = &[("red", true), ("green", true), ("blue", true)];
    let turned = self::settings(|given| {
        given.destinations = turned;
        given.stable = 2;
    });
    let read = Record::read(&record.write(&settings), &turned);
    assert_eq!(
        read.in_force(&turned, &[20, 30, 50], 100_000).unwrap()[..],
        [20, 0, 50]
    );
    assert_eq!(Record::read(&read.write(&turned), &settings), record);
    let renamed: &[(&str, bool)] = &[("red", true), ("gray", true), ("blue", true)];
    let renamed = self::settings(|given| given.destinations = renamed);
    assert_eq!(
        Record::read(&record.write(&settings), &renamed),
        Record::empty(&renamed)
    );
}

#[test]
fn windows_of_another_version_are_absent_and_the_rollback_is_kept() {
    let settings = settings(|_| {});
    let mut record = Record::empty(&settings);
    tick(&mut record, &settings, &[1], 100_000);
    let bytes = record.write(&settings);
    let frozen = bytes.len() - frozen::read(&bytes).unwrap().1.len();
    for rest in [&b""[..], &[2], &[9; 5_000]] {
        let bytes = [&bytes[..frozen], rest].concat();
        let read = Record::read(&bytes, &settings);
        assert_eq!(read.states, record.states);
        assert_eq!(read.windows, Windows::empty(&settings));
    }
}

fn ticks() -> impl Strategy<Value = Vec<(u64, Vec<usize>)>> {
    let later = prop_oneof![0_u64..600, any::<u64>()];
    prop::collection::vec((later, prop::collection::vec(0_usize..3, 0..3)), 0..12)
}

proptest! {
    #[test]
    fn times_that_jump_never_panic_and_what_is_written_is_read(ticks in ticks(), keyed in any::<bool>()) {
        let settings = settings(|given| given.keyed = keyed);
        let mut record = Record::empty(&settings);
        let mut now_ms = 0_u64;
        for (later_ms, bad) in ticks {
            now_ms = now_ms.wrapping_add(later_ms);
            tick(&mut record, &settings, &bad, now_ms);
            record.in_force(&settings, &HOUR, now_ms);
            record.due_ms(&settings, now_ms);
            prop_assert_eq!(&Record::read(&record.write(&settings), &settings), &record);
        }
    }

    #[test]
    fn torn_and_changed_bytes_are_an_empty_record_or_one_without_windows(
        at in any::<prop::sample::Index>(), flip in 1_u8.., more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let settings = settings(|_| {});
        let mut record = Record::empty(&settings);
        tick(&mut record, &settings, &[1], 100_000);
        let bytes = record.write(&settings);
        let at = at.index(bytes.len());
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        for bytes in [bytes[..at].to_vec(), changed, [bytes, more].concat()] {
            let read = Record::read(&bytes, &settings);
            prop_assert_eq!(&read.windows, &Windows::empty(&settings));
            prop_assert!(read.states == record.states || read == Record::empty(&settings));
        }
    }

    #[test]
    fn garbage_is_an_empty_record(garbage in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let settings = settings(|_| {});
        prop_assert_eq!(Record::read(&garbage, &settings), Record::empty(&settings));
    }
}
