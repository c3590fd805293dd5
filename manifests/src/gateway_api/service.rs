//! The Services to which the rules lead, and their pods.

use serde_json::{Map, Value, json};

use super::Attached;
use crate::{Findings, at, list, text};

/// The rule leads to one Service in the route's namespace, whose pods exist and have the version's label.
pub(super) fn check(
    attached: &Attached<'_>,
    rule: &Value,
    version: Option<&str>,
    findings: &mut Findings,
) {
    let [backend] = list(at(rule, "/backendRefs")) else {
        return findings.require(false, attached.route, "each rule must have one backend");
    };
    let name = text(at(backend, "/name"));
    of_service(attached, name, at(backend, "/port"), version, findings);
}

/// A destination of the plugin with a cluster: its Service has the name and the port that the cluster's name contains.
pub(super) fn of_destination(
    attached: &Attached<'_>,
    destination: &Value,
    findings: &mut Findings,
) {
    let host = text(at(destination, "/host"));
    let namespace = text(at(attached.route, "/metadata/namespace"));
    let Some(name) = host.strip_suffix(&format!(".{namespace}.svc.cluster.local")) else {
        let message = format!("{host} is not a Service in the namespace of the HTTPRoute");
        return findings.require(false, attached.plugin, message);
    };
    let port = at(destination, "/port/number");
    of_service(attached, name, port, name.strip_prefix("color-"), findings);
}

/// The Service of a route in the mesh, which selects the pods of all versions.
pub(super) fn check_parent(
    attached: &Attached<'_>,
    name: &str,
    port: &Value,
    findings: &mut Findings,
) {
    of_service(attached, name, port, None, findings);
    let service = attached.documents.named("Service", name);
    let narrow = !at(service, "/spec/selector/color").is_null();
    findings.require(!narrow, service, "must select the pods of all versions");
}

/// A subset of a Service: it has pods.
pub(super) fn of_subset(
    attached: &Attached<'_>,
    name: &str,
    labels: &Value,
    findings: &mut Findings,
) {
    let service = attached.documents.named("Service", name);
    let mut selector = at(service, "/spec/selector").as_object().cloned();
    let selector = selector.get_or_insert_default();
    selector.extend(labels.as_object().cloned().unwrap_or_default());
    let target = at(service, "/spec/ports/0/targetPort");
    pods(attached, service, selector, target, findings);
}

/// Before the EnvoyFilter arrives, the first rule leads to stable.
pub(super) fn stable(attached: &Attached<'_>, rule: &Value, findings: &mut Findings) {
    let host = text(at(attached.rule, "/route/0/destination/host"));
    let name = json!(host.split('.').next());
    let what = "the backend of the first rule";
    let found = at(rule, "/backendRefs/0/name");
    findings.same(attached.route, what, found, &name);
}

fn of_service(
    attached: &Attached<'_>,
    name: &str,
    port: &Value,
    version: Option<&str>,
    findings: &mut Findings,
) {
    let service = attached.documents.named("Service", name);
    if service.is_null() {
        let message = format!("a backend is the Service {name}, which is missing");
        return findings.require(false, attached.route, message);
    }
    let namespace = at(attached.route, "/metadata/namespace");
    let found = at(service, "/metadata/namespace");
    findings.same(service, "the namespace", found, namespace);
    let ports = list(at(service, "/spec/ports"));
    let [only] = ports else {
        return findings.require(false, service, "must have one port");
    };
    findings.same(service, "the port", at(only, "/port"), port);
    // Istio reads the protocol from it.
    findings.same(
        service,
        "the port's name",
        at(only, "/name"),
        &json!("http"),
    );
    let selector = at(service, "/spec/selector").as_object().cloned();
    let selector = selector.unwrap_or_default();
    if let Some(version) = version {
        let found = selector.get("color").unwrap_or(&Value::Null);
        findings.same(service, "the selected version", found, &json!(version));
    }
    pods(
        attached,
        service,
        &selector,
        at(only, "/targetPort"),
        findings,
    );
}

fn pods(
    attached: &Attached<'_>,
    service: &Value,
    selector: &Map<String, Value>,
    target: &Value,
    findings: &mut Findings,
) {
    let selected = |deployment: &&Value| {
        let labels = at(deployment, "/spec/template/metadata/labels");
        let own = at(deployment, "/metadata/namespace") == at(service, "/metadata/namespace");
        own && selector
            .iter()
            .all(|(label, value)| labels[label] == *value)
    };
    let deployments = attached.documents.all("Deployment").into_iter();
    let deployments: Vec<_> = deployments.filter(selected).collect();
    let found = !deployments.is_empty() && selector.contains_key("app");
    findings.require(found, service, "no Deployment has the selected pods");
    for deployment in deployments {
        let containers = list(at(deployment, "/spec/template/spec/containers")).iter();
        let listens = containers
            .flat_map(|container| list(at(container, "/ports")))
            .any(|port| at(port, "/containerPort") == target);
        let message = format!("no container has the port {target} of the Service");
        findings.require(listens, deployment, message);
    }
}
