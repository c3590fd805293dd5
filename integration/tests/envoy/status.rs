//! `canary status` asks real Envoys.

use std::process::Command;

use harness::{Behaviour, Binary, Delivery, Envoy, Filter, Setup, eventually};
use serde_json::Value;

use crate::rollback::{RATE, broken, plain, world};
use crate::steady::Steady;
use crate::support::{World, rule, weights};

/// What the command says of these proxies.
struct Said {
    status: i32,
    json: Value,
}

impl Said {
    fn of(envoys: &[&Envoy]) -> Self {
        let canary = Binary::Canary.find().unwrap_or_else(|e| panic!("{e}"));
        let addresses = envoys.iter().map(|envoy| envoy.admin_address().to_string());
        let output = Command::new(canary)
            .args(["status", "--output", "json"])
            .args(addresses)
            .output()
            .unwrap();
        Self {
            status: output.status.code().unwrap(),
            json: serde_json::from_slice(&output.stdout).unwrap(),
        }
    }

    fn plugin(&self, proxy: usize) -> &Value {
        &self.json["proxies"][proxy]["plugins"][0]
    }

    /// What is known of each version of the only rule, by its label.
    fn version(&self, proxy: usize, label: &str) -> &Value {
        let versions = self.json["proxies"][proxy]["versions"].as_array().unwrap();
        let version = versions.iter().find(|version| version["version"] == label);
        version.unwrap_or_else(|| panic!("{label}: {}", self.json))
    }

    fn shares(&self, proxy: usize) -> [Option<u64>; 2] {
        ["blue-sub", "green-sub"].map(|label| self.version(proxy, label)["share"].as_u64())
    }

    fn disagreements(&self) -> Vec<&str> {
        let lines = self.json["disagreements"].as_array().unwrap();
        lines.iter().map(|line| line.as_str().unwrap()).collect()
    }
}

#[test]
fn two_proxies_with_other_weights_disagree_and_agree_after_an_update() {
    let one = World::start(&Setup::new(weights(75, 25)));
    let other = World::start(&Setup::new(weights(50, 50)));
    let said = Said::of(&[&one.envoy, &other.envoy]);
    assert_eq!(said.status, 0, "{}", said.json);
    assert_eq!(
        [said.shares(0), said.shares(1)],
        [[Some(7_500), Some(2_500)], [Some(5_000); 2]]
    );
    let lines = said.disagreements();
    let [a, b] = [one.envoy.admin_address(), other.envoy.admin_address()];
    let line = format!(
        "rule color, version green-sub: weight 25 % at http://{a}; weight 50 % at http://{b}"
    );
    assert!(lines.contains(&line.as_str()), "{lines:?}");

    other.envoy.update(&Filter::new(weights(75, 25)));
    eventually("the proxies agree", || {
        Said::of(&[&one.envoy, &other.envoy])
            .disagreements()
            .is_empty()
            .then_some(())
    });
}

#[test]
fn a_rolled_back_version_its_errors_and_the_weights_since_then_are_shown() {
    let world = world(plain([75, 25]));
    let load = Steady::start(&world.envoy, RATE, 8);
    broken(&world, &load, Behaviour::Status(503));
    let said = eventually("the gauge is set", || {
        let said = Said::of(&[&world.envoy]);
        (said.version(0, "green-sub")["rolledBack"] == true).then_some(said)
    });
    assert_eq!(said.status, 0, "{}", said.json);
    assert_eq!(said.shares(0), [Some(10_000), Some(0)]);
    let green = said.version(0, "green-sub");
    assert_eq!(green["rollbacks"], 1);
    assert!(green["errors"].as_u64().unwrap() >= 5, "{green}");
    assert!(
        green["requests"].as_u64() >= green["errors"].as_u64(),
        "{green}"
    );
    assert_eq!(said.version(0, "blue-sub")["rolledBack"], false);
}

#[test]
fn a_refused_configuration_is_shown_with_its_reason_and_the_weights_that_stay() {
    let world = world(plain([75, 25]));
    // The gauges of the weights exist from the first tick with a request on.
    world.envoy.wait_for("the gauges are set", |stats| {
        world.envoy.get("/color");
        stats.keys().any(|name| name.contains("canary_weight"))
    });
    world.envoy.update(&Filter::new(
        plain([75, 25]).replace("\"weight\":25", "\"weight\":-5"),
    ));
    let said = eventually("the configuration is refused", || {
        let said = Said::of(&[&world.envoy]);
        (said.plugin(0)["configuration"] == "refused").then_some(said)
    });
    assert_eq!(said.status, 1, "{}", said.json);
    assert_eq!(
        said.plugin(0)["reason"],
        "http[0].route[1].weight: -5 is negative"
    );
    assert_eq!(said.shares(0), [Some(7_500), Some(2_500)]);
}

#[test]
fn a_static_filter_is_found_in_the_listener() {
    let setup = Setup {
        delivery: Delivery::Static,
        ..Setup::new(weights(3, 1))
    };
    let world = World::start(&setup);
    let said = Said::of(&[&world.envoy]);
    assert_eq!(said.status, 0, "{}", said.json);
    assert_eq!(said.shares(0), [Some(7_500), Some(2_500)]);
}

#[test]
fn an_update_that_envoy_rejects_is_shown_and_one_that_it_takes_again_ends_it() {
    let world = World::start(&Setup::new(weights(75, 25)));
    assert_eq!(
        Said::of(&[&world.envoy]).plugin(0)["configuration"],
        "accepted"
    );
    let mut missing = Filter::new(weights(50, 50));
    missing.module = "/not/there.wasm".into();
    world.envoy.update(&missing);
    let said = Said::of(&[&world.envoy]);
    assert_eq!(
        (said.status, &said.plugin(0)["configuration"]),
        (1, &"rejected".into())
    );
    world.envoy.update(&Filter::new(weights(50, 50)));
    let said = eventually("the update is accepted", || {
        let said = Said::of(&[&world.envoy]);
        (said.plugin(0)["configuration"] == "accepted").then_some(said)
    });
    assert_eq!((said.status, said.shares(0)), (0, [Some(5_000); 2]));
}

#[test]
fn without_the_filter_the_module_is_not_loaded() {
    let setup = Setup {
        delivery: Delivery::Absent,
        ..Setup::new(rule("color", 1, 1).to_string())
    };
    let world = World::start(&setup);
    let said = Said::of(&[&world.envoy]);
    assert_eq!(said.status, 1);
    assert_eq!(said.json["proxies"][0]["plugins"], Value::Array(Vec::new()));
}
