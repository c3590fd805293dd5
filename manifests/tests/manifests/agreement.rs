//! Whether what is deployed together fits together: headers, clusters, subsets, ports, routes, labels, namespaces.

use canary_filter::Policy;
use serde_json::{Value, json};

use crate::documents::Documents;
use crate::{plugin, service};

/// What does not fit, in words.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<String>);

impl Faults {
    pub(crate) fn that(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }

    pub(crate) fn same(&mut self, what: &str, one: &Value, other: &Value) {
        self.that(
            !one.is_null() && one == other,
            &format!("{what}: {one} and {other}"),
        );
    }
}

/// Where the plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Gateway,
    Sidecar,
}

/// Everything about one plugin, one VirtualService and the service behind it.
pub(crate) fn faults(deployed: &Documents) -> Faults {
    let mut faults = Faults::default();
    let [wasm] = deployed.all("WasmPlugin")[..] else {
        faults.that(false, "one WasmPlugin");
        return faults;
    };
    let [virtual_service] = deployed.all("VirtualService")[..] else {
        faults.that(false, "one VirtualService");
        return faults;
    };
    let policy = match plugin::policy(wasm) {
        Ok(policy) => policy,
        Err(fault) => {
            faults.that(false, &fault);
            return faults;
        }
    };
    let rule = &wasm["spec"]["pluginConfig"]["http"][0];
    match policy.outputs().cluster_header() {
        Some(header) => by_cluster(&mut faults, deployed, header, virtual_service),
        None => by_subset(&mut faults, deployed, &policy, rule, virtual_service),
    }
    routes(&mut faults, rule, virtual_service);
    clusters(&mut faults, &policy, rule);
    placement(&mut faults, deployed, wasm, virtual_service);
    fixed(&mut faults, wasm);
    service::faults(&mut faults, deployed, rule);
    faults
}

/// One route for whatever cluster the header names.
fn by_cluster(faults: &mut Faults, deployed: &Documents, header: &str, virtual_service: &Value) {
    let strip = &deployed.named("EnvoyFilter", "canary-header")["spec"]["configPatches"];
    let manager = "envoy.filters.network.http_connection_manager";
    let types = "type.googleapis.com/envoy.extensions";
    let removal = json!({
        "@type": format!("{types}.http.early_header_mutation.header_mutation.v3.HeaderMutation"),
        "mutations": [{"remove": header}]
    });
    let expected = json!([{
        "applyTo": "NETWORK_FILTER",
        "match": {
            "context": strip[0]["match"]["context"],
            "listener": {"filterChain": {"filter": {"name": manager}}}
        },
        "patch": {"operation": "MERGE", "value": {"typed_config": {
            "@type": format!("{types}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "early_header_mutation_extensions": [{"name": "strip-canary-headers", "typed_config": removal}]
        }}}
    }]);
    faults.same(
        "the patch that removes the client's header",
        strip,
        &expected,
    );

    let route = &virtual_service["spec"]["http"][0];
    let patch = &deployed.named("EnvoyFilter", "canary-route")["spec"]["configPatches"];
    let expected = json!([{
        "applyTo": "HTTP_ROUTE",
        "match": {
            "context": patch[0]["match"]["context"],
            "routeConfiguration": {"vhost": {"route": {"name": route["name"]}}}
        },
        "patch": {"operation": "MERGE", "value": {"route": {"cluster_header": header}}}
    }]);
    faults.same("the patch of the route", patch, &expected);

    faults.same(
        "the route's condition",
        &route["match"][0]["headers"],
        &json!({ header: {} }),
    );
    faults.same(
        "what the upstream does not get",
        &route["headers"]["request"]["remove"],
        &json!([header]),
    );
    faults.that(deployed.all("EnvoyFilter").len() == 2, "two EnvoyFilters");
}

/// A route for each version.
fn by_subset(
    faults: &mut Faults,
    deployed: &Documents,
    policy: &Policy,
    rule: &Value,
    virtual_service: &Value,
) {
    faults.that(deployed.all("EnvoyFilter").is_empty(), "no EnvoyFilter");
    let header = policy.outputs().subset_header().unwrap_or_default();
    let routes = list(&virtual_service["spec"]["http"]);
    for destination in list(&rule["route"])
        .iter()
        .map(|route| &route["destination"])
    {
        let condition = json!({ header: {"exact": destination["subset"]} });
        let found = routes
            .iter()
            .find(|route| route["match"][0]["headers"] == condition);
        let route = found.unwrap_or(&Value::Null);
        faults.same(
            "a version and its route",
            &route["route"][0]["destination"],
            destination,
        );
        faults.same(
            "its name",
            &json!(format!("{}-sub", string(&route["name"]))),
            &destination["subset"],
        );
    }
    for route in routes {
        let removed = &route["headers"]["request"]["remove"];
        faults.same("what the upstream does not get", removed, &json!([header]));
    }
}

/// Each route is about the rule's requests; the one without a condition on the header leads to stable.
fn routes(faults: &mut Faults, rule: &Value, virtual_service: &Value) {
    let http = list(&virtual_service["spec"]["http"]);
    let versions: Vec<_> = list(&rule["route"])
        .iter()
        .map(|route| &route["destination"])
        .collect();
    let stable = versions.first().copied().unwrap_or(&Value::Null);
    let mut plain = 0;
    for route in http.iter().filter(|route| route["name"] != "rest") {
        let what = format!("route {}", route["name"]);
        faults.same(&what, &route["match"][0]["uri"], &rule["match"][0]["uri"]);
        let destination = &route["route"][0]["destination"];
        faults.that(
            versions.contains(&destination),
            &format!("{what}: {destination} is none of the plugin's"),
        );
        if route["match"][0]["headers"].is_null() {
            plain += 1;
            faults.same(
                "the route without the plugin",
                &route["name"],
                &json!("stable"),
            );
            faults.same("stable", destination, stable);
        } else {
            faults.that(plain == 0, "the routes with a condition come first");
            faults.that(
                route["name"] != "canary" || destination == stable,
                "unpatched, canary is stable",
            );
        }
    }
    faults.that(plain == 1, "one route without the plugin");
    for rest in http.iter().filter(|route| route["name"] == "rest") {
        faults.same(
            "the rest",
            &rest["route"][0]["destination"],
            &json!({"host": stable["host"]}),
        );
    }
}

/// The clusters that Envoy has in `envoy/` are the same ones.
fn clusters(faults: &mut Faults, policy: &Policy, rule: &Value) {
    let envoy =
        Documents::parse(&crate::documents::text("envoy/clusters.yaml")).unwrap_or_default();
    let resources = envoy
        .0
        .first()
        .map(|file| list(&file["resources"]))
        .unwrap_or_default();
    let names = resources
        .iter()
        .map(|cluster| string(&cluster["name"]).to_owned());
    let names = names.map(|name| name.split('|').map(str::to_owned).collect::<Vec<_>>());
    let versions = list(&rule["route"])
        .iter()
        .map(|route| &route["destination"]);
    let subsets: Vec<_> = versions.map(|version| string(&version["subset"])).collect();
    let named: Vec<_> = names
        .map(|parts| parts.get(2).cloned().unwrap_or_default())
        .collect();
    faults.that(
        named == subsets,
        &format!("subsets {subsets:?} and envoy/clusters.yaml's {named:?}"),
    );
    faults.that(policy.rules().len() == 1, "one rule");
}

/// Who runs the plugin and who has the routes.
fn placement(faults: &mut Faults, deployed: &Documents, wasm: &Value, virtual_service: &Value) {
    let place = if wasm["spec"]["match"].is_null() {
        Place::Gateway
    } else {
        Place::Sidecar
    };
    let pods = &wasm["spec"]["selector"]["matchLabels"];
    let context = match place {
        Place::Gateway => "GATEWAY",
        Place::Sidecar => "SIDECAR_OUTBOUND",
    };
    for filter in deployed.all("EnvoyFilter") {
        let spec = &filter["spec"];
        faults.same(
            "EnvoyFilter's namespace",
            &filter["metadata"]["namespace"],
            &wasm["metadata"]["namespace"],
        );
        faults.same(
            "EnvoyFilter's pods",
            &spec["workloadSelector"]["labels"],
            pods,
        );
        faults.same(
            "its context",
            &spec["configPatches"][0]["match"]["context"],
            &json!(context),
        );
    }
    let spec = &virtual_service["spec"];
    match place {
        Place::Gateway => {
            let [gateway] = deployed.all("Gateway")[..] else {
                return faults.that(false, "one Gateway");
            };
            faults.same("the gateway's pods", &gateway["spec"]["selector"], pods);
            faults.same(
                "the gateway",
                &spec["gateways"],
                &json!([gateway["metadata"]["name"]]),
            );
            faults.same(
                "its hosts",
                &spec["hosts"],
                &gateway["spec"]["servers"][0]["hosts"],
            );
            let port = json!({"number": 80, "name": "http", "protocol": "HTTP"});
            faults.same("its port", &gateway["spec"]["servers"][0]["port"], &port);
            faults.same(
                "any host",
                &gateway["spec"]["servers"][0]["hosts"],
                &json!(["*"]),
            );
        }
        Place::Sidecar => {
            faults.same(
                "the side of the sidecar",
                &wasm["spec"]["match"],
                &json!([{"mode": "CLIENT"}]),
            );
            faults.same("the gateway", &spec["gateways"], &json!(["mesh"]));
            let rule = &wasm["spec"]["pluginConfig"]["http"][0];
            let host = &rule["route"][0]["destination"]["host"];
            faults.same("the host", &spec["hosts"], &json!([host]));
        }
    }
}

/// What has to be as it is for reasons of its own.
fn fixed(faults: &mut Faults, wasm: &Value) {
    let spec = &wasm["spec"];
    // Any other value denies all traffic of the gateway when the image cannot be pulled.
    faults.same("failStrategy", &spec["failStrategy"], &json!("FAIL_OPEN"));
    // Before authorization.
    faults.same("phase", &spec["phase"], &json!("AUTHN"));
    faults.that(
        string(&spec["url"]).starts_with("oci://"),
        "an image by oci://",
    );
    // The default depends on the tag.
    faults.same(
        "imagePullPolicy",
        &spec["imagePullPolicy"],
        &json!("IfNotPresent"),
    );
    let tag = concat!("canary-filter:", env!("CARGO_PKG_VERSION"));
    faults.that(
        string(&spec["url"]).ends_with(tag),
        "the plugin's image has the version of the repository",
    );
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What is deployed with the two commands of the documentation.
pub(crate) fn gateway() -> Documents {
    Documents::read(&["color", "base"])
}

#[test]
fn the_manifests_agree() {
    let faults = faults(&gateway());
    assert!(faults.0.is_empty(), "{faults:#?}");
}
