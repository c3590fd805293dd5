//! What the filter counts for a rollback, in a real Envoy: the final answers, each for its own rule.

use std::collections::BTreeMap;

use harness::{Behaviour, Setup};
use serde_json::{Value, json};

use crate::rollback::{configuration, metric, plain, world};
use crate::support::{World, no_vm_restarted, routes};

#[test]
fn a_hundred_rules_are_judged_each_for_itself() {
    let rules: Vec<_> = (0..100)
        .map(|number| {
            let mut rule = configuration([50, 50], &json!({"stable": "blue-sub"}), &json!({}));
            rule["name"] = json!(format!("color-{number}"));
            rule["match"] = json!([{"uri": {"prefix": format!("/color/{number}/")}}]);
            rule
        })
        .collect();
    let policy = json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string();
    let world = world(policy);
    world.green.behave(Behaviour::Status(500));
    let mut connections: Vec<_> = (0..8).map(|_| world.envoy.connect()).collect();
    for round in 0..40 {
        for number in (0..100).step_by(2) {
            let connection = &mut connections[(round + number) % 8];
            connection.get(format!("/color/{number}/"), &[]).unwrap();
        }
    }
    let out = |stats: &BTreeMap<String, u64>| {
        let gauges = stats
            .iter()
            .filter(|(name, _)| name.contains("canary_rolled_back"));
        gauges
            .filter(|(name, value)| name.contains("green-sub") && **value == 1)
            .count()
    };
    world
        .envoy
        .wait_for("every second rule has rolled back", |stats| {
            out(stats) == 50
        });
    let counted = |stats: &BTreeMap<String, u64>| {
        let counters = stats
            .iter()
            .filter(|(name, _)| name.contains("canary_rollbacks_total"));
        counters.map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(counted(&world.envoy.stats()), 50);
    no_vm_restarted(&world.envoy);
}

/// docs/semantics.md has a table of what counts as an answer.
#[test]
fn what_envoy_does_in_between_counts_once() {
    let world = World::start(&Setup {
        change: retries,
        ..Setup::new(plain([0, 100]))
    });
    let counts = || {
        let class = |class: &str| {
            let name = format!(
                "{}role=.=canary;.;class=.={class};.;",
                metric("canary_responses_total")
            );
            world.envoy.stat(&name)
        };
        (class("ok"), class("error"))
    };
    let mut connection = world.envoy.connect();
    let mut expect = |what: &str, request: &[u8], behaviour, expected: (u64, u64)| {
        world.green.behave(behaviour);
        let before = counts();
        let _ = connection.send(request);
        world.green.behave(Behaviour::Good);
        // Only a root with requests flushes what it has counted for certain.
        world.envoy.wait_for(what, |_| {
            let now = counts();
            (now.0 - before.0, now.1 - before.1) == expected
        });
    };
    let get = b"GET /color HTTP/1.1\r\nhost: a\r\n\r\n";
    expect("an answer", get, Behaviour::Good, (1, 0));
    expect(
        "three tries are one answer",
        get,
        Behaviour::Status(503),
        (0, 1),
    );
    let head = b"HEAD /color HTTP/1.1\r\nhost: a\r\n\r\n";
    expect("HEAD", head, Behaviour::Status(200), (1, 0));
    assert_eq!(world.green.served(), 5, "there were three tries");
}

fn retries(bootstrap: &mut Value) {
    for route in routes(bootstrap) {
        if route["route"].is_object() {
            route["route"]["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 2});
        }
    }
}
