//! Envoy's statistics as JSON, and the labels in the names of the filter's metrics.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fault::Fault;

/// Counters and gauges by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats(BTreeMap<String, u64>);

/// The name of one of the filter's metrics, taken apart: `canary_weight.route=.=color;.;subset=.=blue;.;`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Metric<'n> {
    pub(super) name: &'n str,
    labels: Vec<(&'n str, &'n str)>,
}

impl Stats {
    /// Reads the answer of `/stats?format=json`. Histograms and texts are left out.
    pub(super) fn read(json: &[u8]) -> Result<Self, Fault> {
        let not_envoy =
            || Fault::new("the answer to /stats is not that of Envoy's admin interface");
        let answer: Value = serde_json::from_slice(json).map_err(|_| not_envoy())?;
        let stats = answer.get("stats").and_then(Value::as_array);
        let number = |stat: &Value| {
            let name = stat.get("name")?.as_str()?.to_owned();
            Some((name, stat.get("value")?.as_u64()?))
        };
        let numbers = stats.ok_or_else(not_envoy)?.iter().filter_map(number);
        Ok(Self(numbers.collect()))
    }

    pub(super) fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// The metrics that the filter defines, in the order of their names.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (Metric<'_>, u64)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((Metric::parse(name)?, *value)))
    }
}

impl<'n> Metric<'n> {
    /// `None` for a name that the filter does not write. Envoy puts the second prefix before the metrics of a native module
    /// whose configuration names no `metrics_namespace`.
    pub(super) fn parse(name: &'n str) -> Option<Self> {
        let mut prefixes = ["wasmcustom.", "dynamicmodulescustom."].iter();
        let name = prefixes.find_map(|prefix| name.strip_prefix(prefix))?;
        let (name, mut rest) = name.split_once('.')?;
        let mut labels = Vec::new();
        while !rest.is_empty() {
            let (label, after) = rest.split_once("=.=")?;
            let (value, after) = after.split_once(";.;")?;
            labels.push((label, value));
            rest = after;
        }
        name.starts_with("canary_").then_some(Self { name, labels })
    }

    pub(super) fn label(&self, label: &str) -> Option<&'n str> {
        let found = self.labels.iter().find(|(name, _)| *name == label);
        found.map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use canary_filter::metrics;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_labels_of_the_filters_own_names_are_read_back() {
        for prefix in ["wasmcustom", "dynamicmodulescustom"] {
            let name = metrics::rolled_back("a.b", "outbound|80||c.d");
            let name = format!("{prefix}.{name}");
            let metric = Metric::parse(&name).unwrap();
            assert_eq!(metric.name, "canary_rolled_back");
            assert_eq!(metric.label("route"), Some("a.b"));
            assert_eq!(metric.label("subset"), Some("outbound|80||c.d"));
            assert_eq!(metric.label("reason"), None);
        }
    }

    #[test]
    fn another_name_is_not_a_metric_of_the_filter() {
        for name in [
            "",
            "wasmcustom.",
            "wasmcustom.canary_weight",
            "wasmcustom.canary_weight.route",
            "wasmcustom.canary_weight.route=.=a",
            "wasmcustom.other.route=.=a;.;",
            "canary_weight.route=.=a;.;",
        ] {
            assert_eq!(Metric::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_or_not_but_never_breaks(name in "(wasmcustom[.])?(canary_)?[a-z=.;\u{0}-\u{ff}]{0,40}") {
            let _ = Metric::parse(&name);
        }
    }
}
