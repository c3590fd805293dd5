//! Traffic that is made up: how often a good canary would go, and how soon a bad one does.

use super::evidence::{Counts, evidence};
use super::{Answers, Change, Given, Record, Settings, TICK_MS, Transition};
use fastrand::Rng;

/// Where a simulation begins: no multiple of any slot.
const START_MS: u64 = 1_234_567;
const HOUR: u64 = 3_600_000;

/// Two versions under load. Each answer is an error by chance, independently of the others.
#[derive(Clone, Copy, Debug)]
struct Traffic {
    /// Requests per second.
    rate: f64,
    /// In percent; the rest is stable's.
    canary: u32,
    /// The probability of an error, of stable and of the canary.
    errors: [f64; 2],
}

impl Traffic {
    fn weights(&self) -> [u32; 2] {
        [100 - self.canary, self.canary]
    }
}

fn settings(keyed: bool, retry_after_ms: Option<u64>) -> Settings {
    Settings::new(&Given {
        destinations: &[("blue", true), ("green", true)],
        stable: 0,
        threshold: 50,
        interval_ms: 60_000,
        retry_after_ms,
        observe: false,
        keyed,
        fingerprint: 1,
    })
    .unwrap()
}

/// Successes in `trials` of this probability: it skips from one to the next, so that rare ones cost little.
fn binomial(random: &mut Rng, trials: u64, probability: f64) -> u64 {
    if probability <= 0.0 {
        return 0;
    }
    if probability >= 1.0 {
        return trials;
    }
    let scale = 1.0 / (1.0 - probability).ln();
    let (mut at, mut successes) = (0.0, 0);
    loop {
        at += ((1.0 - random.f64()).ln() * scale).floor() + 1.0;
        if at > trials as f64 {
            return successes;
        }
        successes += 1;
    }
}

/// How many requests come in a time with this many on average (Knuth, TAOCP 3.4.1).
fn poisson(random: &mut Rng, mean: f64) -> u64 {
    // A sum of smaller ones, so that no product becomes 0.
    if mean > 30.0 {
        return poisson(random, mean / 2.0) + poisson(random, mean / 2.0);
    }
    let limit = (-mean).exp();
    let (mut product, mut count) = (random.f64(), 0);
    while product > limit {
        product *= random.f64();
        count += 1;
    }
    count
}

/// Puts the answers of some time into the workers' counts. Every user comes once.
fn answer(random: &mut Rng, traffic: &Traffic, ms: u64, workers: &mut [Answers]) {
    let requests = poisson(random, traffic.rate * ms as f64 / 1_000.0);
    let canary = binomial(random, requests, f64::from(traffic.canary) / 100.0);
    for (destination, requests) in [requests - canary, canary].into_iter().enumerate() {
        let errors = binomial(random, requests, traffic.errors[destination]);
        for request in 0..requests {
            let worker = random.usize(..workers.len());
            workers[worker].add(destination, request < errors, Some(random.u64(..)));
        }
    }
}

/// The highest evidence in any window that ends now, whatever the difference is.
fn highest(record: &Record, settings: &Settings) -> f64 {
    let mut highest: f64 = 0.0;
    record.windows().find(settings, 1, |window, _| {
        let Counts { requests, errors } = window.canary;
        if errors * window.stable.requests > window.stable.errors * requests {
            highest = highest.max(evidence(window.canary, window.stable));
        }
        false
    });
    highest
}

/// Runs a canary that is as good as stable for this time: its rollbacks, and the highest evidence.
fn background(traffic: &Traffic, ms: u64, seed: u64) -> (usize, f64) {
    // Windows overlap, and to look at each of them takes longer than to judge.
    const LOOK: u64 = 16;
    let settings = settings(false, Some(1_000));
    let mut random = Rng::with_seed(seed);
    let mut workers = [Answers::new(2)];
    let mut record = Record::empty(&settings);
    let (mut rollbacks, mut evidence) = (0, 0.0);
    for now in (START_MS..START_MS + ms).step_by(TICK_MS as usize) {
        answer(&mut random, traffic, TICK_MS, &mut workers);
        record.add(&settings, &workers[0], now);
        workers[0].clear();
        if now / TICK_MS % LOOK == 0 {
            evidence = highest(&record, &settings).max(evidence);
        }
        let transitions = record.step(&settings, &traffic.weights(), now, 0);
        rollbacks += transitions.iter().filter(|it| is_rollback(it)).count();
    }
    (rollbacks, evidence)
}

fn is_rollback(transition: &Transition) -> bool {
    matches!(transition.change, Change::RolledBack(_))
}

/// Milliseconds from the moment that the canary breaks to its rollback, with the errors until then, with four workers whose
/// ticks are out of step. The record goes through its bytes each time, as in shared data.
fn detection(traffic: &Traffic, errors: f64, seed: u64) -> Option<(u64, u64)> {
    const WORKERS: usize = 4;
    let settings = settings(true, None);
    let mut random = Rng::with_seed(seed);
    let mut workers = vec![Answers::new(2); WORKERS];
    let mut shared = Record::empty(&settings).write(&settings);
    let step_ms = TICK_MS / WORKERS as u64;
    // Ticks and breakage fall together by chance, and not always in the same way.
    let breaks = START_MS + 60_000 + random.u64(..TICK_MS);
    let mut traffic = *traffic;
    let mut seen = 0;
    for (step, now) in (START_MS..START_MS + 400_000)
        .step_by(step_ms as usize)
        .enumerate()
    {
        if now >= breaks {
            traffic.errors[1] = errors;
        }
        answer(&mut random, &traffic, step_ms, &mut workers);
        let worker = &mut workers[step % WORKERS];
        let mut record = Record::read(&shared, &settings);
        record.add(&settings, worker, now);
        worker.clear();
        let transitions = record.step(&settings, &traffic.weights(), now, 0);
        shared = record.write(&settings);
        if let Some(transition) = transitions.iter().find(|it| is_rollback(it)) {
            let Change::RolledBack(verdict) = &transition.change else {
                return None;
            };
            seen = seen.max(verdict.canary.errors);
            return Some((now.checked_sub(breaks)?, seen));
        }
    }
    None
}

const BACKGROUNDS: [f64; 4] = [0.01, 0.03, 0.1, 0.3];
const LOADS: [(f64, u32); 5] = [(20.0, 50), (100.0, 5), (100.0, 25), (1_000.0, 5), (4.0, 25)];

fn backgrounds(hours: u64) -> f64 {
    let mut highest: f64 = 0.0;
    for (load, (rate, canary)) in LOADS.into_iter().enumerate() {
        for (place, errors) in BACKGROUNDS.into_iter().enumerate() {
            let traffic = Traffic {
                rate,
                canary,
                errors: [errors; 2],
            };
            let seed = (load * 10 + place) as u64;
            let (rollbacks, evidence) = background(&traffic, hours * HOUR, seed);
            assert_eq!(rollbacks, 0, "{traffic:?}: evidence {evidence}");
            highest = highest.max(evidence);
        }
    }
    highest
}

/// 20 loads of 12 hours each.
#[test]
fn no_good_canary_goes_in_ten_days() {
    println!("highest evidence in 10 days: {:.1}", backgrounds(12));
}

#[test]
#[ignore = "make soak"]
fn soak_no_good_canary_goes_in_eighty_days() {
    println!("highest evidence in 80 days: {:.1}", backgrounds(96));
}

/// CONFIG.md's table: requests per second, percent of the canary, and the times in milliseconds when all, half, a fifth and a
/// tenth of the canary's answers are errors.
const DETECTION: [(f64, u32, [Option<u64>; 4]); 5] = [
    (1_000.0, 5, [Some(250), Some(500), Some(1_200), Some(3_500)]),
    (
        100.0,
        25,
        [Some(800), Some(1_200), Some(4_000), Some(9_900)],
    ),
    (
        100.0,
        5,
        [Some(1_200), Some(3_600), Some(11_000), Some(30_000)],
    ),
    (
        20.0,
        50,
        [Some(2_000), Some(5_000), Some(18_000), Some(47_000)],
    ),
    (4.0, 25, [Some(10_000), Some(28_000), None, None]),
];

/// The median over the seeds; a run without a rollback counts as the longest.
fn median(mut times: Vec<(u64, u64)>) -> (u64, u64) {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn a_bad_canary_goes_as_soon_as_by_an_ideal_judge() {
    println!(
        "| requests/s, share of the canary | all its answers fail | half | a fifth | a tenth |"
    );
    for (rate, canary, ideal) in DETECTION {
        let mut row = format!("| {rate}, {canary} % |");
        for (errors, ideal) in [1.0, 0.5, 0.2, 0.1].into_iter().zip(ideal) {
            let Some(ideal) = ideal else { continue };
            let traffic = Traffic {
                rate,
                canary,
                errors: [0.01; 2],
            };
            let time = |seed| detection(&traffic, errors, seed).unwrap_or((u64::MAX, 0));
            let (ms, seen) = median((0..15).map(time).collect());
            row += &format!(" {}.{} s, {seen} errors |", ms / 1_000, ms % 1_000 / 100);
            let most = ideal * 5 / 4 + 2 * TICK_MS;
            assert!(ms <= most, "{traffic:?} {errors}: {ms} ms, at most {most}");
        }
        println!("{row}");
    }
}

#[test]
fn nothing_goes_where_stable_is_as_bad() {
    for errors in [0.5, 1.0] {
        let traffic = Traffic {
            rate: 100.0,
            canary: 25,
            errors: [errors; 2],
        };
        assert_eq!(background(&traffic, HOUR / 4, 7).0, 0, "{errors}");
        // And stable itself never goes, however bad it is.
        let worse = Traffic {
            errors: [errors, 0.0],
            ..traffic
        };
        assert_eq!(background(&worse, HOUR / 4, 7).0, 0, "{errors}");
    }
}

/// A client that repeats the request that fails, and stays with its version.
#[test]
fn one_client_in_a_loop_condemns_nobody() {
    for (keys, goes) in [(1_u64, false), (2, false), (3, true)] {
        let settings = settings(true, None);
        let mut record = Record::empty(&settings);
        let mut rolled_back = false;
        for tick in 0..2_400_u64 {
            let mut answers = Answers::new(2);
            for request in 0..25 {
                answers.add(usize::from(request % 4 == 0), false, Some(1_000 + request));
            }
            for request in 0..50 {
                answers.add(1, true, Some(10 + tick.wrapping_add(request) % keys));
            }
            let now = START_MS + tick * TICK_MS;
            record.add(&settings, &answers, now);
            rolled_back |= !record.step(&settings, &[75, 25], now, 0).is_empty();
        }
        assert_eq!(rolled_back, goes, "{keys} clients");
    }
}

/// At the very edge of what is allowed, it goes at most a few times, with waits that grow.
#[test]
fn at_the_edge_it_does_not_flap() {
    let settings = settings(false, Some(5_000));
    let traffic = Traffic {
        rate: 200.0,
        canary: 50,
        errors: [0.02, 0.07],
    };
    let mut random = Rng::with_seed(3);
    let mut workers = [Answers::new(2)];
    let mut record = Record::empty(&settings);
    let mut rollbacks = 0;
    for now in (START_MS..START_MS + HOUR).step_by(TICK_MS as usize) {
        answer(&mut random, &traffic, TICK_MS, &mut workers);
        record.add(&settings, &workers[0], now);
        workers[0].clear();
        let hour = record.in_force(&settings, &[50, 50], now);
        assert!(hour.is_none_or(|weights| weights[0] > 0));
        let transitions = record.step(&settings, &[50, 50], now, 0);
        rollbacks += transitions.iter().filter(|it| is_rollback(it)).count();
    }
    // 5 s, 10 s, ... 40 min: ten waits fill the hour.
    assert!(rollbacks <= 12, "{rollbacks}");
}

#[test]
fn many_workers_and_rules_agree() {
    const WORKERS: usize = 64;
    let settings = settings(false, None);
    let mut random = Rng::with_seed(5);
    let traffic = Traffic {
        rate: 2_000.0,
        canary: 25,
        errors: [0.01, 0.5],
    };
    let mut rules = vec![Record::empty(&settings).write(&settings); 1_000];
    let mut workers = vec![Answers::new(2); WORKERS];
    answer(&mut random, &traffic, 1_000, &mut workers);
    let mut out = vec![0; rules.len()];
    for (number, worker) in workers.iter().enumerate() {
        let now = START_MS + number as u64 * 3;
        for (rule, shared) in rules.iter_mut().enumerate() {
            let mut record = Record::read(shared, &settings);
            record.add(&settings, worker, now);
            out[rule] += record.step(&settings, &[75, 25], now, 0).len();
            *shared = record.write(&settings);
        }
    }
    assert!(
        out.iter().all(|transitions| *transitions == 1),
        "each goes once"
    );
}
