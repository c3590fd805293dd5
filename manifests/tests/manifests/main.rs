//! What `istio/` and `gateway-api/` deploy, checked without a cluster: each file by itself, and all of them against each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]

mod alone;
mod compose;
mod dashboard;
mod docs;
mod gateway_api;
mod gitops;
mod health;
mod helm;
mod kustomize;
mod plugin;
mod pods;
mod promtool;
mod repository;
mod schema;
mod telemetry;
