//! The weights in the file, and whether Envoy accepted them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use launch::envoy;
use serde_json::Value;

const PACE: Duration = Duration::from_millis(100);

const CONFIG_REFUSED: &str = "wasmcustom.canary_config_refused";

/// The file that `make weights` replaces, and the statistics that show whether it was accepted.
#[derive(Debug)]
pub(crate) struct Watch {
    file: PathBuf,
    admin: SocketAddr,
    text: String,
    weights: String,
    accepted: u64,
    rejected: u64,
    refused_by_envoy: bool,
    refused: bool,
    looked: Option<Instant>,
}

impl Watch {
    pub(crate) fn start(file: PathBuf, admin: SocketAddr) -> Self {
        Self {
            file,
            admin,
            text: String::new(),
            weights: String::new(),
            accepted: 0,
            rejected: 0,
            refused_by_envoy: false,
            refused: false,
            looked: None,
        }
    }

    /// Whether the file has changed since the last look.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        if self
            .looked
            .is_some_and(|looked| now.duration_since(looked) < PACE)
        {
            return false;
        }
        self.looked = Some(now);
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let changed = text != self.text;
        let stats = envoy::stats(self.admin).unwrap_or_default();
        if changed {
            self.weights = weights(&text).unwrap_or_else(|| "?".to_owned());
            self.text = text;
        }
        self.judge(&stats);
        changed
    }

    /// The weights in the file, as `75/25`.
    pub(crate) fn weights(&self) -> &str {
        &self.weights
    }

    /// Whether the filter or Envoy refused the file, so that older weights are in force.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    fn judge(&mut self, stats: &BTreeMap<String, u64>) {
        let accepted = updates(stats, "success");
        // Envoy counts a file that is not YAML as a failure, not as a rejected update.
        let rejected = updates(stats, "rejected") + updates(stats, "failure");
        if rejected > self.rejected {
            self.refused_by_envoy = true;
        } else if accepted > self.accepted {
            self.refused_by_envoy = false;
        }
        (self.accepted, self.rejected) = (accepted, rejected);
        // The gauge carries the plugin's name as a label.
        let refused = stats
            .iter()
            .any(|(name, value)| name.starts_with(CONFIG_REFUSED) && *value > 0);
        self.refused = self.refused_by_envoy || refused;
    }
}

/// How many updates of the filter had this result, by Envoy's name for it.
pub(crate) fn updates(stats: &BTreeMap<String, u64>, result: &str) -> u64 {
    let name = format!("extension_config_discovery.http_filter.canary.update_{result}");
    stats.get(&name).copied().unwrap_or(0)
}

fn weights(file: &str) -> Option<String> {
    let file: Value = serde_yaml_ng::from_str(file).ok()?;
    let filter = file.pointer("/resources/0/typed_config")?;
    // Of the wasm module or of the native one.
    let policy = filter
        .pointer("/config/configuration/value")
        .or(filter.pointer("/filter_config/value"))?
        .as_str()?;
    let policy: Value = serde_json::from_str(policy).ok()?;
    let rules = policy.get("http")?.as_array()?;
    let route = rules
        .iter()
        .find(|rule| rule["name"] == "color")?
        .get("route")?
        .as_array()?;
    let weight = |entry: &Value| {
        entry
            .get("weight")
            .map_or(Some(0), Value::as_u64)
            .map(|weight| weight.to_string())
    };
    Some(
        route
            .iter()
            .map(weight)
            .collect::<Option<Vec<_>>>()?
            .join("/"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_filter_or_envoy_refused_is_noticed() {
        let gauge = "wasmcustom.canary_config_refused.plugin=.=canary;.;";
        let update =
            |what: &str| format!("extension_config_discovery.http_filter.canary.update_{what}");
        let mut watch = Watch::start(PathBuf::new(), ([127, 0, 0, 1], 1).into());
        let mut judged = |name: &str, value| {
            watch.judge(&BTreeMap::from([(name.to_owned(), value)]));
            watch.refused()
        };
        assert!(judged(gauge, 1));
        assert!(!judged(gauge, 0));
        assert!(judged(&update("failure"), 1));
        assert!(!judged(&update("success"), 1));
        assert!(judged(&update("rejected"), 1));
    }

    #[test]
    fn the_weights_of_the_shipped_file_are_75_to_25() {
        let file = include_str!("../../../envoy/canary.yaml");
        assert_eq!(weights(file).as_deref(), Some("75/25"));
        assert_eq!(
            weights(&file.replace(r#""weight": 75"#, r#""weight": "75""#)),
            None
        );
        assert_eq!(
            weights(&file.replace(r#", "weight": 75"#, "")).as_deref(),
            Some("0/25")
        );
        assert_eq!(weights(""), None);
        let native = include_str!("../../../envoy/native.yaml");
        assert_eq!(weights(native).as_deref(), Some("75/25"));
        let testers = r#""http": [{"name": "testers", "route": [{"cluster": "green"}]}, {"#;
        assert_eq!(
            weights(&file.replace(r#""http": [{"#, testers)).as_deref(),
            Some("75/25")
        );
    }
}
