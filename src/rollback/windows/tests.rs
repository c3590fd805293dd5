use super::*;
use crate::rollback::answers::Answers;
use crate::rollback::settings::Given;
use crate::rollback::settings::tests::GOOD;

fn settings(keyed: bool) -> Settings {
    Settings::new(&Given { keyed, ..GOOD }).unwrap()
}

fn answers(good: [u32; 2], bad: [u32; 2]) -> Answers {
    let mut answers = Answers::new(2);
    for destination in 0..2 {
        for _ in 0..good[destination] {
            answers.add(destination, false, None);
        }
        for _ in 0..bad[destination] {
            answers.add(destination, true, None);
        }
    }
    answers
}

fn all(windows: &Windows, settings: &Settings) -> Vec<(u64, u64, u64)> {
    let mut all = Vec::new();
    windows.find(settings, 1, |window, _| {
        all.push((
            window.window_ms,
            window.canary.requests,
            window.canary.errors,
        ));
        false
    });
    all
}

#[test]
fn every_window_ends_now_and_holds_what_was_counted_in_it() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    for now_ms in (0..120_000).step_by(250) {
        windows.add(&settings, answers([1, 1], [0, 0]).tallies(), now_ms);
    }
    // The last tick ends all rings' newest slots.
    for (window_ms, requests, _) in all(&windows, &settings) {
        assert_eq!(requests, window_ms / 250);
    }
    let lengths: Vec<u64> = all(&windows, &settings)
        .iter()
        .map(|window| window.0)
        .collect();
    let expected = (1..=8).map(|n| n * 250);
    let expected = expected.chain((3..=30).map(|n| n * 1_000));
    let expected: Vec<u64> = expected.chain((16..=30).map(|n| n * 2_000)).collect();
    assert_eq!(lengths, expected);
}

#[test]
fn answers_older_than_the_interval_are_in_no_window() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    windows.add(&settings, answers([0, 0], [0, 9]).tallies(), 500_000);
    windows.advance(&settings, 559_999);
    assert_eq!(all(&windows, &settings).last(), Some(&(60_000, 9, 9)));
    windows.advance(&settings, 560_000);
    assert!(all(&windows, &settings).iter().all(|window| window.1 == 0));
}

#[test]
fn a_worker_that_is_a_tick_late_adds_to_the_slots_of_its_own_time() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    windows.add(&settings, answers([0, 1], [0, 0]).tallies(), 110_000);
    windows.add(&settings, answers([0, 2], [0, 0]).tallies(), 109_800);
    assert_eq!(windows.newest_ms, 110_000);
    assert_eq!(all(&windows, &settings)[..2], [(250, 1, 0), (500, 3, 0)]);
    // Too late for the fine slots, in time for the others.
    windows.add(&settings, answers([0, 4], [0, 0]).tallies(), 105_000);
    let all = all(&windows, &settings);
    assert_eq!((all[7], all.last()), ((2_000, 3, 0), Some(&(60_000, 7, 0))));
}

#[test]
fn a_time_that_jumps_never_freezes_the_windows() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    for now_ms in [5, u64::MAX, 0, u64::MAX - 1, 7, 1 << 40, 100_000] {
        windows.add(&settings, answers([0, 1], [0, 0]).tallies(), now_ms);
        assert_eq!(all(&windows, &settings)[0].1, 1, "{now_ms}");
    }
}

#[test]
fn counts_stop_at_their_largest_value() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    let full = Tally {
        requests: u32::MAX,
        errors: u32::MAX,
        ..Tally::default()
    };
    for now_ms in (0..60_000).step_by(125) {
        windows.add(&settings, &[full, full], now_ms);
    }
    assert_eq!(windows.verdict(&settings, 1), None);
    let longest = *all(&windows, &settings).last().unwrap();
    assert_eq!(
        longest,
        (60_000, 30 * u64::from(u32::MAX), 30 * u64::from(u32::MAX))
    );
}

#[test]
fn no_window_reaches_back_to_a_time_at_which_the_destination_or_stable_got_nothing() {
    let settings = settings(false);
    for resting in [0, 1] {
        let mut windows = Windows::empty(&settings);
        windows.add(&settings, answers([100, 0], [0, 100]).tallies(), 10_000);
        assert!(windows.verdict(&settings, 1).is_some());
        windows.rest(resting, 10_010);
        assert_eq!(windows.verdict(&settings, 1), None);
        windows.add(&settings, answers([100, 0], [0, 0]).tallies(), 15_000);
        assert_eq!(windows.verdict(&settings, 1), None);
        windows.add(&settings, answers([0, 0], [0, 100]).tallies(), 15_000);
        assert!(windows.verdict(&settings, 1).is_some());
    }
}

#[test]
fn a_longer_window_counts_if_it_adds_only_answers_of_stable() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    windows.add(&settings, answers([500, 0], [0, 0]).tallies(), 10_000);
    windows.add(&settings, answers([0, 0], [0, 100]).tallies(), 10_250);
    assert_eq!(windows.verdict(&settings, 1).unwrap().window_ms, 500);
}

#[test]
fn a_rule_with_keys_needs_errors_from_three_of_them_within_the_window() {
    let settings = settings(true);
    let mut windows = Windows::empty(&settings);
    windows.add(&settings, answers([500, 500], [0, 0]).tallies(), 0);
    let mut bad = Answers::new(2);
    for _ in 0..100 {
        bad.add(1, true, Some(7));
        bad.add(0, false, Some(9));
    }
    bad.add(1, true, Some(8));
    windows.add(&settings, bad.tallies(), 10_000);
    assert_eq!(windows.verdict(&settings, 1), None);
    let mut third = Answers::new(2);
    third.add(1, true, None);
    windows.add(&settings, third.tallies(), 12_000);
    assert_eq!(windows.verdict(&settings, 1).unwrap().window_ms, 3_000);
}

#[test]
fn an_answer_that_turns_out_bad_later_never_gives_more_errors_than_answers() {
    let settings = settings(false);
    let mut windows = Windows::empty(&settings);
    windows.add(&settings, answers([0, 50], [0, 0]).tallies(), 101_000);
    let mut late = Answers::new(2);
    (0..50).for_each(|_| late.worsen(1, None));
    windows.add(&settings, late.tallies(), 111_000);
    for (_, requests, errors) in all(&windows, &settings) {
        assert!(errors <= requests);
    }
    assert_eq!(all(&windows, &settings).last(), Some(&(60_000, 50, 50)));
}
