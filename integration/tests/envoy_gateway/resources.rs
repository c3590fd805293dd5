//! The manifests, as Envoy Gateway reads them without Kubernetes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use harness::{Binary, Echo, root};
use manifests::{Documents, kustomize, list, text};
use serde_json::{Value, json};

use crate::modules::{IMAGE, MOVED, Modules, NATIVE, TAG, WASM};

/// How the module reaches the proxy: a folder of `gateway-api/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `envoy-gateway`: Envoy Gateway pulls the image.
    Image,
    /// `envoy-gateway-http`: Envoy Gateway fetches the file.
    Http,
    /// `envoy-gateway-native`: Envoy fetches the file.
    Native,
}

/// What changes without Kubernetes: Backends take the place of the Services, Envoy runs on this machine, the module comes
/// from this process, and the ports are free ones.
pub(crate) struct Resources {
    documents: Documents,
    port: u16,
}

impl Resources {
    pub(crate) fn read(form: Form, blue: &Echo, green: &Echo, modules: &Modules) -> Self {
        let mut resources = Self {
            documents: documents(form),
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
                _ => {}
            }
        }
        resources.name_modules(form, modules);
        for (name, echo) in [("color-blue", blue), ("color-green", green)] {
            resources.documents.0.push(backend(name, echo.address()));
        }
        resources
    }

    /// Replaces the addresses and the checksums that a user has to enter.
    fn name_modules(&mut self, form: Form, modules: &Modules) {
        let address = modules.address;
        let file = |path: &str| json!({"url": format!("http://{address}{path}"), "sha256": modules.checksum(path)});
        let (pointer, value) = match form {
            Form::Image => (
                "/spec/wasm/0/code/image",
                json!({"url": format!("{address}/{IMAGE}:{TAG}")}),
            ),
            Form::Http => ("/spec/wasm/0/code/http", file(WASM)),
            Form::Native => ("/spec/dynamicModules/0/source/remote", file(NATIVE)),
        };
        *self.the_one(pointer) = value;
    }

    /// The same with the native module as a file that the proxy has already.
    pub(crate) fn with_local_module(mut self) -> Self {
        let path = Binary::Native.find().unwrap();
        *self.the_one("/spec/dynamicModules/0/source") =
            json!({"type": "Local", "local": {"path": path}});
        self
    }

    /// The same with an address that leads to the native module by a redirect.
    pub(crate) fn with_redirect(mut self, modules: &Modules) -> Self {
        let address = modules.address;
        *self.the_one("/spec/dynamicModules/0/source/remote/url") =
            json!(format!("http://{address}{MOVED}"));
        self
    }

    /// The same with an EnvoyProxy that allows only a module of another name.
    pub(crate) fn with_another_module_allowed(mut self) -> Self {
        *self.the_one("/spec/dynamicModules/0/name") = json!("another");
        self
    }

    /// What is at this pointer in the one document that has it.
    fn the_one(&mut self, pointer: &str) -> &mut Value {
        let documents = self.documents.0.iter_mut();
        let mut found: Vec<_> = documents
            .filter_map(|document| document.pointer_mut(pointer))
            .collect();
        assert_eq!(found.len(), 1, "{pointer}");
        found.remove(0)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The documents with these weights. Every JSON document is YAML.
    pub(crate) fn text(&self, weights: [u32; 2]) -> String {
        let mut documents = self.documents.clone();
        for document in &mut documents.0 {
            let places = ["/spec/wasm/0/config", "/spec/dynamicModule/0/config"];
            for place in places {
                let Some(configuration) = document.pointer_mut(place) else {
                    continue;
                };
                for (number, weight) in weights.into_iter().enumerate() {
                    configuration["http"][0]["route"][number]["weight"] = json!(weight);
                }
            }
        }
        let texts: Vec<_> = documents.0.iter().map(Value::to_string).collect();
        texts.join("\n---\n")
    }

    /// The documents with a tag that the registry does not have, or a checksum that the file does not have. Everybody would
    /// get green.
    pub(crate) fn without_module(&self, form: Form, modules: &Modules) -> String {
        let text = self.text([0, 1]);
        let zeros = "0".repeat(64);
        let missing = match form {
            Form::Image => text.replace(&format!(":{TAG}\""), ":none\""),
            Form::Http => text.replace(modules.checksum(WASM), &zeros),
            Form::Native => text.replace(modules.checksum(NATIVE), &zeros),
        };
        assert_ne!(missing, text);
        missing
    }
}

/// The folder of the form, without the demo's service.
fn documents(form: Form) -> Documents {
    let folder = root().join("gateway-api");
    let kustomization = |name: &str| {
        let path = folder.join(name).join("kustomization.yaml");
        Documents::read(&path).unwrap().0.remove(0)
    };
    let mut documents = Documents::default();
    for file in list(&kustomization("envoy-gateway")["resources"]) {
        let file = text(file);
        if file.ends_with(".yaml") {
            let path = folder.join("envoy-gateway").join(file);
            documents = documents.and(Documents::read(&path).unwrap());
        }
    }
    let patched = match form {
        Form::Image => return documents,
        Form::Http => "envoy-gateway-http",
        Form::Native => "envoy-gateway-native",
    };
    kustomize::patch(&mut documents, &kustomization(patched)).unwrap();
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
