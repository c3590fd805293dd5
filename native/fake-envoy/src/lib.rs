//! Envoy in the process of a test, as far as the native module can see it: the functions of the C ABI that the module calls,
//! backed by plain values, and safe methods that call the functions of the module.
//!
//! ```text
//! test ──► Filter, Stream, Specifier ──► hooks of the module (hooks.rs) ──► callbacks.rs ──┐
//! test ◄── headers, filter state, metrics, log ◄────────────────────────────────────────────┘
//! ```
//!
//! A binary that uses it links the module as well: `use canary_native as _;`.
//!
//! It holds the module to the contract that Envoy states, and gives nothing beyond it, so that a sanitizer sees what breaks
//! it. Bytes that a hook was shown are freed when the hook returns, and those of a header map when the module changes it.
//! Threads share nothing but metrics, which are relaxed atomics: a lock here would order what the workers do, and
//! ThreadSanitizer would not see the module's own races.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the module has broken the contract, which ends the test"
)]

mod abi;
#[allow(unsafe_code, reason = "the C ABI: what the module calls")]
mod callbacks;
mod filter;
#[allow(unsafe_code, reason = "the C ABI: what Envoy calls")]
mod hooks;
mod log;
mod metrics;
mod request;
mod specifier;
mod stream;

pub use filter::Filter;
pub use log::{Level, Logged, take_log};
pub use metrics::Metrics;
pub use request::{Fields, Request, fields};
pub use specifier::{Choice, Endpoints, Specifier};
pub use stream::Stream;
