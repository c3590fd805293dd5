//! Envoy's own router as the oracle of the filter: random rules and random requests, and every request must go where
//! it would go had the rules been given to Envoy as istiod translates a VirtualService.
//!
//! ```text
//!             ┌ listener per rule list ─────────────────────────────────────────┐
//! request ──► │ filter: first rule -> x-canary-subset    router: first route    │ ──► "<route> <subset>"
//!             └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `CANARY_ORACLE_PAIRS` and `CANARY_ORACLE_SEED` make it longer and repeat it; `integration/tests/oracle/limits.rs` holds the
//! differences that are known and documented in docs/semantics.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]

mod arena;
mod coverage;
mod limits;
mod pattern;
mod patterns;
mod request;
mod rule_lists;
mod rules;
mod shrink;
mod vocabulary;

use std::env;

/// What the environment says, else the value.
fn setting(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: no number: {text}"))
    })
}

/// The seed of this run, which is in every report.
fn seed() -> u64 {
    setting("CANARY_ORACLE_SEED", 20_261_201)
}
