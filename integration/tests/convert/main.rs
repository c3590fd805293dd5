//! `canary convert` in a real Envoy: each VirtualService of `integration/tests/virtualservices` by the routes that a real
//! istiod made of it, and by what the command makes of it. The same requests must reach the same clusters.
//!
//! ```text
//!           ┌ native:    routes of istiod ────────────────────────────────────┐
//! request ─►│                                                                 │──► cluster, headers, path: the same
//!           └ converted: filter with the configuration ─► routes of the result┘
//! ```
//!
//! `istiod` translates the results, and the VirtualServices without recorded routes. `recorded` compares its translation
//! of the others with what the real istiod made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]

mod agreement;
mod arena;
mod cases;
mod demo;
mod istiod;
mod options;
mod random;
mod recorded;
mod requests;
