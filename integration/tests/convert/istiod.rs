//! Translates VirtualServices to Envoy's routes as istiod does for the gateway of the tests.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::options;

/// The gateway of the tests, with its one server's port.
const GATEWAY: &str = "istio-system/public";
const PORT: u64 = 80;

/// What istiod knows besides the VirtualServices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mesh {
    /// The ports of the Services by their full names.
    ports: BTreeMap<String, Vec<u64>>,
    /// The DestinationRules' `spec` by the full names of the hosts.
    rules: BTreeMap<String, Value>,
    /// The VirtualServices without hosts, by their names.
    delegates: BTreeMap<String, Value>,
}

impl Mesh {
    pub(crate) fn of(objects: &[Value]) -> Self {
        let mut mesh = Self::default();
        for object in objects {
            let spec = &object["spec"];
            let namespace = text(&object["metadata"]["namespace"]);
            match text(&object["kind"]) {
                "Service" => {
                    let ports = list(&spec["ports"])
                        .iter()
                        .map(|port| port["port"].as_u64());
                    let host = full_name(text(&object["metadata"]["name"]), namespace);
                    mesh.ports.insert(host, ports.map(Option::unwrap).collect());
                }
                "DestinationRule" => {
                    let host = full_name(text(&spec["host"]), namespace);
                    mesh.rules.insert(host, spec.clone());
                }
                "VirtualService" if spec["hosts"].is_null() => {
                    let name = text(&object["metadata"]["name"]).to_owned();
                    mesh.delegates.insert(name, spec.clone());
                }
                _ => {}
            }
        }
        mesh
    }

    /// istiod's name for the cluster of a destination.
    pub(crate) fn cluster(&self, destination: &Value, namespace: &str) -> String {
        let host = full_name(text(&destination["host"]), namespace);
        let port = destination["port"]["number"].as_u64().unwrap_or_else(|| {
            match self.ports.get(&host).map(Vec::as_slice) {
                Some([only]) => *only,
                _ => PORT,
            }
        });
        format!("outbound|{port}|{}|{host}", text(&destination["subset"]))
    }

    /// The `consistentHash` in force for a destination.
    pub(crate) fn hash(&self, destination: &Value, namespace: &str) -> Option<&Value> {
        let host = full_name(text(&destination["host"]), namespace);
        let rule = self.rules.get(&host)?;
        let mut subsets = list(&rule["subsets"]).iter();
        let subset = subsets.find(|subset| subset["name"] == destination["subset"]);
        [subset, Some(rule)]
            .into_iter()
            .flatten()
            .map(|it| &it["trafficPolicy"]["loadBalancer"]["consistentHash"])
            .find(|hash| hash.is_object())
    }
}

/// The gateway's route configuration for these objects, the VirtualServices in the order in which they were created.
pub(crate) fn route_configuration(objects: &[Value], mesh: &Mesh) -> Value {
    let mut hosts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for object in objects {
        let namespace = text(&object["metadata"]["namespace"]);
        let spec = &object["spec"];
        let bound = list(&spec["gateways"])
            .iter()
            .any(|name| gateway(text(name), namespace) == GATEWAY);
        if object["kind"] != "VirtualService" || !bound {
            continue;
        }
        let routes = routes(spec, mesh, namespace);
        for host in list(&spec["hosts"]) {
            let host = full_name(text(host), namespace);
            hosts.entry(host).or_default().extend(routes.clone());
        }
    }
    let virtual_hosts: Vec<_> = hosts
        .into_iter()
        .map(|(host, mut routes)| {
            // istiod moves those that match everything to the end.
            routes.sort_by_key(is_catch_all);
            json!({
                "name": format!("{host}:{PORT}"),
                "domains": [host],
                "routes": routes,
                "include_request_attempt_count": true
            })
        })
        .collect();
    json!({
        "name": "http.8080",
        "virtual_hosts": virtual_hosts,
        "validate_clusters": false,
        "max_direct_response_body_size_bytes": 1_048_576,
        "ignore_port_in_host_matching": true
    })
}

/// The entries of `http`, those of delegates in the place of the entries that name them.
fn entries(spec: &Value, mesh: &Mesh) -> Vec<Value> {
    let mut entries = Vec::new();
    for http in list(&spec["http"]) {
        let Some(name) = http["delegate"]["name"].as_str() else {
            entries.push(http.clone());
            continue;
        };
        for own in list(&mesh.delegates[name]["http"]) {
            assert!(own["match"].is_null(), "the tests need no more");
            let mut own = own.clone();
            own["match"] = http["match"].clone();
            entries.push(own);
        }
    }
    entries
}

fn routes(spec: &Value, mesh: &Mesh, namespace: &str) -> Vec<Value> {
    let mut routes = Vec::new();
    for http in &entries(spec, mesh) {
        let everything = [Value::Null];
        let entries = match list(&http["match"]) {
            [] => &everything,
            entries => entries,
        };
        for entry in entries.iter().filter(|entry| is_here(entry, namespace)) {
            let mut route = options::route(http, mesh, namespace);
            route["match"] = matcher(entry);
            let names = [&http["name"], &entry["name"]];
            let names: Vec<_> = names.iter().filter_map(|name| name.as_str()).collect();
            if !names.is_empty() {
                route["name"] = json!(names.join("."));
            }
            let ends = is_catch_all(&route);
            routes.push(route);
            if ends {
                // istiod leaves out what no request can reach.
                return routes;
            }
        }
    }
    routes
}

/// Whether the gateway has the entry. Its proxies have none of the labels that the tests use.
fn is_here(entry: &Value, namespace: &str) -> bool {
    let port = entry["port"].as_u64();
    let by_gateway = list(&entry["gateways"]);
    let here = if by_gateway.is_empty() {
        entry["sourceLabels"].is_null() && entry["sourceNamespace"].is_null()
    } else {
        by_gateway
            .iter()
            .any(|name| gateway(text(name), namespace) == GATEWAY)
    };
    here && port.is_none_or(|port| port == PORT)
}

fn matcher(entry: &Value) -> Value {
    let mut matcher = json!({"prefix": "/"});
    if entry.is_null() {
        return matcher;
    }
    matcher["case_sensitive"] = json!(entry["ignoreUriCase"] != true);
    if let Some((kind, value)) = entry["uri"].as_object().and_then(|uri| uri.iter().next()) {
        matcher.as_object_mut().unwrap().remove("prefix");
        match kind.as_str() {
            "exact" => matcher["path"] = value.clone(),
            "prefix" => matcher["prefix"] = value.clone(),
            _ => matcher["safe_regex"] = json!({"regex": value}),
        }
    }
    let mut headers: Vec<_> = fields(&entry["headers"]).map(named).collect();
    headers.extend(fields(&entry["withoutHeaders"]).map(|(name, value)| {
        let mut absent = named((name, value));
        absent["invert_match"] = json!(true);
        if absent.get("present_match").is_none() {
            absent["treat_missing_header_as_empty"] = json!(true);
        }
        absent
    }));
    for (field, name) in [
        ("method", ":method"),
        ("authority", ":authority"),
        ("scheme", ":scheme"),
    ] {
        if entry[field].is_object() {
            headers.push(named((&name.to_owned(), &entry[field])));
        }
    }
    if !headers.is_empty() {
        matcher["headers"] = headers.into();
    }
    let parameters: Vec<_> = fields(&entry["queryParams"]).map(named).collect();
    if !parameters.is_empty() {
        matcher["query_parameters"] = parameters.into();
    }
    matcher
}

/// A condition on a header or a query parameter.
fn named((name, value): (&String, &Value)) -> Value {
    let matcher = match value.as_object().and_then(|value| value.iter().next()) {
        None => return json!({"name": name, "present_match": true}),
        Some((kind, text)) if kind == "regex" => json!({"safe_regex": {"regex": text}}),
        Some((kind, text)) => json!({(kind.clone()): text}),
    };
    json!({"name": name, "string_match": matcher})
}

fn is_catch_all(route: &Value) -> bool {
    let matcher = &route["match"];
    let path = matcher["prefix"] == "/" || matcher["safe_regex"]["regex"] == ".*";
    path && matcher.get("headers").is_none() && matcher.get("query_parameters").is_none()
}

fn gateway(name: &str, namespace: &str) -> String {
    match name {
        "mesh" => name.to_owned(),
        _ if name.contains('/') => name.to_owned(),
        _ => format!("{namespace}/{name}"),
    }
}

fn full_name(host: &str, namespace: &str) -> String {
    if host.contains('.') || host == "*" {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
    }
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
