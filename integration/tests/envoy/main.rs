//! The filter in a real Envoy, on real traffic. `make integration` sets up what these tests need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for Envoy"
)]

mod bad_config;
mod bad_table;
mod chain;
mod clock;
mod control_plane;
mod empty_version;
mod explain;
mod gateway_api;
mod hash_policy;
mod hostile;
mod hygiene;
mod istio;
mod istio_variants;
mod istiod;
mod live;
mod load;
mod many;
mod native;
mod native_both;
mod observe;
mod page;
mod patterns;
mod prometheus;
mod ramp;
mod refuse;
mod rollback;
mod rollback_counts;
mod rollback_roots;
mod rollback_rules;
mod same;
mod schema;
mod soak;
mod split;
mod status;
mod steady;
mod sticky;
mod sticky_address;
mod sticky_cookie;
mod sticky_keys;
mod sticky_vectors;
mod support;
mod wall;
