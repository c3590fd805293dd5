//! The JSON Schemas that editors and pipelines read.

use canary_filter::schema as configuration;
use serde_json::{Map, Value, json};

/// The schema of a bare configuration, as a file.
pub fn schema() -> String {
    file(&configuration())
}

/// The schema of Istio's WasmPlugin with the configuration as its `pluginConfig`, as a file.
///
/// The other fields are those of Istio 1.31 (`extensions.istio.io/v1alpha1`). Further ones are accepted, because Kubernetes
/// knows which fields the installed version has.
pub fn wasm_plugin_schema() -> String {
    let mut own = configuration();
    let mut lift = |name: &str| own.as_object_mut().and_then(|own| own.remove(name));
    let (dialect, definitions) = (lift("$schema"), lift("$defs"));
    let mut definitions = match definitions {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    definitions.insert("Config".to_owned(), own);
    file(&json!({
        "$schema": dialect,
        "title": "WasmPlugin of canary-filter",
        "description": "Istio's WasmPlugin with the configuration of the canary filter.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": "extensions.istio.io/v1alpha1"},
            "kind": {"const": "WasmPlugin"},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1, "description": "The plugin's name. Its label in the metrics is `<namespace>.<name>`."},
                    "namespace": {"type": "string", "description": "The namespace of the gateway's pods."},
                },
            },
            "spec": plugin(),
        },
        "$defs": definitions,
    }))
}

fn plugin() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["url", "pluginConfig"],
        "properties": {
            "pluginConfig": {"$ref": "#/$defs/Config"},
            "url": text("The image with the module: `oci://registry.example.com/canary-filter:0.1.0`."),
            "selector": {
                "type": "object",
                "description": "The pods that get the plugin, by their labels.",
                "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}},
            },
            "targetRefs": {"type": "array", "description": "The Gateways that get the plugin, instead of `selector`."},
            "imagePullPolicy": {"enum": ["UNSPECIFIED_POLICY", "IfNotPresent", "Always"], "description": "When the image is pulled again."},
            "imagePullSecret": text("The secret for a private registry, in the namespace of the plugin."),
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "The digest of the image."},
            "phase": {"enum": ["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"], "description": "Before which of Istio's filters the plugin runs; `AUTHN` runs it before authorization."},
            "priority": {"type": "integer", "description": "The order within a phase: a higher number runs first."},
            "failStrategy": {"enum": ["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"], "description": "What happens if the module cannot be loaded or crashes. With `FAIL_OPEN`, requests take the stable route."},
            "vmConfig": {"type": "object", "description": "Environment variables of the VM, such as `CANARY_ON_BAD_CONFIG`."},
        },
    })
}

fn file(schema: &Value) -> String {
    format!("{schema:#}\n")
}
