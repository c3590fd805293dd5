//! Color's Services and pods: one label per version, and no more rights than the pods need.

use manifests::{Deployed, Findings, list, text};
use serde_json::{Value, json};

pub(crate) fn check(deployed: &Deployed<'_>, findings: &mut Findings) {
    let deployments = deployed.documents.all("Deployment");
    let alike: Vec<_> = deployments.iter().map(|one| without_color(one)).collect();
    findings.require(
        deployments.len() == deployed.destinations().count(),
        &Value::Null,
        "must hold a Deployment for each version",
    );
    findings.require(
        alike.windows(2).all(|pair| pair[0] == pair[1]),
        &Value::Null,
        "hold Deployments that differ in more than the colour",
    );
    for deployment in deployments {
        labels(deployed, deployment, findings);
        rights(deployment, findings);
        let tag = concat!("color:", env!("CARGO_PKG_VERSION"));
        let image = text(&container(deployment)["image"]);
        let message = "the image must have the version of the repository";
        findings.require(image.ends_with(tag), deployment, message);
    }
    services(deployed, findings);
    subsets(deployed, findings);
}

/// Both Services lead to the same port of the same pods. Istio reads the protocol from the port's name.
fn services(deployed: &Deployed<'_>, findings: &mut Findings) {
    let all = deployed.documents.all("Service");
    findings.require(all.len() == 2, &Value::Null, "must hold two Services");
    for service in &all {
        let (labels, selector) = (&service["metadata"]["labels"], &service["spec"]["selector"]);
        findings.same(service, "the label", labels, selector);
        let port = &service["spec"]["ports"][0];
        findings.same(service, "the port's name", &port["name"], &json!("http"));
        // Color's default, because no PORT is set.
        let target = &port["targetPort"];
        findings.same(service, "the target port", target, &json!(8080));
    }
    let node_port = deployed.documents.named("Service", "color-nodeport");
    let kind = &node_port["spec"]["type"];
    findings.same(node_port, "the type", kind, &json!("NodePort"));
    for service in all
        .iter()
        .filter(|service| service["spec"]["type"].is_null())
    {
        let mut port = service["spec"]["ports"][0].clone();
        port["nodePort"] = json!(30085);
        let expected = json!([port]);
        let ports = &node_port["spec"]["ports"];
        findings.same(node_port, "the list of ports", ports, &expected);
        let (own, other) = (&node_port["spec"]["selector"], &service["spec"]["selector"]);
        findings.same(node_port, "the selector", own, other);
    }
}

/// Each subset is the version of the colour in its name.
fn subsets(deployed: &Deployed<'_>, findings: &mut Findings) {
    for rule in deployed.documents.all("DestinationRule") {
        for subset in list(&rule["spec"]["subsets"]) {
            let color = text(&subset["name"]).trim_end_matches("-sub");
            let expected = json!({ "color": color });
            findings.same(rule, "a subset's label", &subset["labels"], &expected);
        }
    }
}

fn labels(deployed: &Deployed<'_>, deployment: &Value, findings: &mut Findings) {
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let selector = &deployment["spec"]["selector"]["matchLabels"];
    findings.same(deployment, "the selector", selector, labels);
    let own = &deployment["metadata"]["labels"];
    findings.same(deployment, "the list of labels", own, labels);
    let color = &labels["color"];
    let name = json!(format!("color-{}", text(color)));
    let found = &deployment["metadata"]["name"];
    findings.same(deployment, "the name", found, &name);
    let mut expected = deployed.documents.named("Service", "color-nodeport")["spec"]["selector"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    expected.insert("color".to_owned(), color.clone());
    findings.same(deployment, "the pods' labels", labels, &json!(expected));
    let environment = json!([{"name": "COLOR", "value": color}]);
    let found = &container(deployment)["env"];
    findings.same(deployment, "the environment", found, &environment);
}

fn rights(deployment: &Value, findings: &mut Findings) {
    let spec = &deployment["spec"]["template"]["spec"];
    let token = &spec["automountServiceAccountToken"];
    findings.same(deployment, "the API token", token, &json!(false));
    // This is the image's user, too (color/Dockerfile).
    let user = json!({
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"}
    });
    let found = &spec["securityContext"];
    findings.same(deployment, "the pods' security context", found, &user);
    let container = container(deployment);
    let rights = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]}
    });
    let found = &container["securityContext"];
    findings.same(
        deployment,
        "the container's security context",
        found,
        &rights,
    );
    for amount in [
        "/resources/requests/cpu",
        "/resources/requests/memory",
        "/resources/limits/memory",
    ] {
        let set = container.pointer(amount).is_some_and(Value::is_string);
        findings.require(set, deployment, format!("{amount} is missing"));
    }
    let health = json!({"path": "/healthz", "port": container["ports"][0]["name"]});
    for probe in ["readinessProbe", "livenessProbe"] {
        findings.same(deployment, probe, &container[probe]["httpGet"], &health);
    }
}

/// The text of a Deployment without its colour.
fn without_color(deployment: &Value) -> String {
    let color = text(&deployment["spec"]["template"]["metadata"]["labels"]["color"]);
    deployment.to_string().replace(color, "")
}

fn container(deployment: &Value) -> &Value {
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    containers
        .get(0)
        .filter(|container| container["name"] == "color")
        .unwrap_or(&Value::Null)
}
