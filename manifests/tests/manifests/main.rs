//! What `istio/` deploys, checked without a cluster: each file by itself, and all of them against each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: what goes wrong here ends the test, with the line where it did"
)]

mod agreement;
mod alone;
mod compose;
mod docs;
mod documents;
mod kustomize;
mod plugin;
mod schema;
mod service;
mod telemetry;
