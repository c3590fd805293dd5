//! Which answers are judged together, in a real Envoy: those of one rule, and of enough users.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use harness::{Behaviour, eventually};
use serde_json::json;

use crate::rollback::{RATE, configuration, warnings, world};
use crate::steady::{Seen, Steady};
use crate::support::{no_vm_restarted, policy};

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
            // In the native module, time passes with the requests.
            world.envoy.get("/color/1/");
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

/// With users who stay, errors must come from three different ones.
#[test]
fn users_in_a_loop_who_stay_with_their_version_need_to_be_three() {
    let sticky = json!({"consistentHash": [{"httpHeaderName": "x-user"}]});
    let stable = json!({"stable": "blue-sub"});
    let world = world(policy(&configuration([50, 50], &stable, &sticky)));
    let load = Steady::start(&world.envoy, RATE, 8);
    let mut connection = world.envoy.connect();
    let mut ask = |user: &str, status: &[u8]| {
        let headers = [("x-user", user.as_bytes()), ("x-status-green", status)];
        let answer = connection.get("/color", &headers).unwrap();
        let decision = answer.header("x-canary-decision").unwrap();
        decision.contains("subset=green-sub")
    };
    let names = (0..).map(|number| format!("in-a-loop-{number}"));
    let greens: Vec<_> = names.filter(|name| ask(name, b"200")).take(3).collect();
    for user in &greens[..2] {
        for _ in 0..400 {
            assert!(ask(user, b"503"));
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(warnings(&world), [""; 0], "{user}");
    }
    eventually("green is out", || (!ask(&greens[2], b"503")).then_some(()));
    assert_eq!(warnings(&world).len(), 1);
    assert!(load.all(Seen::is_good));
    no_vm_restarted(&world.envoy);
}
