//! What istiod makes of the manifests in `istio/`, as far as the filter is concerned: routes of a VirtualService,
//! EnvoyFilters merged into listener and routes, the plugin by discovery. Envoy takes it as static configuration
//! and refuses a field that it does not know, so that the patches are checked, too.

use std::fs;
use std::path::Path;

use harness::manager;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Objects that are deployed together.
#[derive(Clone, Debug)]
pub(crate) struct Manifests(Vec<Value>);

impl Manifests {
    /// Files and what a kustomization's own patches make of them.
    pub(crate) fn read(files: &[&str], kustomization: Option<&str>) -> Self {
        let mut manifests = Self(files.iter().flat_map(|file| read(file)).collect());
        for patch in kustomization
            .iter()
            .flat_map(|file| read(file))
            .flat_map(|file| list(&file["patches"]))
        {
            manifests.patch(&patch);
        }
        manifests
    }

    fn patch(&mut self, patch: &Value) {
        let target = &patch["target"];
        let meant = |object: &Value| {
            object["kind"] == target["kind"]
                && (target["name"].is_null() || object["metadata"]["name"] == target["name"])
        };
        let body: Value = serde_yaml_ng::from_str(patch["patch"].as_str().unwrap()).unwrap();
        if body["$patch"] == "delete" {
            return self.0.retain(|object| !meant(object));
        }
        for object in self.0.iter_mut().filter(|object| meant(object)) {
            list(&body)
                .iter()
                .for_each(|operation| apply(object, operation));
        }
    }

    /// Without one object; it has to be there.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|object| object["metadata"]["name"] != name);
        assert_eq!(before, self.0.len() + 1, "{name}");
        self
    }

    /// The WasmPlugin's `spec`.
    pub(crate) fn plugin(&self) -> &Value {
        &self.kind("WasmPlugin").next().unwrap()["spec"]
    }

    /// `pluginConfig` with these weights, as compact JSON: that is how istiod hands it on.
    pub(crate) fn policy(&self, weights: [u32; 2]) -> String {
        let mut configuration = self.plugin()["pluginConfig"].clone();
        for (route, weight) in configuration["http"][0]["route"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .zip(weights)
        {
            route["weight"] = json!(weight);
        }
        configuration.to_string()
    }

    /// Everything but the plugin: into the listener of a bootstrap.
    pub(crate) fn translate(&self, bootstrap: &mut Value) {
        let service = self.kind("VirtualService").next().unwrap();
        let routes: Vec<_> = list(&service["spec"]["http"])
            .iter()
            .flat_map(routes)
            .collect();
        let manager = manager(bootstrap);
        manager["route_config"] = json!({
            "name": "http.8080",
            "validate_clusters": false,
            "virtual_hosts": [{"name": "*:80", "domains": service["spec"]["hosts"], "routes": routes}]
        });
        for patch in self
            .kind("EnvoyFilter")
            .flat_map(|filter| list(&filter["spec"]["configPatches"]))
        {
            merge_patch(manager, &patch);
        }
        // A failed pull comes as RBAC, and istiod gives no default.
        if let Some(discovery) = manager["http_filters"][0].get_mut("config_discovery") {
            assert!(discovery.get("default_config").is_none());
            let types = "type.googleapis.com/envoy.extensions.filters.http";
            discovery["type_urls"] = json!([
                format!("{types}.wasm.v3.Wasm"),
                format!("{types}.rbac.v3.RBAC")
            ]);
        }
    }

    fn kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }
}

/// The documents of a file below `istio/`.
fn read(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../istio")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_yaml_ng::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// One operation of a JSON patch (RFC 6902), of those that the kustomizations use.
fn apply(object: &mut Value, operation: &Value) {
    let path = operation["path"].as_str().unwrap();
    let (parent, key) = path.rsplit_once('/').unwrap();
    match operation["op"].as_str().unwrap() {
        "test" => assert_eq!(object.pointer(path), Some(&operation["value"])),
        "replace" => *object.pointer_mut(path).unwrap() = operation["value"].clone(),
        "add" => object.pointer_mut(parent).unwrap()[key] = operation["value"].clone(),
        "remove" => {
            object
                .pointer_mut(parent)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key)
                .unwrap();
        }
        other => panic!("{other}"),
    }
}

/// The routes of one `http` entry: one for each `match`.
fn routes(http: &Value) -> Vec<Value> {
    let conditions = http["match"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![json!({})]);
    conditions
        .iter()
        .map(|condition| route(http, condition))
        .collect()
}

fn route(http: &Value, condition: &Value) -> Value {
    let destination = &http["route"][0]["destination"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let port = destination["port"]["number"].as_u64().unwrap_or(8000);
    let cluster = format!(
        "outbound|{port}|{}|{}",
        text(&destination["subset"]),
        text(&destination["host"])
    );
    let headers = condition["headers"]
        .as_object()
        .cloned()
        .unwrap_or_default()
        .into_iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| match value.get("exact") {
            Some(exact) => json!({"name": name, "string_match": {"exact": exact}}),
            None => json!({"name": name, "present_match": true}),
        })
        .collect();
    json!({
        "name": http["name"],
        "match": {"prefix": condition["uri"].get("prefix").unwrap_or(&json!("/")), "headers": headers},
        "route": {"cluster": cluster, "timeout": "0s"},
        "request_headers_to_remove": list(&http["headers"]["request"]["remove"])
    })
}

/// One patch of an EnvoyFilter, `operation: MERGE`.
fn merge_patch(manager: &mut Map<String, Value>, patch: &Value) {
    assert_eq!(patch["patch"]["operation"], "MERGE");
    let value = &patch["patch"]["value"];
    match patch["applyTo"].as_str().unwrap() {
        "NETWORK_FILTER" => {
            let filter = &patch["match"]["listener"]["filterChain"]["filter"]["name"];
            assert_eq!(filter, "envoy.filters.network.http_connection_manager");
            assert_eq!(value["typed_config"]["@type"], manager["@type"]);
            merge(manager, value["typed_config"].as_object().unwrap());
        }
        "HTTP_ROUTE" => {
            let name = &patch["match"]["routeConfiguration"]["vhost"]["route"]["name"];
            let routes = manager["route_config"]["virtual_hosts"][0]["routes"]
                .as_array_mut()
                .unwrap();
            for route in routes.iter_mut().filter(|route| route["name"] == *name) {
                merge(route.as_object_mut().unwrap(), value.as_object().unwrap());
            }
        }
        other => panic!("{other}"),
    }
}

/// As protobuf merges: messages field by field, lists one after the other, and of a `oneof` the last one counts.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    const CLUSTER: [&str; 3] = ["cluster", "cluster_header", "weighted_clusters"];
    if from.keys().any(|key| CLUSTER.contains(&key.as_str())) {
        into.retain(|key, _| !CLUSTER.contains(&key.as_str()));
    }
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(Value::Array(into)), Value::Array(from)) => into.extend(from.iter().cloned()),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
