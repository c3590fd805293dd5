//! Envoy as a process, and its admin interface.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::{Process, http1};

/// Starts Envoy with the arguments that all its uses share.
///
/// # Errors
/// The log file cannot be created, or the process cannot be started.
pub fn start(mut command: Command, log: &Path) -> io::Result<Process> {
    command.args([
        "--use-dynamic-base-id",
        "--log-level",
        "warning",
        "--component-log-level",
        "wasm:info,dynamic_modules:info",
    ]);
    Process::start("Envoy", &command, log)
}

/// Whether Envoy accepts requests.
pub fn ready(admin: SocketAddr) -> bool {
    http1::get(admin, "/ready").is_ok_and(|answer| answer.status == 200)
}

/// Counters and gauges by name.
///
/// # Errors
/// The admin interface does not answer.
pub fn stats(admin: SocketAddr) -> io::Result<BTreeMap<String, u64>> {
    let page = http1::get(admin, "/stats")?.body;
    // Histograms and texts are left out: their values are not numbers.
    Ok(page
        .lines()
        .filter_map(|line| line.rsplit_once(": "))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect())
}
