//! The filter as Envoy receives it: `envoy/canary.yaml`, with changes.

use std::fs;
use std::path::{Path, PathBuf};

use launch::{Binary, root};
use serde_json::{Value, json};

/// The resource of extension config discovery.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The filter's own configuration: a packed message, or none.
    pub configuration: Option<Value>,
    /// The module.
    pub module: PathBuf,
    /// `failure_policy`.
    pub failure_policy: &'static str,
    /// The environment variables of the virtual machine.
    pub environment: Vec<(String, String)>,
}

impl Filter {
    /// The shipped filter with another configuration. The text need not be JSON.
    pub fn new(policy: impl Into<String>) -> Self {
        Self {
            configuration: Some(json!({
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": policy.into(),
            })),
            module: Binary::Plugin
                .find()
                .unwrap_or_else(|missing| panic!("{missing}")),
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

    /// Adds an environment variable. Envoy starts another virtual machine for another environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The whole file.
    pub fn resource(&self) -> Value {
        let mut file = yaml(&root().join("envoy/canary.yaml"));
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

/// A YAML file of the repository.
pub(crate) fn yaml(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
