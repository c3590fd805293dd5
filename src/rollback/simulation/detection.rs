//! How fast a canary that begins to fail is taken out: the table of docs/rollback.md.

use super::*;

const BACKGROUND: f64 = 0.01;
const SEEDS: u64 = 15;
const WORKERS: usize = 4;
const HEALTHY_MS: u64 = 60_000;

/// Requests a second, the canary's share in per cent, and for each share of its answers that fail the seconds that an
/// ideal judge takes (CONFIG.md, rollback).
const IDEAL: [(f64, u32, &[f64]); 5] = [
    (1000.0, 5, &[0.25, 0.5, 1.2, 3.5]),
    (100.0, 25, &[0.8, 1.2, 4.0, 9.9]),
    (100.0, 5, &[1.2, 3.6, 11.0, 30.0]),
    (20.0, 50, &[2.0, 5.0, 18.0, 47.0]),
    (4.0, 25, &[10.0, 28.0]),
];

const FAILING: [f64; 4] = [1.0, 0.5, 0.2, 0.1];

/// Milliseconds from the first bad answer to the rollback, and all errors of the canary that users see, including those
/// of the workers that find the rollback only at their next tick; `None` if it takes longer than five minutes.
fn detect(rate: f64, share: u32, failing: f64, seed: u64) -> Option<(u64, u32)> {
    let mut proxy = Proxy::new(settings(|given| given.keyed = true), WORKERS, seed);
    let traffic = |at_ms| Traffic {
        rate,
        share,
        errors: [
            BACKGROUND,
            if at_ms < HEALTHY_MS {
                BACKGROUND
            } else {
                failing
            },
        ],
    };
    let mut before = 0;
    loop {
        let Tick { at_ms, rolled_back } = proxy.tick(traffic);
        if at_ms < HEALTHY_MS {
            before = proxy.errors;
        }
        if !rolled_back.is_empty() {
            for _ in 0..2 * WORKERS {
                proxy.tick(traffic);
            }
            return Some((at_ms.saturating_sub(HEALTHY_MS), proxy.errors - before));
        }
        if at_ms > HEALTHY_MS + 300_000 {
            return None;
        }
    }
}

#[test]
fn detection_takes_at_most_a_quarter_and_two_ticks_longer_than_an_ideal_judge() {
    let (mut late, mut lines) = (Vec::new(), Vec::new());
    for (row, (rate, share, ideal)) in IDEAL.into_iter().enumerate() {
        let mut line = format!("| {rate}, {share} % |");
        for (column, (&failing, &seconds)) in FAILING.iter().zip(ideal).enumerate() {
            let seed = 1000 * (10 * row + column) as u64;
            let found = (seed..seed + SEEDS).map(|seed| detect(rate, share, failing, seed));
            let (mut times, mut errors): (Vec<u64>, Vec<u32>) =
                found.map(|found| found.unwrap_or((u64::MAX, 0))).unzip();
            times.sort_unstable();
            errors.sort_unstable();
            let median = times[times.len() / 2] as f64 / 1000.0;
            line += &format!(" {median:.1} s, {} |", errors[errors.len() / 2]);
            if median > 1.25 * seconds + 0.5 {
                late.push((rate, share, failing, median, seconds));
            }
        }
        line += &" |".repeat(FAILING.len() - ideal.len());
        lines.push(line);
    }
    assert_eq!(late, []);
    let table = include_str!("../../../docs/rollback.md").replace(" errors |", " |");
    for line in &lines {
        assert!(
            table.contains(line),
            "docs/rollback.md lacks one of these lines:\n{}",
            lines.join("\n")
        );
    }
}
