//! Real Envoys with the real module, for the tests and the benchmark.
//!
//! ```text
//! client ──► Envoy (envoy/envoy.yaml, other ports) ──► blue, green
//!  http1      │ filter from canary.yaml by rename        Echo in this process,
//!  http2      │ admin: stats, ready                      or the real Color
//! ```
//!
//! The tests start what is shipped: [`Setup`] reads `envoy/*.yaml` and changes addresses, paths and whatever a test
//! wants to be different. Every child is a [`Process`], which ends when the value is dropped and when this process dies,
//! however it dies.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support of tests: a failure ends the test and names the line"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for Envoy"
)]

mod bare;
mod browser;
mod chromium;
mod devtools;
mod envoy;
mod filter;
mod hpack;
pub mod http2;
mod meter;
mod scratch;
mod setup;
mod upstream;

pub use bare::BareEnvoy;
pub use browser::Browser;
pub use chromium::Chromium;
pub use devtools::Tab;
pub use envoy::{Envoy, eventually};
pub use filter::{Filter, Kind};
pub use launch::{Binary, Ended, Process, http1, root};
pub use meter::Meter;
pub use scratch::Scratch;
pub use setup::{Delivery, Setup, manager};
pub use upstream::{Behaviour, Color, Echo};

/// The cluster of the stable version, as `envoy/` and `istio/` name it.
pub const BLUE: &str = "outbound|8000|blue-sub|color-service.default.svc.cluster.local";
/// The cluster of the new version.
pub const GREEN: &str = "outbound|8000|green-sub|color-service.default.svc.cluster.local";

/// The gauge of the shipped plugin that is 1 while its newest configuration is refused.
pub const CONFIG_REFUSED: &str = "wasmcustom.canary_config_refused.plugin=.=canary;.;";
