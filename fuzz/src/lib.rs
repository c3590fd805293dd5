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
