//! The manifests, as Envoy Gateway reads them without Kubernetes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use harness::{Echo, root};
use manifests::{Documents, kustomize, list};
use serde_json::{Value, json};

use crate::gateway::Modules;

/// What changes without Kubernetes: Backends take the place of the Services, Envoy runs on this machine, and the ports are
/// free ones.
pub(crate) struct Resources {
    documents: Documents,
    port: u16,
}

impl Resources {
    pub(crate) fn read(blue: &Echo, green: &Echo, modules: &Modules) -> Self {
        let mut resources = Self {
            documents: documents(),
            port: free_port(),
        };
        let port = resources.port;
        for document in &mut resources.documents.0 {
            let kind = document["kind"].clone();
            let spec = &mut document["spec"];
            match kind.as_str().unwrap() {
                "EnvoyProxy" => {
                    spec["provider"] = json!({"type": "Host", "host": {"envoyVersion": "1.40.0"}});
                }
                "Gateway" => spec["listeners"][0]["port"] = json!(port),
                "HTTPRoute" => backends(spec),
                "EnvoyExtensionPolicy" => {
                    let http = &mut spec["wasm"][0]["code"]["http"];
                    http["url"] = json!(format!("http://{}/plugin.wasm", modules.address));
                    http["sha256"] = json!(modules.checksum());
                }
                _ => {}
            }
        }
        for (name, echo) in [("color-blue", blue), ("color-green", green)] {
            resources.documents.0.push(backend(name, echo.address()));
        }
        resources
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The documents with these weights. Every JSON document is YAML.
    pub(crate) fn text(&self, weights: [u32; 2]) -> String {
        let mut documents = self.documents.clone();
        for document in &mut documents.0 {
            if document["kind"] == "EnvoyExtensionPolicy" {
                let rule = &mut document["spec"]["wasm"][0]["config"]["http"][0];
                for (number, weight) in weights.into_iter().enumerate() {
                    rule["route"][number]["weight"] = json!(weight);
                }
            }
        }
        let texts: Vec<_> = documents.0.iter().map(Value::to_string).collect();
        texts.join("\n---\n")
    }
}

/// `gateway-api/envoy-gateway-http`, without the demo's service.
fn documents() -> Documents {
    let folder = root().join("gateway-api");
    let kustomization = |name: &str| {
        let path = folder.join(name).join("kustomization.yaml");
        Documents::read(&path).unwrap().0.remove(0)
    };
    let mut documents = Documents::default();
    for file in list(&kustomization("envoy-gateway")["resources"]) {
        let file = file.as_str().unwrap();
        if file.ends_with(".yaml") {
            let path = folder.join("envoy-gateway").join(file);
            documents = documents.and(Documents::read(&path).unwrap());
        }
    }
    kustomize::patch(&mut documents, &kustomization("envoy-gateway-http")).unwrap();
    documents
}

fn backends(route: &mut Value) {
    for rule in route["rules"].as_array_mut().unwrap() {
        let name = rule["backendRefs"][0]["name"].clone();
        rule["backendRefs"] =
            json!([{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": name}]);
    }
}

fn backend(name: &str, address: SocketAddr) -> Value {
    json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "Backend",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"endpoints": [{"ip": {"address": address.ip(), "port": address.port()}}]}
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
