//! What has to hold for any bytes, as functions that panic where it does not.
//!
//! The fuzz targets in `fuzz_targets/` look for bytes that break it (`make fuzz`); the tests in `tests/` run the same
//! functions over the seeds and over random edits of them.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a property that does not hold ends the run, and so does a mistake in here"
)]

mod config;
mod head;
mod request;
mod rules;

pub use config::config;
pub use request::request;

use canary_filter::Random;

/// Randomness that repeats itself.
struct Seeded(fastrand::Rng);

impl Seeded {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }
}

impl Random for Seeded {
    fn below(&mut self, total: u64) -> u64 {
        self.0.u64(0..total)
    }

    fn key(&mut self) -> u128 {
        self.0.u128(..)
    }
}
