//! The filter in a real Envoy, on real traffic. `make integration` sets up what these tests need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: what goes wrong here ends the test, with the line where it did"
)]

mod bad_config;
mod bad_table;
mod hostile;
mod hygiene;
mod istio;
mod istiod;
mod live;
mod load;
mod observe;
mod refuse;
mod split;
mod support;
