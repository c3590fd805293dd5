//! Waits until new weights are in force, so that the next `make weights` does not replace a configuration that the filter
//! has not judged by yet.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use launch::envoy;

use crate::{Trouble, watch};

/// The filter acts on a configuration in its tick, every 250 ms; this is four of them.
const QUIET: Duration = Duration::from_secs(1);

const PATIENCE: Duration = Duration::from_secs(10);

const PACE: Duration = Duration::from_millis(100);

/// How many configurations Envoy has accepted.
///
/// # Errors
/// The admin interface does not answer.
pub(crate) fn updates(admin: SocketAddr) -> Result<u64, Trouble> {
    Ok(accepted(&stats(admin)?))
}

/// Waits until Envoy has accepted more than `before` configurations and the filter's gauges have stopped changing.
///
/// # Errors
/// The admin interface does not answer, or Envoy accepts nothing.
pub(crate) fn settle(admin: SocketAddr, before: u64) -> Result<(), Trouble> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = (stats(admin)?, Instant::now());
    while accepted(&seen.0) <= before || seen.1.elapsed() < QUIET {
        if Instant::now() > deadline {
            return Err(Trouble(
                "Envoy has not put the new weights in force within 10 s: see the demo's terminal"
                    .to_owned(),
            ));
        }
        thread::sleep(PACE);
        let now = stats(admin)?;
        if accepted(&now) != accepted(&seen.0) || gauges(&now).ne(gauges(&seen.0)) {
            seen = (now, Instant::now());
        }
    }
    Ok(())
}

fn stats(admin: SocketAddr) -> Result<BTreeMap<String, u64>, Trouble> {
    envoy::stats(admin)
        .map_err(|error| Trouble(format!("Envoy's admin page does not answer: {error}")))
}

fn accepted(stats: &BTreeMap<String, u64>) -> u64 {
    watch::updates(stats, "success")
}

fn gauges(stats: &BTreeMap<String, u64>) -> impl Iterator<Item = (&String, &u64)> {
    let names = [
        "wasmcustom.canary_weight.",
        "wasmcustom.canary_rolled_back.",
    ];
    let shows_weights = move |name: &str| names.iter().any(|start| name.starts_with(start));
    stats.iter().filter(move |(name, _)| shows_weights(name))
}
