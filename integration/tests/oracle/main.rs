//! Envoy's own router as the oracle of the filter. With random rules, every random request must go where Envoy would send
//! it if Envoy had the rules as istiod translates them from a VirtualService.
//!
//! ```text
//!             ┌ listener per rule list ─────────────────────────────────────────┐
//! request ──► │ filter: first rule -> x-canary-subset    router: first route    │ ──► "<route> <subset>"
//!             └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `CANARY_ORACLE_PAIRS` makes it longer, and `CANARY_ORACLE_SEED` repeats a run. `limits.rs` holds the known differences,
//! which docs/semantics.md documents.

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

/// The number in the environment variable, else the usual one.
fn setting(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

/// The seed of this run. Every report contains it.
fn seed() -> u64 {
    setting("CANARY_ORACLE_SEED", 20_261_201)
}
