//! Properties that hold for any bytes, as functions that panic if they do not hold.
//!
//! The fuzz targets in `fuzz_targets/` search for bytes that break one (`make fuzz`); the tests in `tests/` run the same
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
mod native;
mod request;
mod rules;

pub use config::config;
pub use native::native;
pub use request::request;
