//! Shared by the tests.

use std::io::{self, Write};

use harness::http1::Response;
use harness::{BLUE, Chromium, Delivery, Echo, Ended, Envoy, GREEN, Kind, Setup, manager};
use serde_json::{Value, json};

/// An Envoy between the test and two upstreams that return what they received.
pub(crate) struct World {
    pub(crate) envoy: Envoy,
    pub(crate) blue: Echo,
    pub(crate) green: Echo,
}

impl World {
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::try_start(setup).unwrap_or_else(|ended| panic!("Envoy did not start:\n{}", ended.log))
    }

    pub(crate) fn try_start(setup: &Setup) -> Result<Self, Ended> {
        let (blue, green) = (Echo::start("blue"), Echo::start("green"));
        let envoy = Envoy::try_start(setup, blue.address(), green.address())?;
        Ok(Self { envoy, blue, green })
    }
}

/// The shipped rule with other weights, as an object to add to.
pub(crate) fn rule(name: &str, blue: u32, green: u32) -> Value {
    let destination = |subset: &str, weight: u32| {
        json!({
            "destination": {
                "host": "color-service.default.svc.cluster.local", "subset": subset, "port": {"number": 8000}
            },
            "weight": weight
        })
    };
    json!({
        "name": name,
        "match": [{"uri": {"prefix": "/color"}}],
        "route": [destination("blue-sub", blue), destination("green-sub", green)]
    })
}

/// A configuration of this one rule that returns its decisions in the response header `x-canary-decision`.
pub(crate) fn policy(rule: &Value) -> String {
    json!({"http": [rule], "responseHeader": "x-canary-decision"}).to_string()
}

/// The shipped rule with these weights, under the name `color`.
pub(crate) fn weights(blue: u32, green: u32) -> String {
    policy(&rule("color", blue, green))
}

/// Which upstream answered.
pub(crate) fn who(response: &Response) -> &str {
    assert_eq!(response.status, 200, "{response:?}");
    response.body.lines().next().unwrap_or_default()
}

/// The values of a header that reached the upstream.
pub(crate) fn reached<'r>(response: &'r Response, name: &str) -> Vec<&'r str> {
    let lines = response.body.lines().skip(2);
    lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// Adds a last route to stable for everything, so that unmatched requests reach an upstream, too.
pub(crate) fn route_everything(bootstrap: &mut Value) {
    routes(bootstrap)
        .push(json!({"name": "rest", "match": {"prefix": "/"}, "route": {"cluster": BLUE}}));
}

/// The route configuration's one virtual host.
pub(crate) fn virtual_host(bootstrap: &mut Value) -> &mut Value {
    &mut manager(bootstrap)["route_config"]["virtual_hosts"][0]
}

pub(crate) fn routes(bootstrap: &mut Value) -> &mut Vec<Value> {
    virtual_host(bootstrap)["routes"].as_array_mut().unwrap()
}

/// The shipped route that takes its cluster from the header.
pub(crate) fn header_route(bootstrap: &mut Value) -> &mut Value {
    let mut routes = routes(bootstrap).iter_mut();
    routes.find(|route| route["name"] == "canary").unwrap()
}

/// A new user's browser, or `None` and a line that says so.
pub(crate) fn chromium(test: &str) -> Option<Chromium> {
    let chromium = Chromium::new();
    if chromium.is_none() {
        skipped(test, "no chromium is installed");
    }
    chromium
}

/// Whether this run is about the native module, of which this test does not hold; prints the reason.
pub(crate) fn is_native(test: &str, reason: &str) -> bool {
    let native = Kind::of_run() != Kind::Wasm;
    if native {
        skipped(test, reason);
    }
    native
}

/// Whether this run is about the specifier and the filter together, of which this test does not hold; prints the reason.
pub(crate) fn is_both(test: &str, reason: &str) -> bool {
    Kind::of_run() == Kind::Both && is_native(test, reason)
}

/// Prints that a test did not run on this machine. It prints around the capture of output, so that it is seen.
pub(crate) fn skipped(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "skipped: {test}: {reason}");
}

/// The filter has never failed: every virtual machine was started once and never again, or the native module has never
/// panicked.
pub(crate) fn no_vm_restarted(envoy: &Envoy) {
    let stats = envoy.stats();
    if let Some(panics) = stats.get("wasmcustom.canary_panics_total") {
        assert_eq!(*panics, 0);
        return;
    }
    let reloads: Vec<_> = stats
        .iter()
        .filter(|(name, _)| name.contains("vm_reload"))
        .collect();
    assert!(!reloads.is_empty(), "Envoy has statistics about reloads");
    assert!(reloads.iter().all(|(_, count)| **count == 0), "{reloads:?}");
}

#[test]
fn the_clusters_of_the_tests_are_the_shipped_ones() {
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..Setup::new("{}")
    });
    let clusters = world.envoy.admin("/clusters");
    for name in [BLUE, GREEN] {
        assert!(clusters.contains(&format!("{name}::")), "{clusters}");
    }
}
