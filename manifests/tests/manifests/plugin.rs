//! The plugin's configuration, read by the plugin's own parser.

use canary_filter::Policy;
use manifests::{Documents, policy};
use serde_json::Value;

use crate::repository::{read, text};

/// The plugin's configuration in `envoy/canary.yaml`.
fn of_envoy() -> Value {
    let file = Documents::parse(&text("envoy/canary.yaml")).unwrap();
    let resource = &file.0[0]["resources"][0];
    let configuration = resource["typed_config"]["config"]["configuration"]["value"]
        .as_str()
        .unwrap();
    Policy::from_json(configuration.as_bytes()).unwrap();
    serde_json::from_str(configuration).unwrap()
}

#[test]
fn the_plugin_takes_the_configuration_of_the_manifest() {
    let documents = read(&["base"]);
    let policy = policy(documents.named("WasmPlugin", "canary")).unwrap();
    assert_eq!(policy.outputs().cluster_header(), Some("x-canary-cluster"));
    assert_eq!(policy.outputs().response_header(), Some("x-canary"));
    assert_eq!(policy.rules().len(), 1);
}

#[test]
fn a_plugin_configuration_with_a_mistake_is_refused() {
    let mut plugin = read(&["base/plugin.yaml"]).0.remove(0);
    plugin["spec"]["pluginConfig"]["http"][0]["route"][1]["weight"] = Value::from(-5);
    assert_eq!(
        policy(&plugin).unwrap_err(),
        "http[0].route[1].weight: -5 is negative"
    );
}

#[test]
fn the_native_module_has_the_configuration_of_the_wasm_module() {
    let file = Documents::parse(&text("envoy/native.yaml")).unwrap();
    let filter = &file.0[0]["resources"][0]["typed_config"];
    let native: Value =
        serde_json::from_str(filter["filter_config"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(native, of_envoy());
}

/// The demo tries a version again by itself, so that it shows a rollback and its end. In production somebody looks first.
#[test]
fn istio_and_envoy_have_the_same_rules_but_for_the_demo_s_retries() {
    let plugin = read(&["base/plugin.yaml"]).0.remove(0);
    let (istio, mut envoy) = (&plugin["spec"]["pluginConfig"], of_envoy());
    let rollback = envoy["http"][0]["rollback"].as_object_mut().unwrap();
    assert_eq!(rollback.remove("retryAfter"), Some(Value::from("5s")));
    assert_eq!(istio["http"], envoy["http"]);
    assert_eq!(istio["responseHeader"], envoy["responseHeader"]);
}
