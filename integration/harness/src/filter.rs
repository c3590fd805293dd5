//! The filter as Envoy receives it: `envoy/canary.yaml`, with changes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use launch::{Binary, root};
use serde_json::{Value, json};

use crate::BLUE;

/// Which of the two modules the filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `dist/plugin.wasm`.
    Wasm,
    /// `dist/libcanary.so` as HTTP filter.
    Native,
    /// The same module as cluster specifier and HTTP filter together.
    Both,
    /// The same module as cluster specifier alone.
    Specifier,
}

/// The resource of extension config discovery.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Which module it is.
    pub kind: Kind,
    /// The filter's own configuration: a packed message, or none.
    pub configuration: Option<Value>,
    /// The module.
    pub module: PathBuf,
    /// `failure_policy` of the wasm module.
    pub failure_policy: &'static str,
    /// The environment variables of the virtual machine.
    pub environment: Vec<(String, String)>,
}

impl Kind {
    /// The one that this run of the tests is about: `CANARY_FILTER` is `wasm`, `native` or `both`.
    pub fn of_run() -> Self {
        match env::var("CANARY_FILTER").as_deref() {
            Ok("native") => Self::Native,
            Ok("both") => Self::Both,
            Ok("wasm") | Err(_) => Self::Wasm,
            Ok(other) => panic!("CANARY_FILTER is `wasm`, `native` or `both`, not `{other}`"),
        }
    }

    fn module(self) -> PathBuf {
        let binary = match self {
            Self::Wasm => Binary::Plugin,
            Self::Native | Self::Both | Self::Specifier => Binary::Native,
        };
        binary.find().unwrap_or_else(|missing| panic!("{missing}"))
    }
}

impl Filter {
    /// The shipped filter with another configuration. The text need not be JSON.
    pub fn new(policy: impl Into<String>) -> Self {
        Self {
            kind: Kind::of_run(),
            configuration: Some(json!({
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": policy.into(),
            })),
            module: Kind::of_run().module(),
            failure_policy: "FAIL_RELOAD",
            environment: Vec::new(),
        }
    }

    /// The shipped filter.
    pub fn shipped() -> Self {
        let file = yaml(&root().join("envoy/canary.yaml"));
        let configuration = file
            .pointer("/resources/0/typed_config/config/configuration")
            .cloned();
        Self {
            configuration,
            ..Self::new("")
        }
    }

    /// Adds an environment variable, of the virtual machine (Envoy starts another one for another environment) or, for the
    /// native module, of Envoy.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same filter as this module.
    #[must_use]
    pub fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self.module = kind.module();
        self
    }

    /// The whole file.
    pub fn resource(&self) -> Value {
        let mut file = yaml(&root().join("envoy/canary.yaml"));
        let typed = &mut file["resources"][0]["typed_config"];
        match self.kind {
            Kind::Wasm => {}
            Kind::Native => *typed = self.native("canary"),
            Kind::Both => *typed = self.native("canary/specifier"),
            Kind::Specifier => return self.specified(),
        }
        if self.kind != Kind::Wasm {
            return file;
        }
        let plugin = &mut file["resources"][0]["typed_config"]["config"];
        plugin["configuration"] = json!(self.configuration);
        plugin["failure_policy"] = json!(self.failure_policy);
        plugin["vm_config"]["code"]["local"]["filename"] = json!(self.module);
        if !self.environment.is_empty() {
            let variables: serde_json::Map<_, _> = self
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            plugin["vm_config"]["environment_variables"] = json!({ "key_values": variables });
        }
        file
    }
}

impl Filter {
    /// The variables that the filter reads from Envoy's own environment.
    pub(crate) fn process_environment(&self) -> &[(String, String)] {
        match self.kind {
            Kind::Wasm => &[],
            _ => &self.environment,
        }
    }

    /// The native module's HTTP filter of this name.
    pub fn native(&self, name: &str) -> Value {
        let file = yaml(&root().join("envoy/native.yaml"));
        let mut filter = file["resources"][0]["typed_config"].clone();
        filter["dynamic_module_config"]["module"]["local"]["filename"] = json!(self.module);
        filter["filter_name"] = json!(name);
        filter["filter_config"] = json!(self.configuration);
        filter
    }

    /// The routes of the native module's cluster specifier, alone.
    fn specified(&self) -> Value {
        let mut file = yaml(&root().join("envoy/native-specifier.yaml"));
        let routes = &mut file["resources"][0]["virtual_hosts"][0]["routes"];
        let plugin = &mut routes[0]["route"]["inline_cluster_specifier_plugin"];
        *plugin = self.specifier("canary");
        file
    }

    /// The native module's cluster specifier of this name, for a route.
    pub fn specifier(&self, name: &str) -> Value {
        let file = yaml(&root().join("envoy/native-specifier.yaml"));
        let route = &file["resources"][0]["virtual_hosts"][0]["routes"][0]["route"];
        let mut plugin = route["inline_cluster_specifier_plugin"].clone();
        let typed = &mut plugin["extension"]["typed_config"];
        typed["dynamic_module_config"]["module"]["local"]["filename"] = json!(self.module);
        typed["specifier_name"] = json!(name);
        typed["specifier_config"] = json!(self.configuration);
        plugin
    }

    /// The specifier beside the filter; requests that no rule matches go to stable.
    pub(crate) fn beside(&self) -> Value {
        let stable = json!({"http": [{"route": [{"cluster": BLUE}]}]});
        let stable = Self {
            module: self.module.clone(),
            ..Self::new(stable.to_string())
        };
        stable.specifier("canary/filter")
    }
}

/// The route that takes its cluster from the header gets it from the specifier, and needs no header.
pub(crate) fn specify(route_config: &mut Value, specifier: &Value) {
    let routes = route_config["virtual_hosts"][0]["routes"].as_array_mut();
    let mut routes = routes.unwrap().iter_mut();
    let route = routes.find(|route| route["name"] == "canary").unwrap();
    route["match"].as_object_mut().unwrap().remove("headers");
    let action = route["route"].as_object_mut().unwrap();
    action.remove("cluster_header");
    action.insert(
        "inline_cluster_specifier_plugin".to_owned(),
        specifier.clone(),
    );
}

/// A YAML file of the repository.
pub(crate) fn yaml(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
