//! A WasmPlugin in a cluster, through `kubectl get` and `kubectl patch`.

use std::str::FromStr;

use canary::{Change, LiveChange, change_live};

use crate::run::kubectl::kubectl;

/// With the group, because another kind of the cluster may have the same name.
const KIND: &str = "wasmplugins.extensions.istio.io";

/// Which WasmPlugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live {
    namespace: String,
    name: String,
}

impl FromStr for Live {
    type Err = &'static str;

    /// Reads `NAMESPACE/WASMPLUGIN`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `kubectl` would take anything else for an option, or for another kind.
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        };
        match text.split_once('/') {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err("it must be kube:NAMESPACE/WASMPLUGIN, such as kube:istio-system/canary"),
        }
    }
}

impl Live {
    /// What was asked for, in messages.
    pub(super) fn shown(&self) -> String {
        format!("kube:{}/{}", self.namespace, self.name)
    }

    /// Reads the object and makes the patch.
    ///
    /// # Errors
    /// One line: `kubectl` fails, or the change cannot be made.
    pub(super) fn change(&self, change: &Change) -> Result<LiveChange, String> {
        let object = kubectl("get", self.arguments("get", &["--output=json"]))?;
        change_live(&object, change).map_err(|fault| fault.to_string())
    }

    /// Patches the object.
    ///
    /// # Errors
    /// One line: `kubectl` fails, or the rule is no longer as it was when the patch was made.
    pub(super) fn patch(&self, patch: &str, change: &Change) -> Result<(), String> {
        let options = ["--type=json", "--patch", patch, "--field-manager=canary"];
        let refused = match kubectl("patch", self.arguments("patch", &options)) {
            Ok(_) => return Ok(()),
            Err(refused) => refused,
        };
        // The API server does not say that it was a test that failed.
        let is_as_before = match self.change(change) {
            Ok(again) => again.patch.as_deref() == Some(patch),
            Err(_) => true,
        };
        Err(if is_as_before {
            refused
        } else {
            format!(
                "nothing was changed, because somebody else has changed the rule in the meantime: look at it, and run the command again ({refused})"
            )
        })
    }

    fn arguments<'a>(&'a self, verb: &'a str, options: &[&'a str]) -> Vec<&'a str> {
        let object = [verb, KIND, &self.name, "--namespace", &self.namespace];
        [&object, options].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_a_namespace_and_a_name() {
        let live: Live = "istio-system/canary".parse().unwrap();
        assert_eq!(live.shown(), "kube:istio-system/canary");
        for text in [
            "", "canary", "/canary", "a/", "a/b/c", "-n/a", "a/--all", "a/b c",
        ] {
            assert!(text.parse::<Live>().is_err(), "{text}");
        }
    }
}
