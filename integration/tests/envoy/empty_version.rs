//! A version without endpoints, alone and in an aggregate cluster (docs/operations.md shows the second).

use harness::{BLUE, GREEN, Setup};
use serde_json::{Value, json};

use crate::support::{World, policy, rule, who};

const SUBSET: &str = "empty-sub";

/// A rule that gives this version everything.
fn everything() -> String {
    let mut rule = rule("color", 0, 100);
    rule["route"][1]["destination"]["subset"] = json!(SUBSET);
    policy(&rule)
}

fn cluster() -> String {
    GREEN.replace("green-sub", SUBSET)
}

fn empty(name: &str) -> Value {
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": []}
    })
}

fn without_endpoints(bootstrap: &mut Value) {
    bootstrap["static_resources"]["clusters"] = json!([empty(&cluster())]);
}

fn aggregated(bootstrap: &mut Value) {
    let aggregate = json!({
        "name": cluster(), "connect_timeout": "1s", "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig",
                "clusters": ["nobody", BLUE]
            }
        }
    });
    bootstrap["static_resources"]["clusters"] = json!([empty("nobody"), aggregate]);
}

#[test]
fn the_share_of_an_empty_version_gets_a_503() {
    let world = World::start(&Setup {
        change: without_endpoints,
        ..Setup::new(everything())
    });
    let answer = world.envoy.connect().get("/color", &[]).unwrap();
    assert_eq!(answer.status, 503);
}

#[test]
fn an_aggregate_cluster_sends_the_share_of_an_empty_version_to_the_next_one() {
    let world = World::start(&Setup {
        change: aggregated,
        ..Setup::new(everything())
    });
    let mut connection = world.envoy.connect();
    for _ in 0..50 {
        let answer = connection.get("/color", &[]).unwrap();
        assert_eq!(who(&answer), "blue");
        let decision = answer.header("x-canary-decision").unwrap();
        assert!(decision.contains(SUBSET), "{decision}");
    }
}
