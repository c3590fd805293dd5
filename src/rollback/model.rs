//! A model of one proxy whose workers judge one rule, under traffic that a random source makes up.
//!
//! Answers are independent of each other and come as a Poisson process; every tick draws how many there were. The
//! judgement is the filter's own.

use std::borrow::Borrow;

use fastrand::Rng;

use super::{Answers, Record, Settings};

/// The start of a model's clock, in milliseconds: later than any window is long.
const START_MS: u64 = 1_000_000;

/// The longest mean for which inversion is used: the quicker way for a few answers.
const FEW: f64 = 30.0;

/// The traffic of one rule at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Requests a second.
    pub rate: f64,
    /// The weights that `route` and `ramp` give, in the order of the destinations.
    pub weights: Vec<u32>,
    /// The probability of an error, of each destination.
    pub errors: Vec<f64>,
}

/// One proxy.
#[derive(Debug)]
pub struct Model {
    pub(super) settings: Settings,
    pub(super) record: Record,
    answers: Answers,
    rng: Rng,
    workers: Vec<Worker>,
}

/// A worker sends requests by the weights that it found at its last tick.
#[derive(Clone, Debug)]
struct Worker {
    last_ms: u64,
    next_ms: u64,
    /// Those of the traffic if there are none.
    in_force: Option<Box<[u32]>>,
}

/// What one worker's tick has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When, in milliseconds since the start.
    pub at_ms: u64,
    /// The destinations that were rolled back, by their places in the rule.
    pub rolled_back: Vec<usize>,
}

impl Traffic {
    /// Counts the answers of this many milliseconds with these weights in force. `user` gets the place of a destination
    /// for each of its errors, and returns the hash of the key of the request, if it has one.
    pub(super) fn count(
        &self,
        answers: &mut Answers,
        rng: &mut Rng,
        ms: f64,
        weights: &[u32],
        user: &mut impl FnMut(usize, &mut Rng) -> Option<u64>,
    ) {
        let sum: f64 = weights.iter().copied().map(f64::from).sum();
        let destinations = weights.iter().zip(&self.errors).enumerate();
        for (destination, (&weight, &errors)) in destinations {
            let mean = self.rate * f64::from(weight) / sum * ms / 1000.0;
            let bad = poisson(rng, mean * errors);
            let good = poisson(rng, mean * (1.0 - errors));
            answers.add_good(destination, good);
            for _ in 0..bad {
                answers.add(destination, true, user(destination, rng));
            }
        }
    }
}

impl Model {
    /// A proxy in which nothing has happened.
    pub(crate) fn new(settings: Settings, workers: usize, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let workers = (0..workers).map(|_| Worker {
            last_ms: START_MS,
            next_ms: START_MS + rng.u64(1..=250),
            in_force: None,
        });
        Self {
            record: Record::empty(&settings),
            answers: Answers::new(settings.destinations()),
            workers: workers.collect(),
            settings,
            rng,
        }
    }

    /// Lets the next worker tick; `None` without workers. Its answers since its last tick are those of `traffic`, which
    /// gets a time in milliseconds since the start; a change within them takes place at their end. For each error `user`
    /// gets the place of the destination, and returns the hash of the key of the request, if it has one.
    pub fn tick<T: Borrow<Traffic>>(
        &mut self,
        traffic: impl Fn(u64) -> T,
        mut user: impl FnMut(usize, &mut Rng) -> Option<u64>,
    ) -> Option<Tick> {
        let workers = f64::from(u32::try_from(self.workers.len()).unwrap_or(u32::MAX));
        let worker = self.workers.iter_mut().min_by_key(|it| it.next_ms)?;
        let (last_ms, now_ms) = (worker.last_ms, worker.next_ms);
        worker.last_ms = now_ms;
        // Envoy's timer was seen to take that long.
        worker.next_ms = now_ms + self.rng.u64(249..=277);
        let now = traffic(now_ms - START_MS);
        let hour = &now.borrow().weights;
        let weights = worker.in_force.as_deref().unwrap_or(hour);
        let half = f64::from(u32::try_from(now_ms - last_ms).unwrap_or(0)) / 2.0 / workers;
        for from_ms in [last_ms, (last_ms + now_ms) / 2] {
            let (answers, rng) = (&mut self.answers, &mut self.rng);
            let traffic = traffic(from_ms - START_MS);
            traffic
                .borrow()
                .count(answers, rng, half, weights, &mut user);
        }
        self.record.add(&self.settings, &self.answers, now_ms);
        self.answers.clear();
        let transitions = self
            .record
            .step(&self.settings, hour, now_ms, now_ms / 1000);
        worker.in_force = self.record.in_force(&self.settings, hour, now_ms);
        let rolled_back = transitions.iter();
        let rolled_back = rolled_back.filter(|it| it.is_rollback());
        Some(Tick {
            at_ms: now_ms - START_MS,
            rolled_back: rolled_back.map(|it| it.destination).collect(),
        })
    }
}

/// Draws from a Poisson distribution. `libm` draws the same on every platform.
pub(super) fn poisson(rng: &mut Rng, mean: f64) -> u32 {
    if mean < FEW {
        inversion(rng, mean)
    } else {
        rejection(rng, mean)
    }
}

fn inversion(rng: &mut Rng, mean: f64) -> u32 {
    let mut left = rng.f64();
    let mut probability = libm::exp(-mean);
    let mut count = 0;
    while left > probability && probability > 0.0 {
        left -= probability;
        count += 1;
        probability *= mean / f64::from(count);
    }
    count
}

/// Hörmann, "The transformed rejection method for generating Poisson random variables" (1993), algorithm PTRS.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole, not negative, and below the largest count"
)]
fn rejection(rng: &mut Rng, mean: f64) -> u32 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = rng.f64() - 0.5;
        let v = rng.f64();
        let us = 0.5 - u.abs();
        let count = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if !(0.0..f64::from(u32::MAX)).contains(&count) || (us < 0.013 && v > us) {
            continue;
        }
        let is_inside = us >= 0.07 && v <= v_r;
        let density = count * libm::log(mean) - mean - libm::lgamma(count + 1.0);
        if is_inside || libm::log(v * inverse_alpha / (a / (us * us) + b)) <= density {
            return count as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_and_the_variance_of_their_distribution() {
        let mut rng = Rng::with_seed(3);
        for mean in [0.01, 1.0, 29.9, 30.0, 31.0, 250.0, 25_000.0] {
            let n = 40_000;
            let draws: Vec<f64> = (0..n).map(|_| f64::from(poisson(&mut rng, mean))).collect();
            let found = draws.iter().sum::<f64>() / f64::from(n);
            let squares = draws.iter().map(|draw| (draw - mean).powi(2));
            let variance = squares.sum::<f64>() / f64::from(n);
            // The variance of a squared deviation is 2 · mean^2 + mean.
            let deviation = |variance: f64| 5.0 * (variance / f64::from(n)).sqrt();
            assert!((found - mean).abs() <= deviation(mean), "{mean}: {found}");
            let most = deviation(2.0 * mean * mean + mean);
            assert!((variance - mean).abs() <= most, "{mean}: {variance}");
        }
    }

    #[test]
    fn draws_around_the_change_of_the_method_have_the_same_distribution() {
        let mut rng = Rng::with_seed(4);
        for count in 20..45_u32 {
            let n = 20_000;
            let mut share = |draw: fn(&mut Rng, f64) -> u32| {
                let hits = (0..n).filter(|_| draw(&mut rng, FEW) == count).count();
                f64::from(u32::try_from(hits).unwrap()) / f64::from(n)
            };
            let (one, other) = (share(inversion), share(rejection));
            let deviation = (2.0 * one.max(other) / f64::from(n)).sqrt();
            assert!(
                (one - other).abs() <= 5.0 * deviation,
                "{count}: {one} {other}"
            );
        }
    }
}
