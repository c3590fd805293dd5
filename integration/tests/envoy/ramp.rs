//! A ramp in a real Envoy: weights that change with the time, and a rollback during it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::Behaviour;
use serde_json::json;

use crate::rollback::{RATE, broken, configuration, metric, warnings, world};
use crate::steady::{Seen, Steady};
use crate::support::policy;

/// The share that an answer says is in force for the version that gave it.
fn share(seen: &Seen) -> Option<u32> {
    seen.decision.rsplit_once(";share=")?.1.parse().ok()
}

#[test]
fn a_ramp_goes_on_while_the_canary_breaks_and_a_rollback_is_stronger() {
    let start = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 6;
    let ramp = json!({
        "start": rfc3339(start),
        "steps": [{"after": "0s", "weights": [60, 40]}, {"after": "3s", "weights": [30, 70]}]
    });
    let members = json!({"ramp": ramp, "consistentHash": [{"httpHeaderName": "x-user"}]});
    let rollback = json!({"stable": "blue-sub"});
    let world = world(policy(&configuration([90, 10], &rollback, &members)));
    let load = Steady::start(&world.envoy, RATE, 8);
    for expected in [1_000, 4_000, 7_000] {
        load.wait_for("the share of this step", |seen| {
            seen.is_green() && share(seen) == Some(expected)
        });
    }
    world.envoy.wait_for("the gauge", |stats| {
        stats[&metric("canary_weight")] == 7_000
    });
    assert!(
        load.since(Instant::now() - Duration::from_secs(9))
            .iter()
            .all(Seen::is_good)
    );
    broken(&world, &load, Behaviour::Status(503));
    assert_eq!(warnings(&world).len(), 1);
}

/// Seconds since 1970 as a time of day of their day, which `date` knows.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}
