//! The canary filter as a native dynamic module of Envoy. It decides by the same core as the wasm module.
//!
//! ```text
//! abi         Envoy's C ABI; the one file with `unsafe`
//! guard       no panic crosses the boundary
//! filter      a configuration of the HTTP filter and its streams
//! specifier   a configuration of the cluster specifier and its choices
//! plugin      what all configurations of one name share: the last good policy, the records of rollbacks
//! serving     a policy that all workers share, with the weights in force; time passes with the requests
//! endpoints   which destinations have no endpoint, as far as a cluster specifier has noticed
//! metrics     Envoy's numbers of the metrics of one configuration
//! host        clocks and random numbers
//! ```

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "the C ABI")]
mod abi;
mod endpoints;
mod filter;
mod guard;
mod host;
mod metrics;
mod plugin;
mod serving;
mod specifier;

#[cfg(test)]
use fake_envoy as _;

/// What happens once, when Envoy has loaded the module.
fn start() {
    guard::report_panics();
}
