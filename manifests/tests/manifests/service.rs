//! The service behind the routes: subsets, ports, labels, and pods that have no more rights than they need.

use serde_json::{Value, json};

use crate::agreement::{Faults, list, string};
use crate::documents::Documents;

pub(crate) fn faults(faults: &mut Faults, deployed: &Documents, rule: &Value) {
    let destinations: Vec<_> = list(&rule["route"])
        .iter()
        .map(|route| &route["destination"])
        .collect();
    let host = destinations
        .first()
        .map(|destination| string(&destination["host"]))
        .unwrap_or_default();
    let mut name = host.split('.');
    let (service, namespace) = (name.next().unwrap_or_default(), json!(name.next()));
    for kind in [
        "Service",
        "Deployment",
        "DestinationRule",
        "VirtualService",
        "Gateway",
    ] {
        for object in deployed.all(kind) {
            let what = format!(
                "{kind} {}: the host's namespace",
                object["metadata"]["name"]
            );
            faults.same(&what, &object["metadata"]["namespace"], &namespace);
        }
    }
    let service = deployed.named("Service", service);
    ports(faults, deployed, service);
    for destination in &destinations {
        version(faults, deployed, service, destination);
    }
    faults.that(
        deployed.all("Deployment").len() == destinations.len(),
        "a Deployment for each version",
    );
    let tag = concat!("color:", env!("CARGO_PKG_VERSION"));
    let alike: Vec<_> = deployed
        .all("Deployment")
        .into_iter()
        .map(without_color)
        .collect();
    faults.that(
        alike.windows(2).all(|pair| pair[0] == pair[1]),
        "the versions differ in more than the colour",
    );
    for deployment in deployed.all("Deployment") {
        pods(faults, deployment);
        let image = string(&container(deployment)["image"]);
        faults.that(
            image.ends_with(tag),
            "the image has the version of the repository",
        );
    }
}

/// One destination of the plugin: its subset, its Service's port, its pods.
fn version(faults: &mut Faults, deployed: &Documents, service: &Value, destination: &Value) {
    let what = destination["subset"].to_string();
    let rules = deployed.all("DestinationRule");
    let found = rules
        .iter()
        .find(|rule| rule["spec"]["host"] == destination["host"]);
    let subsets = found
        .map(|rule| list(&rule["spec"]["subsets"]))
        .unwrap_or_default();
    let Some(subset) = subsets
        .iter()
        .find(|subset| subset["name"] == destination["subset"])
    else {
        return faults.that(false, &format!("{what}: no DestinationRule has it"));
    };
    let color = &subset["labels"]["color"];
    faults.same(
        &what,
        &json!(format!("{}-sub", string(color))),
        &destination["subset"],
    );
    faults.that(
        subset["labels"]
            .as_object()
            .is_some_and(|labels| labels.len() == 1),
        "one label",
    );

    let port = &service["spec"]["ports"][0];
    faults.same(
        &format!("{what}: its port"),
        &port["port"],
        &destination["port"]["number"],
    );
    let mut labels = service["spec"]["selector"].clone();
    faults.that(
        labels.is_object() && labels["color"].is_null(),
        "the Service has both versions",
    );
    labels["color"] = color.clone();
    let deployment = deployed.named("Deployment", &format!("color-{}", string(color)));
    let template = &deployment["spec"]["template"];
    faults.same(
        &format!("{what}: its pods' labels"),
        &template["metadata"]["labels"],
        &labels,
    );
    let container = container(deployment);
    faults.same(
        &format!("{what}: its pods' port"),
        &container["ports"][0]["containerPort"],
        &port["targetPort"],
    );
    faults.same(
        &what,
        &container["env"],
        &json!([{"name": "COLOR", "value": color}]),
    );
}

/// Both Services lead to the same port of the same pods, and their ports' names say that it is HTTP.
fn ports(faults: &mut Faults, deployed: &Documents, service: &Value) {
    let node_port = deployed.named("Service", "color-nodeport");
    faults.same(
        "the node port's pods",
        &node_port["spec"]["selector"],
        &service["spec"]["selector"],
    );
    faults.same("its type", &node_port["spec"]["type"], &json!("NodePort"));
    let mut port = service["spec"]["ports"][0].clone();
    faults.same(
        "Istio reads the protocol from the name",
        &port["name"],
        &json!("http"),
    );
    port["nodePort"] = json!(30085);
    faults.same("the node port", &node_port["spec"]["ports"], &json!([port]));
    // Color's own default: no PORT is set.
    faults.same(
        "the service's port",
        &service["spec"]["ports"][0]["targetPort"],
        &json!(8080),
    );
    faults.that(deployed.all("Service").len() == 2, "two Services");
    for service in deployed.all("Service") {
        faults.same(
            "the label",
            &service["metadata"]["labels"],
            &service["spec"]["selector"],
        );
    }
}

/// One version's pods.
fn pods(faults: &mut Faults, deployment: &Value) {
    let spec = &deployment["spec"]["template"]["spec"];
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    faults.same(
        "selector and labels",
        &deployment["spec"]["selector"]["matchLabels"],
        labels,
    );
    faults.same("labels", &deployment["metadata"]["labels"], labels);
    faults.same(
        "an API token",
        &spec["automountServiceAccountToken"],
        &json!(false),
    );
    // The user of the image, too (color/Dockerfile).
    let user = json!({
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"}
    });
    faults.same("the pod's rights", &spec["securityContext"], &user);
    let container = container(deployment);
    let rights = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]}
    });
    faults.same(
        "the container's rights",
        &container["securityContext"],
        &rights,
    );
    for amount in [
        "/resources/requests/cpu",
        "/resources/requests/memory",
        "/resources/limits/memory",
    ] {
        faults.that(
            container.pointer(amount).is_some_and(Value::is_string),
            amount,
        );
    }
    let health = json!({"path": "/healthz", "port": container["ports"][0]["name"]});
    for probe in ["readinessProbe", "livenessProbe"] {
        faults.same(probe, &container[probe]["httpGet"], &health);
    }
}

/// The text of a Deployment with its colour taken out.
fn without_color(deployment: &Value) -> String {
    let color = string(&deployment["spec"]["template"]["metadata"]["labels"]["color"]);
    deployment.to_string().replace(color, "")
}

fn container(deployment: &Value) -> &Value {
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    containers
        .get(0)
        .filter(|container| container["name"] == "color")
        .unwrap_or(&Value::Null)
}
