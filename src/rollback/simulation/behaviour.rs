//! What must not happen, over minutes and hours of traffic.

use super::*;
use crate::rollback::settings::MAX_WAIT_MS;

const MINUTE_MS: u64 = 60_000;

/// Ticks until this time and returns when the canary was rolled back, and for how long.
fn rollbacks(proxy: &mut Proxy, until_ms: u64, traffic: impl Fn(u64) -> Traffic) -> Vec<u64> {
    let mut rollbacks = Vec::new();
    loop {
        let Tick { at_ms, rolled_back } = proxy.tick(&traffic);
        rollbacks.extend(rolled_back.iter().map(|_| at_ms));
        if at_ms >= until_ms {
            return rollbacks;
        }
    }
}

#[test]
fn where_stable_becomes_as_bad_nothing_happens() {
    for (seed, (rate, share, failing)) in [
        (1000.0, 5, 1.0),
        (1000.0, 50, 0.5),
        (100.0, 25, 0.2),
        (20.0, 50, 0.9),
    ]
    .into_iter()
    .enumerate()
    {
        let mut proxy = Proxy::new(settings(|_| {}), 4, seed as u64);
        let traffic = |at_ms| Traffic {
            rate,
            share,
            errors: [if at_ms < MINUTE_MS { 0.01 } else { failing }; 2],
        };
        assert!(
            rollbacks(&mut proxy, 5 * MINUTE_MS, traffic).is_empty(),
            "{rate}/s"
        );
    }
}

#[test]
fn a_fault_of_both_that_begins_when_the_canary_gets_its_share_is_not_the_canarys() {
    for seed in 0..5 {
        let mut proxy = Proxy::new(settings(|_| {}), 4, seed);
        let traffic = |at_ms| Traffic {
            rate: 1000.0,
            share: if at_ms < MINUTE_MS { 0 } else { 25 },
            errors: [if at_ms < MINUTE_MS { 0.01 } else { 0.5 }; 2],
        };
        assert!(rollbacks(&mut proxy, 3 * MINUTE_MS, traffic).is_empty());
    }
}

#[test]
fn stable_is_never_rolled_back() {
    let mut proxy = Proxy::new(settings(|_| {}), 4, 1);
    let traffic = |_| Traffic {
        rate: 100.0,
        share: 50,
        errors: [1.0, 0.0],
    };
    assert!(rollbacks(&mut proxy, 3 * MINUTE_MS, traffic).is_empty());
    assert_eq!(proxy.model.record.out_since_unix(0), None);
}

#[test]
fn one_client_in_a_loop_that_keeps_its_version_condemns_nobody() {
    for (keyed, clients, out) in [
        (true, 1, false),
        (true, 2, false),
        (true, 3, true),
        // Without keys there is no way to know.
        (false, 1, true),
    ] {
        let settings = settings(|given| given.keyed = keyed);
        let mut record = Record::empty(&settings);
        let mut rolled_back = false;
        for tick in 0..1200 {
            let mut answers = Answers::new(2);
            for user in 0..25 {
                answers.add(usize::from(user % 4 == 0), false, Some(1000 + user));
            }
            for request in 0..10 {
                answers.add(1, true, Some(10 + request % clients));
            }
            record.add(&settings, &answers, tick * 250);
            rolled_back |= !record.step(&settings, &[75, 25], tick * 250, 0).is_empty();
        }
        assert_eq!(rolled_back, out, "{clients} clients, {keyed}");
    }
}

#[test]
fn a_canary_that_stays_bad_is_tried_less_and_less_often() {
    let settings = settings(|given| given.retry_after_ms = Some(10_000));
    let mut proxy = Proxy::new(settings, 4, 5);
    let traffic = |_| Traffic {
        rate: 100.0,
        share: 25,
        errors: [0.01, 1.0],
    };
    let at = rollbacks(&mut proxy, 3 * MAX_WAIT_MS, traffic);
    let between: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // 10 s, 20 s ... 2560 s, then an hour, each with the second that it took to see it again.
    assert_eq!(between.len(), 10);
    for (round, found) in between.iter().enumerate() {
        let wait_ms = (10_000 << round).min(MAX_WAIT_MS);
        assert!(
            (wait_ms..wait_ms + 10_000).contains(found),
            "{round}: {found}"
        );
    }
}

#[test]
fn a_canary_at_the_edge_goes_once_or_with_growing_waits() {
    let edge = |_| Traffic {
        rate: 200.0,
        share: 50,
        errors: [0.01, 0.06],
    };
    let mut proxy = Proxy::new(settings(|_| {}), 4, 6);
    assert!(rollbacks(&mut proxy, 60 * MINUTE_MS, edge).len() <= 1);

    let settings = settings(|given| given.retry_after_ms = Some(10_000));
    let mut proxy = Proxy::new(settings, 4, 7);
    let at = rollbacks(&mut proxy, 60 * MINUTE_MS, edge);
    println!("rolled back {} times in an hour at the edge", at.len());
    // It serves for a whole interval, or the wait doubles: ten waits fill the hour.
    assert!((1..=40).contains(&at.len()), "{}", at.len());
}
