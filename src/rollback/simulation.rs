//! Simulated traffic: how fast a bad canary goes, and that a good one stays.

mod behaviour;
mod detection;
mod quiet;
mod shared;

use fastrand::Rng;

use super::model::{self, Model, Tick};
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
}

fn settings(change: impl Fn(&mut Given<'static>)) -> Settings {
    let mut given = GOOD;
    change(&mut given);
    Settings::new(&given).unwrap()
}

impl From<Traffic> for model::Traffic {
    fn from(traffic: Traffic) -> Self {
        Self {
            rate: traffic.rate,
            weights: traffic.hour().to_vec(),
            errors: traffic.errors.to_vec(),
        }
    }
}

/// The model of a proxy that counts the canary's errors, all without keys.
struct Proxy {
    model: Model,
    /// The canary's errors so far, of answers that a worker has written.
    errors: u32,
}

impl Proxy {
    fn new(settings: Settings, workers: usize, seed: u64) -> Self {
        Self {
            model: Model::new(settings, workers, seed),
            errors: 0,
        }
    }

    /// Lets the next worker tick.
    fn tick(&mut self, traffic: impl Fn(u64) -> Traffic) -> Tick {
        let traffic = |at_ms| model::Traffic::from(traffic(at_ms));
        let tick = self.model.tick(traffic, |destination, _| {
            self.errors += u32::from(destination == 1);
            None
        });
        tick.unwrap()
    }
}
