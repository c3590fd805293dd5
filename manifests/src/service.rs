//! The service to which the rule routes: namespaces, subsets, ports and the labels of the pods.

use serde_json::{Map, Value, json};

use crate::{Deployed, Findings, at, list, text};

pub(crate) fn check(deployed: &Deployed<'_>, findings: &mut Findings) {
    let mut host = text(at(deployed.stable(), "/host")).split('.');
    let (name, namespace) = (host.next().unwrap_or_default(), json!(host.next()));
    for kind in [
        "Service",
        "Deployment",
        "DestinationRule",
        "VirtualService",
        "Gateway",
    ] {
        for object in deployed.documents.all(kind) {
            let found = at(object, "/metadata/namespace");
            findings.same(object, "the namespace", found, &namespace);
        }
    }
    let service = deployed.documents.named("Service", name);
    let message = format!("hold no Service of the name {name}, the plugin's host");
    findings.require(!service.is_null(), &Value::Null, message);
    for destination in deployed.destinations() {
        version(deployed, service, destination, findings);
    }
}

/// One destination: its subset, its Service's port and its pods.
fn version(deployed: &Deployed<'_>, service: &Value, destination: &Value, findings: &mut Findings) {
    let (host, subset) = (at(destination, "/host"), at(destination, "/subset"));
    let rules = deployed.documents.all("DestinationRule");
    let of_host = rules.iter().filter(|rule| at(rule, "/spec/host") == host);
    let found = of_host
        .flat_map(|rule| list(at(rule, "/spec/subsets")))
        .find(|found| at(found, "/name") == subset);
    let Some(found) = found else {
        let message = format!("no DestinationRule of {host} has the subset {subset}");
        return findings.require(false, deployed.plugin, message);
    };

    let number = at(destination, "/port/number");
    let ports = list(at(service, "/spec/ports")).iter();
    let Some(port) = ports.clone().find(|port| at(port, "/port") == number) else {
        let message = format!("the port {number} of the plugin's destination is missing");
        return findings.require(false, service, message);
    };
    let Some(selector) = at(service, "/spec/selector").as_object() else {
        return findings.require(false, service, "the selector is missing");
    };
    let labels = at(found, "/labels")
        .as_object()
        .cloned()
        .unwrap_or_default();
    let narrower = labels.keys().any(|label| selector.contains_key(label));
    let message = format!("the selector must not select by the labels of the subset {subset}");
    findings.require(!narrower && !labels.is_empty(), service, message);

    let deployments = deployed.documents.all("Deployment");
    let pods = deployments
        .into_iter()
        .find(|deployment| has(deployment, selector) && has(deployment, &labels));
    let Some(deployment) = pods else {
        let message = format!("no Deployment has pods with the labels of the subset {subset}");
        return findings.require(false, deployed.plugin, message);
    };
    let target = at(port, "/targetPort");
    let containers = list(at(deployment, "/spec/template/spec/containers")).iter();
    let listens = containers
        .flat_map(|container| list(at(container, "/ports")))
        .any(|port| at(port, "/containerPort") == target || at(port, "/name") == target);
    let message = format!("no container has the port {target} of the Service");
    findings.require(listens, deployment, message);
}

/// Whether the Deployment's pods have these labels.
fn has(deployment: &Value, labels: &Map<String, Value>) -> bool {
    let own = at(deployment, "/spec/template/metadata/labels");
    labels.iter().all(|(label, value)| own[label] == *value)
}
