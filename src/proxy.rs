//! The edge to the proxy: the only code that knows the host.
//!
//! ```text
//! root      one configuration: what became of it, and what its streams decide by
//! stream    one request and its answer
//! serving   the policy with the splits in force: decides, writes, and knows which rules are watched
//! watched   one rule with `rollback`: what this worker has counted, and what is known of its record
//! tick      judges, acts on what other workers have judged, follows the ramps, flushes counters
//! plugin    what all configurations of one plugin share, in this VM and with the others
//! ```

pub(crate) mod root;

mod gauges;
mod host;
mod metrics;
mod plugin;
mod serving;
mod stream;
mod tick;
mod vm;
mod watched;
