//! What one proxy says of the filter.

use std::collections::BTreeMap;

use canary_filter::{Policy, Split};
use serde_json::Value;

use super::dump::{Filter, filters};
use super::history::Since;
use super::stats::{Metric, Stats};
use super::time::is_after;
use crate::fault::Fault;

/// The share of everything, in 1/10 000.
pub(super) const WHOLE: u64 = 10_000;

/// The state of one proxy at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The plugins that are the canary filter, by name.
    pub plugins: Vec<Plugin>,
    /// The versions of all rules, in the order of the configuration if it is known.
    pub versions: Vec<Version>,
}

/// One plugin of the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// `config.name` of the Wasm filter; on Istio `<namespace>.<name>` of the WasmPlugin.
    pub name: String,
    /// Whether the module runs in the proxy.
    pub is_loaded: bool,
    /// How often Envoy has restarted it after a crash.
    pub restarts: u64,
    /// What the filter, or Envoy, made of the newest configuration.
    pub verdict: Verdict,
    /// When Envoy got the newest configuration, in UTC as RFC 3339 writes it.
    pub updated: Option<String>,
    /// The newest configuration, as far as Envoy shows it.
    pub configuration: Option<String>,
}

/// What became of the newest configuration of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in force.
    Accepted,
    /// The filter refuses it, for this reason if Envoy shows it; the one before is in force, if there was one.
    Refused(Option<String>),
    /// Envoy did not take it, for example because the module's file is missing; the one before is in force.
    Rejected,
    /// The filter has reported none.
    Unknown,
}

/// One version of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The name of the rule.
    pub rule: String,
    /// The destination's label.
    pub label: String,
    /// The part of the weights in force, in 1/10 000.
    pub share: Option<u64>,
    /// Whether the share changes with time, so that two proxies need not show the same.
    pub is_ramped: bool,
    /// The requests since the proxy started.
    pub requests: u64,
    /// The answers that the judge of a rollback has seen, and how many of them were errors.
    pub answers: Option<(u64, u64)>,
    /// Whether it is rolled back.
    pub is_out: bool,
    /// How often it was rolled back, or would have been with `observe`, since the proxy started.
    pub rollbacks: u64,
    /// Since when it is rolled back, as far as that has been seen.
    pub since: Option<Since>,
}

impl Snapshot {
    /// Reads the answers to [`STATS`](super::STATS), and to [`DISCOVERED`](super::DISCOVERED) and perhaps
    /// [`LISTENERS`](super::LISTENERS); `now` is in seconds since 1970.
    ///
    /// # Errors
    /// The statistics are not Envoy's. A dump that is not Envoy's is left out.
    pub fn read(stats: &[u8], dumps: &[Vec<u8>], now: i64) -> Result<Self, Fault> {
        let stats = Stats::read(stats)?;
        let found: Vec<_> = dumps.iter().flat_map(|dump| filters(dump)).collect();
        let plugins = plugins(&stats, found);
        let mut versions = measured(&stats);
        configured(&plugins, now, &mut versions);
        Ok(Self { plugins, versions })
    }

    /// Whether there is a plugin, and the configuration of each is known.
    pub fn is_complete(&self) -> bool {
        let is_known = |plugin: &Plugin| plugin.configuration.is_some();
        !self.plugins.is_empty() && self.plugins.iter().all(is_known)
    }
}

fn plugins(stats: &Stats, found: Vec<Filter>) -> Vec<Plugin> {
    let mut refused: BTreeMap<String, bool> = BTreeMap::new();
    for (metric, value) in stats.metrics() {
        if let ("canary_config_refused", Some(plugin)) = (metric.name, metric.label("plugin")) {
            refused.insert(plugin.to_owned(), value > 0);
        }
    }
    let mut filters: BTreeMap<String, Option<Filter>> =
        refused.keys().map(|name| (name.clone(), None)).collect();
    for filter in found {
        // The filter's own rule for a name that is a label.
        let name = filter.plugin.replace(';', "_");
        if refused.contains_key(&name) || is_own(&filter.configuration) {
            filters.insert(name, Some(filter));
        }
    }
    let has_vms = stats
        .get("wasm.envoy.wasm.runtime.v8.active")
        .is_none_or(|vms| vms > 0);
    let plugin = |(name, filter): (String, Option<Filter>)| {
        let is_refused = refused.get(&name).copied();
        let updated = filter.as_ref().and_then(|filter| filter.updated.clone());
        let accepted = filter.as_ref().and_then(|filter| {
            let name = &filter.name;
            stats.get(&format!(
                "extension_config_discovery.http_filter.{name}.update_time"
            ))
        });
        let is_rejected = match (&updated, accepted) {
            (Some(updated), Some(accepted)) => is_after(updated, accepted),
            _ => false,
        };
        let configuration = filter.map(|filter| filter.configuration);
        Plugin {
            verdict: match is_refused {
                _ if is_rejected => Verdict::Rejected,
                Some(true) => Verdict::Refused(configuration.as_deref().and_then(reason)),
                Some(false) => Verdict::Accepted,
                None => Verdict::Unknown,
            },
            is_loaded: has_vms && is_refused.is_some(),
            restarts: stats
                .get(&format!("wasm.{name}.vm_reload_success"))
                .unwrap_or(0),
            updated,
            configuration,
            name,
        }
    };
    filters.into_iter().map(plugin).collect()
}

/// Whether it looks like a configuration of this filter and not of another one.
fn is_own(configuration: &str) -> bool {
    let value = serde_json::from_str::<Value>(configuration);
    value.is_ok_and(|value| value.get("http").is_some())
}

fn reason(configuration: &str) -> Option<String> {
    let refused = Policy::from_json(configuration.as_bytes()).err();
    refused.map(|fault| fault.to_string())
}

/// The versions as the metrics show them.
fn measured(stats: &Stats) -> Vec<Version> {
    let mut versions: BTreeMap<(String, String), Version> = BTreeMap::new();
    for (metric, value) in stats.metrics() {
        if let (Some(rule), Some(label)) = (metric.label("route"), metric.label("subset")) {
            let version = versions.entry((rule.to_owned(), label.to_owned()));
            let version = version.or_insert_with(|| Version {
                rule: rule.to_owned(),
                label: label.to_owned(),
                ..Version::default()
            });
            version.count(&metric, value);
        }
    }
    versions.into_values().collect()
}

impl Version {
    fn count(&mut self, metric: &Metric<'_>, value: u64) {
        match metric.name {
            "canary_requests_total" => self.requests = self.requests.saturating_add(value),
            "canary_responses_total" => {
                let (all, errors) = self.answers.unwrap_or_default();
                let is_error = metric.label("class") != Some("ok");
                let errors = errors.saturating_add(if is_error { value } else { 0 });
                self.answers = Some((all.saturating_add(value), errors));
            }
            "canary_weight" => self.share = Some(value),
            "canary_rolled_back" => self.is_out = value > 0,
            "canary_rollbacks_total" | "canary_rollbacks_observed_total" => {
                self.rollbacks = self.rollbacks.saturating_add(value);
            }
            _ => {}
        }
    }
}

/// Puts the rules of the configurations in force first, with their shares, which the gauges lack of a rule without
/// `rollback` and `ramp`, and before the first request.
fn configured(plugins: &[Plugin], now: i64, versions: &mut Vec<Version>) {
    let mut known = Vec::new();
    let mut is_complete = !plugins.is_empty();
    for plugin in plugins {
        let policy = match (&plugin.verdict, &plugin.configuration) {
            (Verdict::Accepted, Some(text)) => Policy::<()>::from_json(text.as_bytes()).ok(),
            _ => None,
        };
        let Some(policy) = policy else {
            is_complete = false;
            continue;
        };
        for rule in policy.rules() {
            let mut own: Vec<_> = rule
                .destinations()
                .iter()
                .map(|destination| take(versions, rule.name(), destination.label()))
                .collect();
            let weights = rule.weights_at(now);
            let weights = weights.iter().zip(&own);
            let in_force: Vec<_> = weights
                .map(|(weight, version)| if version.is_out { 0 } else { *weight })
                .collect();
            for (version, share) in own.iter_mut().zip(shares(&in_force)) {
                version.is_ramped = rule.ramp().is_some();
                // After a wait, a version comes back at a smaller share than the ramp's, which only the gauge shows.
                let may_be_less = version.is_ramped && version.rollbacks > 0;
                if version.share.is_none() || !may_be_less {
                    version.share = share.or(version.share);
                }
            }
            known.append(&mut own);
        }
    }
    // Envoy keeps the metrics of rules that are gone.
    if !is_complete {
        known.append(versions);
    }
    *versions = known;
}

fn take(versions: &mut Vec<Version>, rule: &str, label: &str) -> Version {
    let at = versions
        .iter()
        .position(|version| version.rule == rule && version.label == label);
    at.map_or_else(
        || Version {
            rule: rule.to_owned(),
            label: label.to_owned(),
            ..Version::default()
        },
        |at| versions.remove(at),
    )
}

/// The shares of these weights, as the filter's gauges have them. One destination gets everything whatever its weight.
fn shares(weights: &[u32]) -> Vec<Option<u64>> {
    if weights.len() == 1 {
        return vec![Some(WHOLE)];
    }
    let split = Split::new(weights).ok();
    let share = |destination| split.as_ref().map(|split| split.share(destination).into());
    (0..).map(share).take(weights.len()).collect()
}
