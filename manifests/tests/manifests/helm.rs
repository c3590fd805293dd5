//! The chart gives the same objects as `kubectl apply -k`, for each place where the filter runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use manifests::Documents;
use serde_json::{Value, json};

use crate::kustomize::{Kustomize, or_say, sorted};
use crate::repository::{root, text};

/// The values in `examples/`, the release's namespace, and the folders that give the same objects.
const EXAMPLES: &[(&str, &str, &[&str])] = &[
    (
        "istio-classic",
        "istio-system",
        &["istio/overlays/canary", "istio/color"],
    ),
    (
        "istio-classic-subset",
        "istio-system",
        &["istio/subset-header"],
    ),
    ("istio", "default", &["gateway-api/istio"]),
    (
        "istio-cluster-header",
        "default",
        &["gateway-api/istio-cluster-header"],
    ),
    ("waypoint", "default", &["gateway-api/waypoint"]),
    (
        "waypoint-service",
        "default",
        &["gateway-api/waypoint-service"],
    ),
    (
        "waypoint-virtual-service",
        "default",
        &["gateway-api/waypoint-virtual-service"],
    ),
    ("envoy-gateway", "default", &["gateway-api/envoy-gateway"]),
    (
        "envoy-gateway-http",
        "default",
        &["gateway-api/envoy-gateway-http"],
    ),
];

/// The kinds that the chart has. The gateway and the services are not its concern.
const KINDS: &[&str] = &[
    "ClientTrafficPolicy",
    "EnvoyExtensionPolicy",
    "EnvoyFilter",
    "HTTPRoute",
    "VirtualService",
    "WasmPlugin",
];

fn chart() -> PathBuf {
    root().join("charts/canary-filter")
}

fn example(name: &str) -> PathBuf {
    chart().join("examples").join(name).with_extension("yaml")
}

/// Runs a command of Helm with a file of values.
fn helm(arguments: &[&str], values: &Path) -> Output {
    Command::new("helm")
        .args(arguments)
        .arg("--values")
        .arg(values)
        .output()
        .unwrap()
}

fn template(name: &str, namespace: &str) -> Documents {
    let folder = chart();
    let folder = folder.to_str().unwrap();
    let arguments = ["template", "canary", folder, "--namespace", namespace];
    let output = helm(&arguments, &example(name));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    Documents::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap()
}

fn missing() -> Option<String> {
    let found = Command::new("helm").arg("version").output().is_ok();
    (!found).then(|| "helm is not installed".to_owned())
}

/// The objects that the chart has, too.
fn of_the_chart(documents: Documents) -> Documents {
    let meant = |document: &Value| KINDS.iter().any(|kind| document["kind"] == *kind);
    let mut documents = Documents(documents.0.into_iter().filter(meant).collect());
    for document in &mut documents.0 {
        without_default(document);
    }
    documents
}

/// Removes the default type of the condition on a header.
fn without_default(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("type") == Some(&json!("Exact")) {
                members.remove("type");
            }
            members.values_mut().for_each(without_default);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_default),
        _ => {}
    }
}

#[test]
fn the_chart_and_kustomize_give_the_same_objects() {
    or_say(missing(), || {
        Kustomize::or_skip(root(), |kustomize| {
            for (name, namespace, folders) in EXAMPLES {
                let made = folders.iter().map(|folder| kustomize.build(folder).0);
                let expected = of_the_chart(Documents(made.flatten().collect()));
                assert!(!expected.0.is_empty());
                let found = template(name, namespace);
                assert_eq!(sorted(&found), sorted(&expected), "{name}");
            }
        });
    });
}

#[test]
fn helm_lint_finds_nothing_in_any_example() {
    or_say(missing(), || {
        let folder = chart();
        for (name, ..) in EXAMPLES {
            let arguments = ["lint", "--strict", folder.to_str().unwrap()];
            let output = helm(&arguments, &example(name));
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{name}: {said}");
        }
    });
}

#[test]
fn helm_refuses_values_with_a_mistake() {
    or_say(missing(), || {
        let folder = tempfile::tempdir().unwrap();
        let values = folder.path().join("values.yaml");
        for (example_name, old, new, reason) in [
            ("istio", "weight: 25", "weight: -5", "pluginConfig"),
            ("istio", "subset: blue", "subsets: blue", "pluginConfig"),
            ("istio", "stable: blue", "stable: red", "red is not a label"),
            ("istio", "kind: HTTPRoute", "kind: TCPRoute", "kind"),
            ("istio", "targetRefs:", "targetRef:", "targetRef"),
            (
                "waypoint-virtual-service",
                "subsetHeader: x-canary-subset",
                "clusterHeader: x-canary-cluster",
                "pluginConfig",
            ),
            (
                "envoy-gateway",
                "subsetHeader: x-canary-subset",
                "clusterHeader: x-canary-cluster",
                "pluginConfig",
            ),
        ] {
            let wrong = std::fs::read_to_string(example(example_name)).unwrap();
            std::fs::write(&values, wrong.replace(old, new)).unwrap();
            let folder = chart();
            let arguments = ["template", "canary", folder.to_str().unwrap()];
            let output = helm(&arguments, &values);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{new}");
            assert!(said.contains(reason), "{new}: {said}");
        }
    });
}

#[test]
fn every_example_is_compared() {
    let mut files: Vec<_> = std::fs::read_dir(chart().join("examples"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut named: Vec<_> = EXAMPLES.iter().map(|(name, ..)| example(name)).collect();
    named.sort();
    assert_eq!(files, named);
}

#[test]
fn the_chart_has_the_version_of_the_repository() {
    let chart = Documents::parse(&text("charts/canary-filter/Chart.yaml")).unwrap();
    for field in ["version", "appVersion"] {
        assert_eq!(chart.0[0][field], env!("CARGO_PKG_VERSION"), "{field}");
    }
}

#[test]
fn the_schema_of_the_values_contains_that_of_the_configuration() {
    let read = |path: &str| -> Value { serde_json::from_str(&text(path)).unwrap() };
    let values = read("charts/canary-filter/values.schema.json");
    let mut configuration = read("docs/schema.json");
    let own = configuration.as_object_mut().unwrap();
    let Some(Value::Object(definitions)) = own.remove("$defs") else {
        panic!("docs/schema.json has no definitions")
    };
    assert_eq!(own.remove("$schema").as_ref(), values.get("$schema"));
    for (name, definition) in definitions {
        assert_eq!(values["$defs"][&name], definition, "copy it: {name}");
    }
    assert_eq!(values["$defs"]["Config"], configuration, "copy it: Config");
    let reference = json!({"$ref": "#/$defs/Config"});
    assert_eq!(values["properties"]["pluginConfig"], reference);
}
