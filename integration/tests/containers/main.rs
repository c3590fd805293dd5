//! The images and the compose file, with a real container engine. `make test-images` and `make test-compose` set up
//! what these tests need, and skip them if there is no engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for Envoy"
)]

mod compose;
mod engine;
mod images;
mod stand_in;
