//! Translates the manifests in `istio/` as istiod does, as far as the filter is concerned: a VirtualService becomes routes,
//! EnvoyFilters are merged into listener and routes, and the plugin comes by discovery. Envoy reads the result as static
//! configuration and refuses unknown fields, which checks the patches as well.

use harness::manager;
use manifests::{Documents, kustomize};
use serde_json::{Map, Value, json};

/// Objects that are deployed together.
#[derive(Clone, Debug)]
pub(crate) struct Manifests(Vec<Value>);

impl Manifests {
    /// Reads files and applies the patches of a kustomization.
    pub(crate) fn read(files: &[&str], kustomization: Option<&str>) -> Self {
        let mut documents = Documents(files.iter().flat_map(|file| read(file)).collect());
        for file in kustomization.iter().flat_map(|file| read(file)) {
            kustomize::patch(&mut documents, &file).unwrap_or_else(|reason| panic!("{reason}"));
        }
        Self(documents.0)
    }

    /// Without the object of that name, which has to be there.
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

    /// `pluginConfig` with these weights, as compact JSON, as istiod passes it on.
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

    /// Translates everything but the plugin into the listener of a bootstrap.
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
        // istiod sends a failed pull as RBAC, and sets no default.
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
    let path = harness::root().join("istio").join(file);
    let documents = Documents::read(&path).unwrap_or_else(|error| panic!("{error}"));
    documents.0
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// The routes of one `http` entry, one for each `match`.
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
pub(crate) fn merge_patch(manager: &mut Map<String, Value>, patch: &Value) {
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

/// Merges as protobuf does: messages field by field, lists are concatenated, and of a `oneof` the last field remains.
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
