//! The module chooses bit for bit as the independent implementation does.

use std::collections::BTreeSet;

use harness::Setup;
use serde_json::{Value, json};

use crate::support::World;

const VECTORS: &str = include_str!("../../../tests/vectors/rendezvous.json");

/// The bytes, if a header's value can carry them. They must be visible, because Envoy refuses some others and trims blanks.
fn header_value(hex: &str) -> Option<Vec<u8>> {
    let bytes: Vec<_> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let carried = !bytes.is_empty() && bytes.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    carried.then_some(bytes)
}

/// The rule of a vector. A label is the name of a cluster here, so it must be ASCII.
fn rule(vector: &Value) -> Option<Value> {
    let destinations = vector["destinations"].as_array().unwrap();
    let route: Vec<_> = destinations
        .iter()
        .map(
            |destination| json!({"cluster": destination["label"], "weight": destination["weight"]}),
        )
        .collect();
    let ascii = destinations
        .iter()
        .all(|destination| destination["label"].as_str().unwrap().is_ascii());
    ascii.then(
        || json!({"salt": vector["salt"], "consistentHash": [{"httpHeaderName": "x-user"}], "route": route}),
    )
}

#[test]
fn picks_are_those_of_the_golden_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let (mut rules, mut cases, mut keys) = (Vec::<Value>::new(), Vec::new(), BTreeSet::new());
    for vector in vectors["picks"].as_array().unwrap() {
        let Some(key) = header_value(vector["key_hex"].as_str().unwrap()) else {
            continue;
        };
        let Some(rule) = rule(vector) else { continue };
        let index = rules
            .iter()
            .position(|known| *known == rule)
            .unwrap_or_else(|| {
                rules.push(rule);
                rules.len() - 1
            });
        keys.insert(key.clone());
        cases.push((index, key, vector["pick"].as_str().unwrap()));
    }
    // Of 270: 127 have a key that no header can carry, 20 a label that no cluster can have.
    assert_eq!((cases.len(), rules.len(), keys.len()), (123, 32, 47));

    for (index, rule) in rules.iter_mut().enumerate() {
        rule["name"] = json!(format!("v{index}"));
        rule["match"] = json!([{"uri": {"exact": format!("/color/v{index}")}}]);
    }
    let policy = json!({"http": rules, "responseHeader": "x-canary-decision"});
    let world = World::start(&Setup::new(policy.to_string()));
    let mut connection = world.envoy.connect();
    for (index, key, pick) in cases {
        // The cluster does not exist, so Envoy answers 503 itself. This answer shows the decision, too.
        let answer = connection
            .get(format!("/color/v{index}"), &[("x-user", &key)])
            .unwrap();
        let decision = answer.header("x-canary-decision").unwrap_or_default();
        let decided = format!("route=v{index};subset={pick};reason=");
        assert!(
            decision.starts_with(&decided),
            "{decided} but {decision}: {key:x?} {}",
            rules[index]
        );
    }
}
