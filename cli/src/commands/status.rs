//! `canary status`: what proxies say of the filter, from the answers of their admin interfaces.
//!
//! ```text
//! /stats        -> stats  -> metrics by name and labels \
//!                                                         snapshot (one proxy) -> report (all of them)
//! /config_dump  -> dump   -> the filters                /         | history: when a rollback was first seen
//! ```

mod dump;
mod history;
mod report;
mod snapshot;
mod stats;
mod table;
mod time;

pub use history::{History, Since};
pub use report::{Proxy, Report};
pub use snapshot::{Plugin, Snapshot, Verdict, Version};
pub use table::{Line, Tone};
pub use time::utc;

/// The page of Envoy's admin interface with the statistics that a snapshot needs.
pub const STATS: &str = "/stats?format=json&filter=%5E(wasmcustom%5C.canary_%7Cdynamicmodulescustom%5C.canary_%7Cwasm%5C.%7Cextension_config_discovery%5C.http_filter%5C.)";

/// The page with the filters that are discovered.
pub const DISCOVERED: &str = "/config_dump?resource=ecds_filters";

/// The pages with the filters in listeners. They can be large, and Envoy's main thread writes them, so they are asked for
/// only if a filter has not been discovered.
pub const LISTENERS: [&str; 2] = [
    "/config_dump?resource=dynamic_listeners",
    "/config_dump?resource=static_listeners",
];

#[cfg(test)]
mod tests;
