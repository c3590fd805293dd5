//! The plugin, the route and what goes with them have to be for the same gateway.

use serde_json::{Value, json};

use super::{Attached, service};
use crate::{Findings, at, list, text};

pub(super) fn check(attached: &Attached<'_>, findings: &mut Findings) {
    namespaces(attached, findings);
    let [gateway] = attached.documents.all("Gateway")[..] else {
        return findings.require(false, &Value::Null, "must hold one Gateway");
    };
    let target = json!([{
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": at(gateway, "/metadata/name"),
    }]);
    if attached.in_the_mesh() {
        mesh(attached, gateway, &target, findings);
    } else {
        let parents = json!([{"name": at(gateway, "/metadata/name")}]);
        let found = at(attached.route, "/spec/parentRefs");
        findings.same(attached.route, "the list of parents", found, &parents);
        targets(attached.plugin, &target, findings);
        entrance(gateway, findings);
    }
    match at(attached.plugin, "/kind") == "WasmPlugin" {
        true => istio(attached, gateway, &target, findings),
        false => envoy_gateway(attached, gateway, &target, findings),
    }
}

/// All objects that have a namespace are in that of the route.
fn namespaces(attached: &Attached<'_>, findings: &mut Findings) {
    let namespace = at(attached.route, "/metadata/namespace");
    let objects = attached.documents.0.iter();
    for object in objects.filter(|object| at(object, "/kind") != "GatewayClass") {
        let found = at(object, "/metadata/namespace");
        findings.same(object, "the namespace", found, namespace);
    }
}

fn targets(object: &Value, expected: &Value, findings: &mut Findings) {
    let found = at(object, "/spec/targetRefs");
    findings.same(object, "the list of targets", found, expected);
}

fn entrance(gateway: &Value, findings: &mut Findings) {
    let expected = json!([{"name": "http", "port": 80, "protocol": "HTTP"}]);
    let found = at(gateway, "/spec/listeners");
    findings.same(gateway, "the list of listeners", found, &expected);
}

/// A waypoint: the Service of the route sends its requests there.
fn mesh(attached: &Attached<'_>, gateway: &Value, target: &Value, findings: &mut Findings) {
    let class = at(gateway, "/spec/gatewayClassName");
    findings.same(gateway, "the class", class, &json!("istio-waypoint"));
    let expected = json!([{"name": "mesh", "port": 15008, "protocol": "HBONE"}]);
    let found = at(gateway, "/spec/listeners");
    findings.same(gateway, "the list of listeners", found, &expected);
    let label = at(gateway, "/metadata/labels/istio.io~1waypoint-for");
    findings.same(gateway, "istio.io/waypoint-for", label, &json!("service"));

    let (name, port) = attached.called();
    if !attached.by_virtual_service() {
        let expected = json!([{"group": "", "kind": "Service", "name": name, "port": port}]);
        let found = at(attached.route, "/spec/parentRefs");
        findings.same(attached.route, "the list of parents", found, &expected);
    }
    service::check_parent(attached, name, port, findings);
    let service = attached.documents.named("Service", name);
    let label = at(service, "/metadata/labels/istio.io~1use-waypoint");
    let waypoint = at(gateway, "/metadata/name");
    findings.same(service, "istio.io/use-waypoint", label, waypoint);

    let on_service = json!([{"group": "", "kind": "Service", "name": name}]);
    let found = at(attached.plugin, "/spec/targetRefs");
    let expected = if *found == on_service {
        &on_service
    } else {
        target
    };
    targets(attached.plugin, expected, findings);
}

/// Fields of a WasmPlugin that have one right value, and the EnvoyFilters of the cluster header.
fn istio(attached: &Attached<'_>, gateway: &Value, target: &Value, findings: &mut Findings) {
    let plugin = attached.plugin;
    let spec = at(plugin, "/spec");
    // Any other value denies all traffic while the image cannot be pulled.
    let strategy = at(spec, "/failStrategy");
    findings.same(plugin, "failStrategy", strategy, &json!("FAIL_OPEN"));
    // Before authorization.
    findings.same(plugin, "phase", at(spec, "/phase"), &json!("AUTHN"));
    let policy = at(spec, "/imagePullPolicy");
    findings.same(plugin, "imagePullPolicy", policy, &json!("IfNotPresent"));
    let image = text(at(spec, "/url")).starts_with("oci://");
    findings.require(image, plugin, "the url must name an image by oci://");
    if !attached.in_the_mesh() {
        let class = at(gateway, "/spec/gatewayClassName");
        findings.same(gateway, "the class", class, &json!("istio"));
    }
    let filters = attached.documents.all("EnvoyFilter");
    for filter in &filters {
        targets(filter, target, findings);
        let context = at(filter, "/spec/configPatches/0/match/context");
        findings.same(filter, "the context", context, &json!("GATEWAY"));
    }
    if let Some(header) = attached.policy.outputs().cluster_header() {
        crate::route::patches(
            attached.documents,
            at(attached.route, "/spec/rules/0"),
            header,
            findings,
        );
    } else {
        let message = "hold EnvoyFilters, which are not needed without clusterHeader: remove them";
        findings.require(filters.is_empty(), &Value::Null, message);
    }
}

/// Envoy Gateway: the class, the module, and the policy that removes the client's header.
fn envoy_gateway(
    attached: &Attached<'_>,
    gateway: &Value,
    target: &Value,
    findings: &mut Findings,
) {
    let (documents, plugin) = (attached.documents, attached.plugin);
    let class = documents.named("GatewayClass", text(at(gateway, "/spec/gatewayClassName")));
    let controller = "gateway.envoyproxy.io/gatewayclass-controller";
    let found = at(class, "/spec/controllerName");
    findings.same(class, "the controller", found, &json!(controller));
    let [proxy] = documents.all("EnvoyProxy")[..] else {
        return findings.require(false, &Value::Null, "must hold one EnvoyProxy");
    };
    let parameters = json!({
        "group": "gateway.envoyproxy.io",
        "kind": "EnvoyProxy",
        "name": at(proxy, "/metadata/name"),
        "namespace": at(proxy, "/metadata/namespace"),
    });
    let found = at(class, "/spec/parametersRef");
    findings.same(class, "the parameters", found, &parameters);
    match at(plugin, "/spec/wasm/0") {
        Value::Null => native(plugin, proxy, findings),
        wasm => {
            // With false, a module that cannot be fetched gives 500 on all routes.
            findings.same(plugin, "failOpen", at(wasm, "/failOpen"), &json!(true));
            code(plugin, at(wasm, "/code"), findings);
        }
    }
    let header = attached
        .policy
        .outputs()
        .subset_header()
        .unwrap_or_default();
    let policies = documents.all("ClientTrafficPolicy");
    for policy in &policies {
        targets(policy, target, findings);
        let removed = list(at(policy, "/spec/headers/earlyRequestHeaders/remove"));
        let message = format!("earlyRequestHeaders must remove {header}");
        findings.require(removed.contains(&json!(header)), policy, message);
    }
    let message = "must hold the ClientTrafficPolicy that removes the client's header";
    findings.require(policies.len() == 1, &Value::Null, message);
}

/// A code source has the field of its type, and no other.
fn code(plugin: &Value, code: &Value, findings: &mut Findings) {
    let (field, other) = match text(at(code, "/type")) {
        "HTTP" => ("/http/url", "/image"),
        _ => ("/image/url", "/http"),
    };
    let message = format!("{field} of the code must be there, and {other} not");
    let there = at(code, field).is_string() && at(code, other).is_null();
    findings.require(there, plugin, message);
}

/// The EnvoyProxy allows the module that the policy uses.
fn native(plugin: &Value, proxy: &Value, findings: &mut Findings) {
    let name = at(plugin, "/spec/dynamicModule/0/name");
    let modules = list(at(proxy, "/spec/dynamicModules"));
    let Some(module) = modules.iter().find(|module| at(module, "/name") == name) else {
        let message = format!("must allow the module {name} in dynamicModules");
        return findings.require(false, proxy, message);
    };
    let source = match text(at(module, "/source/type")) {
        "Remote" => "/source/remote/url",
        _ => "/source/local/path",
    };
    let message = format!("{source} of the module must be there");
    findings.require(at(module, source).is_string(), proxy, message);
}
