//! A change in one place alone is noticed. Each value and each key of the manifests is changed or left out, one at a time;
//! a schema, the plugin's parser or a cross check has to notice it.

use manifests::{Documents, schema};
use serde_json::Value;

use crate::repository::{faults, gateway};

/// Changes that need not be noticed: names of objects to which no other object refers, numbers and names for users and
/// operators, and fields for which the plugin has a default. `plugin.rs` compares the rule with `envoy/canary.yaml`.
const FREE: &[&str] = &[
    "DestinationRule/color Value /metadata/name",
    "VirtualService/color Value /metadata/name",
    "WasmPlugin/canary Gone /spec/pluginConfig/clusterHeader",
    "WasmPlugin/canary Gone /spec/pluginConfig/http/0/consistentHash",
    "WasmPlugin/canary Gone /spec/pluginConfig/http/0/consistentHash/0/httpCookie/ttl",
    "WasmPlugin/canary Gone /spec/pluginConfig/http/0/rollback",
    "WasmPlugin/canary Gone /spec/pluginConfig/http/0/route/0/weight",
    "WasmPlugin/canary Gone /spec/pluginConfig/http/0/route/1/weight",
    "WasmPlugin/canary Gone /spec/pluginConfig/responseHeader",
    "WasmPlugin/canary Value /metadata/name",
    "WasmPlugin/canary Value /spec/pluginConfig/http/0/consistentHash/0/httpCookie/name",
    "WasmPlugin/canary Value /spec/pluginConfig/http/0/name",
    "WasmPlugin/canary Value /spec/pluginConfig/http/0/route/0/weight",
    "WasmPlugin/canary Value /spec/pluginConfig/http/0/route/1/weight",
    "WasmPlugin/canary Value /spec/pluginConfig/responseHeader",
];

/// One change of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Value,
    Key,
    /// The key is left out with everything below it.
    Gone,
}

/// The places of all keys, and of all values other than objects and lists.
fn places(value: &Value, at: &str, found: &mut Vec<(Change, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.extend([(Change::Key, at.clone()), (Change::Gone, at.clone())]);
                places(value, &at, found);
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => found.push((Change::Value, at.to_owned())),
    }
}

fn changed(document: &Value, change: Change, at: &str) -> Value {
    let mut document = document.clone();
    match change {
        Change::Value => {
            let value = document.pointer_mut(at).unwrap();
            *value = match &*value {
                Value::String(text) => Value::from(format!("{text}x")),
                Value::Number(number) => Value::from(number.as_i64().unwrap() + 1),
                Value::Bool(truth) => Value::from(!truth),
                other => panic!("{at}: {other}"),
            };
        }
        Change::Key | Change::Gone => {
            let (parent, key) = at.rsplit_once('/').unwrap();
            let entries = document
                .pointer_mut(parent)
                .unwrap()
                .as_object_mut()
                .unwrap();
            let value = entries
                .remove(&key.replace("~1", "/").replace("~0", "~"))
                .unwrap();
            if change == Change::Key {
                entries.insert(format!("{key}x"), value);
            }
        }
    }
    document
}

/// The changes that no check notices, as `Kind/name change /pointer`.
pub(crate) fn unnoticed(deployed: &Documents) -> Vec<String> {
    unnoticed_by(deployed, |documents| faults(documents).is_empty())
}

/// The same with another check of all documents together.
pub(crate) fn unnoticed_by(deployed: &Documents, fit: impl Fn(&Documents) -> bool) -> Vec<String> {
    let mut unnoticed = Vec::new();
    for (index, document) in deployed.0.iter().enumerate() {
        let mut found = Vec::new();
        places(document, "", &mut found);
        for (change, at) in found {
            let mut deployed = deployed.clone();
            deployed.0[index] = changed(document, change, &at);
            if schema::check(&deployed.0[index]).is_ok() && fit(&deployed) {
                let (kind, name) = (&document["kind"], &document["metadata"]["name"]);
                unnoticed.push(format!(
                    "{}/{} {change:?} {at}",
                    kind.as_str().unwrap(),
                    name.as_str().unwrap()
                ));
            }
        }
    }
    unnoticed.sort();
    unnoticed
}

#[test]
fn a_change_in_one_place_is_noticed() {
    assert_eq!(unnoticed(&gateway()), FREE);
}
