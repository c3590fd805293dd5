//! A canary that is as good as stable is never rolled back.

use super::*;
use crate::rollback::TICK_MS;
use crate::rollback::evidence::{evidence, exceeds};

const RATES: [f64; 5] = [20.0, 50.0, 100.0, 300.0, 1000.0];
const SHARES: [u32; 3] = [5, 25, 50];

/// Simulates each rate with each share for as many hours, and returns the highest evidence that was above the
/// threshold, looked for with every `look`th tick.
fn highest_evidence(background: f64, hours: u64, look: u64, seed: u64) -> f64 {
    let settings = settings(|_| {});
    let mut highest: f64 = 0.0;
    let runs = RATES
        .iter()
        .flat_map(|&rate| SHARES.map(|share| (rate, share)));
    for (run, (rate, share)) in runs.enumerate() {
        let traffic = Traffic {
            rate,
            share,
            errors: [background; 2],
        };
        let made = model::Traffic::from(traffic);
        let mut rng = Rng::with_seed(seed + run as u64);
        let mut record = Record::empty(&settings);
        let mut answers = Answers::new(2);
        for tick in 0..hours * 3600 * 1000 / TICK_MS {
            let now_ms = tick * TICK_MS;
            let (ms, weights) = (TICK_MS as f64, traffic.hour());
            made.count(&mut answers, &mut rng, ms, &weights, &mut |_, _| None);
            record.add(&settings, &answers, now_ms);
            answers.clear();
            let transitions = record.step(&settings, &traffic.hour(), now_ms, 0);
            assert_eq!(
                transitions,
                [],
                "{rate}/s, {share} %, {background}, seed {seed}, {now_ms} ms"
            );
            if tick % look == 0 {
                highest = highest.max(evidence_now(&record, &settings));
            }
        }
    }
    highest
}

/// The highest evidence of all windows in which the canary exceeds the threshold.
fn evidence_now(record: &Record, settings: &Settings) -> f64 {
    let mut highest: f64 = 0.0;
    record.windows().find(settings, 1, |window, _| {
        if exceeds(window.canary, window.stable, settings.threshold) {
            highest = highest.max(evidence(window.canary, window.stable));
        }
        false
    });
    highest
}

/// 15 combinations of rate and share, 4 hours each: 2.5 days for one background.
fn stays(background: f64, seed: u64) {
    let highest = highest_evidence(background, 4, 8, seed);
    println!("background {background}: highest evidence {highest:.1} in 2.5 days");
}

#[test]
fn a_canary_as_good_as_stable_stays_with_1_percent_errors() {
    stays(0.01, 100);
}

#[test]
fn a_canary_as_good_as_stable_stays_with_3_percent_errors() {
    stays(0.03, 200);
}

#[test]
fn a_canary_as_good_as_stable_stays_with_10_percent_errors() {
    stays(0.1, 300);
}

#[test]
fn a_canary_as_good_as_stable_stays_with_30_percent_errors() {
    stays(0.3, 400);
}

#[test]
#[ignore = "make soak"]
fn soak_a_canary_as_good_as_stable_stays_for_80_days() {
    for (run, background) in [0.01, 0.03, 0.1, 0.3].into_iter().enumerate() {
        let highest = highest_evidence(background, 32, 1, 1000 * (run as u64 + 1));
        println!("background {background}: highest evidence {highest:.1} in 20 days");
    }
}
