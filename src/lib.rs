//! Progressive delivery inside the proxy: which version of a service gets a request, decided in Envoy.
//!
//! ```text
//! configuration   bytes -> Config -> Policy (Router + Outputs), whole or not at all
//! request         fields -> Request -> Router::route -> Rule::choose -> Choice -> headers, counter, filter state
//! ```
//!
//! The core takes values and returns values: it knows no proxy, no clock and no random source. Those are at the edge,
//! in `filter` (the contexts that the proxy drives) and `host` (every call to the proxy), behind the feature `proxy`.
//!
//! ```
//! use canary_filter::{Fields, Line, Policy, Random, Request};
//!
//! struct Get(&'static str);
//!
//! impl Fields for Get {
//!     fn first(&self, name: &str) -> Option<Vec<u8>> {
//!         (name == ":path").then(|| self.0.into())
//!     }
//!     fn all(&self) -> Vec<Line> {
//!         vec![(":path".into(), self.0.into())]
//!     }
//!     fn source_address(&self) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! struct Last;
//!
//! impl Random for Last {
//!     fn below(&mut self, total: u64) -> u64 {
//!         total - 1
//!     }
//!     fn key(&mut self) -> u128 {
//!         0
//!     }
//! }
//!
//! let policy = Policy::from_json(
//!     br#"{"http": [{
//!         "name": "color",
//!         "match": [{"uri": {"prefix": "/color"}}],
//!         "route": [{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}]
//!     }]}"#,
//! )?;
//! let request = Request::new(Get("/color"));
//! let rule = policy.router().route(&request).expect("the prefix matches");
//! let choice = rule.choose(&request, &mut Last).expect("a rule has a destination");
//! assert_eq!((choice.destination.label(), choice.reason.as_str()), ("green", "weighted"));
//! # Ok::<(), canary_filter::InvalidConfig>(())
//! ```

#![forbid(unsafe_code)]

mod choosing;
mod config;
mod matching;
mod policy;
mod request;

#[cfg(feature = "proxy")]
mod proxy;

pub use choosing::choice::Choice;
pub use choosing::cookie::is_shared;
pub use choosing::destination::Destination;
pub use choosing::random::Random;
pub use choosing::reason::Reason;
pub use choosing::rule::Rule;
pub use choosing::split::Split;
pub use config::invalid::InvalidConfig;
pub use config::wire::Config;
pub use policy::router::Router;
pub use policy::{DEFAULT_CLUSTER_HEADER, Outputs, Policy};
pub use request::{Fields, Line, Request};

/// What the proxy calls once it has loaded the module.
#[cfg(feature = "proxy")]
#[allow(missing_docs)] // The SDK's macro makes a function without any.
mod entry {
    proxy_wasm::main! {{ crate::proxy::filter::start() }}
}
