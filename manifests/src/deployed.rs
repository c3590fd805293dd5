//! The plugin and the routes among the documents.

use canary_filter::Policy;
use serde_json::Value;

use crate::{Documents, Finding, at, list};

/// Which proxies run the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Those of a gateway.
    Gateway,
    /// The sidecars of the callers.
    Sidecar,
}

/// One plugin with one rule, and one VirtualService.
#[derive(Debug)]
pub struct Deployed<'d> {
    /// All documents.
    pub documents: &'d Documents,
    /// The WasmPlugin.
    pub plugin: &'d Value,
    /// The VirtualService.
    pub virtual_service: &'d Value,
    /// The plugin's one rule, as written.
    pub rule: &'d Value,
    /// The plugin's configuration, as the filter reads it.
    pub policy: Policy,
}

impl<'d> Deployed<'d> {
    /// Finds the plugin and the VirtualService.
    ///
    /// # Errors
    /// There is not exactly one of each, the filter refuses the plugin's configuration, or it has several rules.
    pub fn find(documents: &'d Documents) -> Result<Self, Finding> {
        let plugin = only(documents, "WasmPlugin")?;
        let virtual_service = only(documents, "VirtualService")?;
        let policy = policy(plugin).map_err(|fault| Finding::new(plugin, fault))?;
        let [rule] = list(at(plugin, "/spec/pluginConfig/http")) else {
            return Err(Finding::new(
                plugin,
                "only plugins with one rule can be checked against their routes",
            ));
        };
        Ok(Self {
            documents,
            plugin,
            virtual_service,
            rule,
            policy,
        })
    }

    /// The destinations of the rule, in order.
    pub fn destinations(&self) -> impl Iterator<Item = &'d Value> {
        let routes = list(at(self.rule, "/route")).iter();
        routes.map(|route| at(route, "/destination"))
    }

    /// The stable version: the rule's first destination, or null.
    pub fn stable(&self) -> &'d Value {
        self.destinations().next().unwrap_or(&Value::Null)
    }

    /// Where the plugin runs: `match` with `mode: CLIENT` is for sidecars.
    pub fn place(&self) -> Place {
        if at(self.plugin, "/spec/match").is_null() {
            Place::Gateway
        } else {
            Place::Sidecar
        }
    }
}

fn only<'d>(documents: &'d Documents, kind: &str) -> Result<&'d Value, Finding> {
    match documents.all(kind)[..] {
        [only] => Ok(only),
        ref all => Err(Finding::new(
            &Value::Null,
            format!(
                "hold {} objects of kind {kind}, but must hold one",
                all.len()
            ),
        )),
    }
}

/// Reads the configuration inside a WasmPlugin as the filter does. istiod passes it on as compact JSON.
///
/// # Errors
/// There is no `pluginConfig`, or the filter refuses it: the path to the fault and the reason.
pub fn policy(plugin: &Value) -> Result<Policy, String> {
    let configuration = plugin
        .pointer("/spec/pluginConfig")
        .ok_or("spec.pluginConfig is missing")?;
    Policy::from_json(configuration.to_string().as_bytes()).map_err(|fault| fault.to_string())
}
