//! Translates the manifests in `gateway-api/` as their control planes do, as far as the filter is concerned.
//!
//! | | Istio, gateway | Istio, waypoint | Envoy Gateway |
//! | --- | --- | --- | --- |
//! | cluster | `outbound|8000||color-blue.default.svc.cluster.local` | `inbound-vip|8000|http|color-blue.default.svc.cluster.local`, with a subset `http/blue-sub` | `httproute/default/color/rule/0`, by the rule's place in the HTTPRoute |
//! | name of the route | the rule's | the rule's | `httproute/default/color/rule/0/match/0/*` |
//! | `PathPrefix` | `path_separated_prefix` | the same; a VirtualService's `prefix` is `prefix` | `path_separated_prefix` |
//! | order | more header matches first | the same; a VirtualService keeps its order | more header matches first |
//! | the filter | by ECDS, for all routes | the same | in the listener, `disabled`, and enabled on each route that its policy covers |
//! | early removal of a header | an EnvoyFilter | none | ClientTrafficPolicy |
//!
//! Sources: istio/istio, `pilot/pkg/networking/core/route/route.go` (`TranslateRouteMatch`, with the semantics of the Gateway
//! API) and `pilot/pkg/config/kube/gateway/conversion.go`; a waypoint's clusters as a running istiod 1.31 sent them;
//! envoyproxy/gateway 1.9, `internal/xds/translator/testdata/out/xds-ir/wasm.*.yaml`.

use harness::manager;
use manifests::{Documents, at, kustomize, list, text};
use serde_json::{Value, json};

use crate::istiod::merge_patch;

const TYPES: &str = "type.googleapis.com/envoy";

/// What translates the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlPlane {
    Gateway,
    Waypoint,
    EnvoyGateway,
}

/// A folder of `gateway-api/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) folder: &'static str,
    /// The folder that this one patches.
    base: Option<&'static str>,
    pub(crate) by: ControlPlane,
    /// The header that the filter writes.
    pub(crate) header: &'static str,
}

const fn form(folder: &'static str, by: ControlPlane, header: &'static str) -> Form {
    Form {
        folder,
        base: None,
        by,
        header,
    }
}

pub(crate) const ISTIO: Form = form("istio", ControlPlane::Gateway, "x-canary-subset");
pub(crate) const CLUSTER_HEADER: Form = form(
    "istio-cluster-header",
    ControlPlane::Gateway,
    "x-canary-cluster",
);
pub(crate) const WAYPOINT: Form = form("waypoint", ControlPlane::Waypoint, "x-canary-subset");
pub(crate) const VIRTUAL_SERVICE: Form = Form {
    base: Some("waypoint"),
    ..form(
        "waypoint-virtual-service",
        ControlPlane::Waypoint,
        "x-canary-subset",
    )
};
pub(crate) const ENVOY_GATEWAY: Form = form(
    "envoy-gateway",
    ControlPlane::EnvoyGateway,
    "x-canary-subset",
);

impl Form {
    fn documents(self) -> Documents {
        let root = harness::root().join("gateway-api");
        let folder = |name: &str| {
            let kustomization = root.join(name).join("kustomization.yaml");
            let kustomization = Documents::read(&kustomization).unwrap().0.remove(0);
            let mut documents = Documents::default();
            let files = list(&kustomization["resources"]).iter().map(text);
            for file in files.filter(|file| file.ends_with(".yaml")) {
                documents = documents.and(Documents::read(&root.join(name).join(file)).unwrap());
            }
            (documents, kustomization)
        };
        let (own, kustomization) = folder(self.folder);
        let mut documents = match self.base {
            Some(base) => folder(base).0.and(own),
            None => own,
        };
        kustomize::patch(&mut documents, &kustomization).unwrap();
        documents
    }

    /// The filter's configuration with these weights, as compact JSON.
    pub(crate) fn policy(self, weights: [u32; 2]) -> String {
        let documents = self.documents();
        let mut configuration = match self.by {
            ControlPlane::EnvoyGateway => {
                let policy = documents.named("EnvoyExtensionPolicy", "canary");
                let wasm = &policy["spec"]["wasm"][0];
                assert_eq!(wasm["failOpen"], true);
                wasm["config"].clone()
            }
            _ => {
                let plugin = documents.named("WasmPlugin", "canary");
                assert_eq!(plugin["spec"]["failStrategy"], "FAIL_OPEN");
                plugin["spec"]["pluginConfig"].clone()
            }
        };
        for (number, weight) in weights.into_iter().enumerate() {
            configuration["http"][0]["route"][number]["weight"] = json!(weight);
        }
        configuration.to_string()
    }

    /// The clusters, each with 0 if blue stands behind it and 1 if green does.
    pub(crate) fn clusters(self) -> Vec<(String, usize)> {
        let mut clusters: Vec<_> = self
            .routes()
            .iter()
            .map(|(_, route)| text(&route["route"]["cluster"]).to_owned())
            .collect();
        // The cluster header names clusters that no route does.
        if self == CLUSTER_HEADER {
            clusters.push("outbound|8000||color-green.default.svc.cluster.local".to_owned());
        }
        clusters.sort();
        clusters.dedup();
        // Of Envoy Gateway's rules, the one in the middle is green's.
        let green = |name: &str| name.contains("green") || name.ends_with("rule/1");
        let numbered = clusters
            .into_iter()
            .map(|name| (name.clone(), usize::from(green(&name))));
        numbered.collect()
    }

    /// Translates everything but the filter's configuration into the listener of a bootstrap.
    pub(crate) fn translate(self, bootstrap: &mut Value) {
        let documents = self.documents();
        let routes: Vec<_> = self.routes().into_iter().map(|(_, route)| route).collect();
        let manager = manager(bootstrap);
        manager["route_config"] = json!({
            "name": "routes",
            "validate_clusters": false,
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]
        });
        for filter in documents.all("EnvoyFilter") {
            for patch in list(&filter["spec"]["configPatches"]) {
                merge_patch(manager, patch);
            }
        }
        for policy in documents.all("ClientTrafficPolicy") {
            let names = list(at(policy, "/spec/headers/earlyRequestHeaders/remove")).iter();
            let mutations: Vec<_> = names.map(|name| json!({ "remove": name })).collect();
            let header_mutation = "extensions.http.early_header_mutation.header_mutation.v3";
            manager.insert(
                "early_header_mutation_extensions".to_owned(),
                json!([{
                    "name": "envoy.http.early_header_mutation.header_mutation",
                    "typed_config": {
                        "@type": format!("{TYPES}.{header_mutation}.HeaderMutation"),
                        "mutations": mutations
                    }
                }]),
            );
        }
        if self.by == ControlPlane::EnvoyGateway {
            enable_by_route(bootstrap, "canary", |_| true);
        }
    }

    /// The routes in the order in which Envoy tries them, each with its number of header matches.
    fn routes(self) -> Vec<(usize, Value)> {
        let documents = self.documents();
        if let [service] = documents.all("VirtualService")[..] {
            let http = list(&service["spec"]["http"]).iter();
            return http.map(|http| (0, of_virtual_service(http))).collect();
        }
        let route = documents.named("HTTPRoute", "color");
        let rules = list(&route["spec"]["rules"]).iter().enumerate();
        let mut routes: Vec<_> = rules.map(|(place, rule)| self.route(place, rule)).collect();
        routes.sort_by_key(|(conditions, _)| std::cmp::Reverse(*conditions));
        routes
    }

    fn route(self, place: usize, rule: &Value) -> (usize, Value) {
        let backend = &rule["backendRefs"][0];
        let service = format!("{}.default.svc.cluster.local", text(&backend["name"]));
        let port = &backend["port"];
        let (name, cluster) = match self.by {
            ControlPlane::Gateway => (
                text(&rule["name"]).to_owned(),
                format!("outbound|{port}||{service}"),
            ),
            ControlPlane::Waypoint => (
                text(&rule["name"]).to_owned(),
                format!("inbound-vip|{port}|http|{service}"),
            ),
            ControlPlane::EnvoyGateway => {
                let rule = format!("httproute/default/color/rule/{place}");
                (format!("{rule}/match/0/*"), rule)
            }
        };
        let headers: Vec<_> = list(at(rule, "/matches/0/headers"))
            .iter()
            .map(|header| {
                let value = match text(at(header, "/type")) {
                    "RegularExpression" => json!({"safe_regex": {"regex": header["value"]}}),
                    _ => json!({"exact": header["value"]}),
                };
                json!({"name": header["name"], "string_match": value})
            })
            .collect();
        let conditions = headers.len();
        let mut condition = json!({ "headers": headers });
        match at(rule, "/matches/0/path/value") {
            Value::Null => condition["prefix"] = json!("/"),
            prefix => condition["path_separated_prefix"] = prefix.clone(),
        }
        let removed = list(at(rule, "/filters/0/requestHeaderModifier/remove"));
        let route = json!({
            "name": name,
            "match": condition,
            "route": {"cluster": cluster},
            "request_headers_to_remove": removed
        });
        (conditions, route)
    }
}

/// The routes of a VirtualService in a waypoint.
fn of_virtual_service(http: &Value) -> Value {
    let destination = &http["route"][0]["destination"];
    let (port, subset) = (
        &destination["port"]["number"],
        text(&destination["subset"]).to_owned(),
    );
    let host = text(&destination["host"]).to_owned();
    let mut condition = json!({"prefix": at(http, "/match/0/uri/prefix")});
    if condition["prefix"].is_null() {
        condition["prefix"] = json!("/");
    }
    if let Some(headers) = at(http, "/match/0/headers").as_object() {
        let headers = headers
            .iter()
            .map(|(name, value)| json!({"name": name, "string_match": value}));
        condition["headers"] = headers.collect();
    }
    json!({
        "match": condition,
        "route": {"cluster": format!("inbound-vip|{port}|http/{subset}|{host}")},
        "request_headers_to_remove": list(at(http, "/headers/request/remove"))
    })
}

/// Disables the filter of that name in the listener, and enables it on those routes whose cluster is meant, as Envoy Gateway
/// does with every filter that belongs to a policy. If the listener does not have the filter, nothing changes.
pub(crate) fn enable_by_route(bootstrap: &mut Value, name: &str, meant: fn(&str) -> bool) {
    let manager = manager(bootstrap);
    let filters = manager["http_filters"].as_array_mut().unwrap();
    let Some(filter) = filters.iter_mut().find(|filter| filter["name"] == name) else {
        return;
    };
    filter["disabled"] = json!(true);
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"]
        .as_array_mut()
        .unwrap();
    for route in routes {
        if meant(text(&route["route"]["cluster"])) {
            let enabled = json!({
                "@type": format!("{TYPES}.config.route.v3.FilterConfig"),
                "config": {}
            });
            route["typed_per_filter_config"][name] = enabled;
        } else if let Some(configs) = route["typed_per_filter_config"].as_object_mut() {
            configs.remove(name);
        }
    }
}
