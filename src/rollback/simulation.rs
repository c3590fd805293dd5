//! Simulated traffic: how fast a bad canary goes, and that a good one stays.
//!
//! Answers are independent of each other and come as a Poisson process; every tick draws how many there were.

mod behaviour;
mod detection;
mod quiet;
mod shared;

use fastrand::Rng;

use super::settings::tests::GOOD;
use super::{Answers, Given, Record, Settings, Transition};

/// One rule: stable at position 0, the canary at position 1.
#[derive(Clone, Copy)]
struct Traffic {
    /// Requests a second.
    rate: f64,
    /// The canary's share in per cent.
    share: u32,
    /// Probability of an error, of stable and of the canary.
    errors: [f64; 2],
}

impl Traffic {
    fn hour(self) -> [u32; 2] {
        [100 - self.share, self.share]
    }

    /// Counts the answers of this time, which one of `workers` workers has seen, and returns the canary's errors.
    fn add(
        self,
        answers: &mut Answers,
        rng: &mut Rng,
        ms: f64,
        workers: f64,
        weights: [u32; 2],
    ) -> u32 {
        let sum = f64::from(weights[0] + weights[1]);
        let mut bad = 0;
        for (destination, weight) in weights.into_iter().enumerate() {
            let mean = self.rate * f64::from(weight) / sum * ms / 1000.0 / workers;
            let probability = self.errors[destination];
            bad = poisson(rng, mean * probability);
            let good = poisson(rng, mean * (1.0 - probability));
            if good + bad > 0 {
                answers.add_many(destination, good + bad, bad);
            }
        }
        bad
    }
}

/// Draws from a Poisson distribution by inversion; for means up to about 500.
fn poisson(rng: &mut Rng, mean: f64) -> u32 {
    let mut left = rng.f64();
    let mut probability = (-mean).exp();
    let mut count = 0;
    while left > probability && probability > 0.0 {
        left -= probability;
        count += 1;
        probability *= mean / f64::from(count);
    }
    count
}

fn settings(change: impl Fn(&mut Given<'static>)) -> Settings {
    let mut given = GOOD;
    change(&mut given);
    Settings::new(&given).unwrap()
}

/// Workers of one proxy that judge one rule, each at ticks of its own.
struct Proxy {
    settings: Settings,
    record: Record,
    answers: Answers,
    rng: Rng,
    workers: Vec<Worker>,
    /// The canary's errors so far, of answers that a worker has written.
    errors: u32,
}

/// A worker sends requests by the weights that it found at its last tick.
#[derive(Clone, Copy)]
struct Worker {
    last_ms: u64,
    next_ms: u64,
    /// Those of the hour if there are none.
    in_force: Option<[u32; 2]>,
}

impl Proxy {
    fn new(settings: Settings, workers: usize, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let start_ms = 1_000_000;
        let workers = (0..workers).map(|_| Worker {
            last_ms: start_ms,
            next_ms: start_ms + rng.u64(1..=250),
            in_force: None,
        });
        Self {
            record: Record::empty(&settings),
            answers: Answers::new(2),
            workers: workers.collect(),
            errors: 0,
            settings,
            rng,
        }
    }

    /// Lets the next worker tick. Its answers since its last tick are those of `traffic`, which gets a time in
    /// milliseconds since the start; a change within them takes place at their end.
    fn tick(&mut self, traffic: impl Fn(u64) -> Traffic) -> (u64, Vec<Transition>) {
        let workers = self.workers.len() as f64;
        let worker = self.workers.iter_mut().min_by_key(|it| it.next_ms).unwrap();
        let (last_ms, now_ms) = (worker.last_ms, worker.next_ms);
        worker.last_ms = now_ms;
        // Envoy's timer was seen to take that long.
        worker.next_ms = now_ms + self.rng.u64(249..=277);
        let hour = traffic(now_ms - 1_000_000).hour();
        let weights = worker.in_force.unwrap_or(hour);
        for from_ms in [last_ms, (last_ms + now_ms) / 2] {
            let part = traffic(from_ms - 1_000_000);
            let ms = (now_ms - last_ms) as f64 / 2.0;
            self.errors += part.add(&mut self.answers, &mut self.rng, ms, workers, weights);
        }
        self.record.add(&self.settings, &self.answers, now_ms);
        self.answers.clear();
        let transitions = self
            .record
            .step(&self.settings, &hour, now_ms, now_ms / 1000);
        let in_force = self.record.in_force(&self.settings, &hour, now_ms);
        worker.in_force = in_force.map(|weights| [weights[0], weights[1]]);
        (now_ms - 1_000_000, transitions)
    }
}
