//! The images and the compose file, with a real container engine. `make test-images` and `make test-compose` set up
//! what these tests need, and skip them where there is no engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: what goes wrong here ends the test, with the line where it did"
)]

mod compose;
mod engine;
mod images;
mod stand_in;
