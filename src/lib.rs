//! Progressive delivery inside the proxy: which version of a service gets a request, decided in Envoy.
//!
//! ```text
//!                 config             policy                    proxy
//! configuration   bytes -> wire ---> Policy                    root context
//!                                      | matching: which rule
//! request         Request -----------> | choosing: which version
//!                                      v
//!                                    Decision ---------------> headers, counter, filter state
//! answer          response: its class, its cookie -----------> counts of this worker, response header, cookie
//! tick            rollback: the record of all workers -------> the splits in force, log, gauges
//! ```
//!
//! The core takes values and returns values: it knows no proxy, no clock and no random source. Those are at the edge, in
//! `proxy`, behind the feature of that name. `matching`, `choosing` and `rollback` do not know each other; `policy` ties them
//! together.
//!
//! ```
//! use canary_filter::{InForce, Lines, Policy, Request};
//!
//! let policy = Policy::from_json(
//!     br#"{"http": [{
//!         "name": "color",
//!         "match": [{"uri": {"prefix": "/color"}}],
//!         "route": [{"cluster": "blue", "weight": 0}, {"cluster": "green", "weight": 100}]
//!     }]}"#,
//! )?;
//! let lines = Lines::new(&[(":path", "/color")]);
//! let mut random = fastrand::Rng::with_seed(1);
//! let decision = policy
//!     .decide(&Request::new(&lines), &InForce::default(), &mut random)
//!     .expect("the prefix matches");
//! let description = policy.describe(&decision).expect("it is this policy's");
//! assert_eq!(description.destination().cluster(), Some("green"));
//! assert_eq!(description.response_header(), "route=color;subset=green;reason=only;share=10000");
//! # Ok::<(), canary_filter::InvalidConfig>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "proxy"),
    allow(
        dead_code,
        unused_imports,
        reason = "what an edge does with answers, only an edge uses"
    )
)]

mod choosing;
mod config;
pub mod edge;
mod matching;
mod policy;
mod request;
mod response;
mod rollback;

#[cfg(feature = "proxy")]
mod proxy;

pub use choosing::decision::{Decision, Issued, KeyKind};
pub use choosing::destination::Destination;
pub use choosing::ramp::Ramp;
pub use choosing::random::Random;
pub use choosing::reason::Reason;
pub use choosing::rule::Rule;
pub use choosing::split::{InForce, Split};
#[cfg(not(feature = "proxy"))]
pub use choosing::sticky::trace::LookedUp;
pub use config::invalid::{InvalidConfig, Position};
pub use config::path::{Path, Step};
#[cfg(not(feature = "proxy"))]
pub use config::timestamp::parse_time;
#[cfg(feature = "schema")]
pub use config::wire::schema::schema;
#[cfg(any(test, not(feature = "proxy")))]
pub use matching::regex::pattern::{Pattern, Shape, Values};
#[cfg(not(feature = "proxy"))]
pub use policy::explanation::{Choice, Explanation, Failure, Passed};
pub use policy::outputs::{DEFAULT_CLUSTER_HEADER, Outputs};
#[cfg(not(feature = "proxy"))]
pub use policy::what_if::NotWatched;
pub use policy::{Description, Policy, metrics};
pub use request::{Fields, Line, Lines, Request};
pub use response::Class;
#[cfg(any(test, not(feature = "proxy")))]
pub use rollback::model::{Model, Tick, Traffic};

/// What the proxy calls once it has loaded the module.
#[cfg(feature = "proxy")]
#[allow(missing_docs)] // The SDK's macro makes a function without any.
mod entry {
    proxy_wasm::main! {{ crate::proxy::root::start() }}
}
