//! What several proxies say together, and where they disagree.

use serde_json::{Value, json};

use super::history::Since;
use super::snapshot::{Plugin, Snapshot, Verdict, Version, WHOLE};
use super::time::utc;
use crate::commands::share;

/// By how much shares may differ that are rounded, in 1/10 000.
const ROUNDING: u64 = 1;

/// By how much shares may differ that change with time, because the proxies were asked one after another.
const RAMPING: u64 = 100;

/// One proxy: its name, and its state or the reason why it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL, or the name of its pod.
    pub name: String,
    /// Its state.
    pub state: Result<Snapshot, String>,
}

/// All proxies that were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they were named.
    pub proxies: Vec<Proxy>,
}

impl Report {
    /// The state of the proxies that answered, with their names.
    pub fn answered(&self) -> impl Iterator<Item = (&str, &Snapshot)> {
        self.proxies
            .iter()
            .filter_map(|proxy| Some((proxy.name.as_str(), proxy.state.as_ref().ok()?)))
    }

    /// The proxies that did not answer, with the reason.
    pub fn silent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.proxies
            .iter()
            .filter_map(|proxy| Some((proxy.name.as_str(), proxy.state.as_ref().err()?.as_str())))
    }

    /// Whether every proxy answered, runs the filter, and has accepted its newest configuration.
    pub fn is_well(&self) -> bool {
        self.silent().next().is_none()
            && self.answered().all(|(_, state)| {
                let is_well =
                    |plugin: &Plugin| plugin.is_loaded && plugin.verdict == Verdict::Accepted;
                !state.plugins.is_empty() && state.plugins.iter().all(is_well)
            })
    }

    /// Every version with what each proxy says of it, in the order of the first proxy that has it.
    pub fn versions(&self) -> Vec<Vec<(&str, &Version)>> {
        let mut rows: Vec<Vec<(&str, &Version)>> = Vec::new();
        for (name, state) in self.answered() {
            for version in &state.versions {
                let is_same = |row: &&mut Vec<(&str, &Version)>| {
                    row.first().is_some_and(|(_, first)| {
                        first.rule == version.rule && first.label == version.label
                    })
                };
                match rows.iter_mut().find(is_same) {
                    Some(row) => row.push((name, version)),
                    None => rows.push(vec![(name, version)]),
                }
            }
        }
        // Versions that only a later proxy has stand with the others of their rule.
        let order: Vec<_> = rows.iter().filter_map(|row| rule(row)).collect();
        let place = |row: &Vec<(&str, &Version)>| {
            rule(row).and_then(|rule| order.iter().position(|other| *other == rule))
        };
        let mut sorted = rows.clone();
        sorted.sort_by_key(place);
        sorted
    }

    /// Whether all proxies that answered say the same of a version: its weight, and whether it is rolled back.
    pub fn agrees(&self, version: &[(&str, &Version)]) -> bool {
        let Some((_, first)) = version.first() else {
            return true;
        };
        version.len() == self.answered().count()
            && version.iter().all(|(_, other)| first.is_like(other))
    }

    /// One line for each thing on which the proxies disagree.
    pub fn disagreements(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut names: Vec<_> = self
            .answered()
            .flat_map(|(_, state)| &state.plugins)
            .map(|plugin| plugin.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let of = |what: fn(&Plugin) -> String| {
                self.answered().map(move |(proxy, state)| {
                    let plugin = state.plugins.iter().find(|plugin| plugin.name == name);
                    (plugin.map_or("is missing".to_owned(), what), proxy)
                })
            };
            if let Some(line) = differ(&format!("plugin {name}"), of(Plugin::briefly)) {
                lines.push(line);
                continue;
            }
            let mut configurations = self.answered().filter_map(|(_, state)| {
                let plugin = state.plugins.iter().find(|plugin| plugin.name == name)?;
                plugin.configuration.as_deref()
            });
            let first = configurations.next();
            if configurations.any(|other| Some(other) != first) {
                lines.push(format!(
                    "plugin {name}: the configurations are not the same"
                ));
            }
        }
        for version in self.versions() {
            if let (false, Some((_, first))) = (self.agrees(&version), version.first()) {
                let said = self.answered().map(|(proxy, _)| {
                    let own = version.iter().find(|(name, _)| *name == proxy);
                    (
                        own.map_or("is missing".to_owned(), |(_, own)| own.in_words()),
                        proxy,
                    )
                });
                let what = format!("rule {}, version {}", first.rule, first.label);
                lines.extend(differ(&what, said));
            }
        }
        lines
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let proxies = self.proxies.iter().map(|proxy| match &proxy.state {
            Ok(state) => json!({
                "proxy": proxy.name,
                "error": null,
                "plugins": state.plugins.iter().map(Plugin::json).collect::<Vec<_>>(),
                "versions": state.versions.iter().map(Version::json).collect::<Vec<_>>(),
            }),
            Err(reason) => {
                json!({"proxy": proxy.name, "error": reason, "plugins": [], "versions": []})
            }
        });
        json!({
            "proxies": proxies.collect::<Vec<_>>(),
            "disagreements": self.disagreements(),
        })
    }
}

fn rule<'v>(row: &[(&str, &'v Version)]) -> Option<&'v str> {
    row.first().map(|(_, first)| first.rule.as_str())
}

/// `rule color, version green: weight 25 % at a, c; weight 50 % at b`, or nothing if all say the same.
fn differ<'p>(what: &str, said: impl Iterator<Item = (String, &'p str)>) -> Option<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (words, proxy) in said {
        match groups.iter_mut().find(|(other, _)| *other == words) {
            Some((_, proxies)) => proxies.push(proxy),
            None => groups.push((words, vec![proxy])),
        }
    }
    let shown = groups
        .iter()
        .map(|(words, proxies)| format!("{words} at {}", proxies.join(", ")));
    (groups.len() > 1).then(|| format!("{what}: {}", shown.collect::<Vec<_>>().join("; ")))
}

impl Plugin {
    /// As [`in_words`](Self::in_words), without the reason.
    fn briefly(&self) -> String {
        match &self.verdict {
            Verdict::Refused(_) if self.is_loaded => "refused".to_owned(),
            _ => self.in_words(),
        }
    }

    /// What became of the newest configuration.
    pub fn in_words(&self) -> String {
        match &self.verdict {
            _ if !self.is_loaded => "the module is not loaded".to_owned(),
            Verdict::Accepted => "accepted".to_owned(),
            Verdict::Refused(Some(reason)) => format!("refused: {reason}"),
            Verdict::Refused(None) => "refused".to_owned(),
            Verdict::Rejected => "rejected by Envoy".to_owned(),
            Verdict::Unknown => "unknown".to_owned(),
        }
    }

    fn json(&self) -> Value {
        let (verdict, reason) = match &self.verdict {
            Verdict::Accepted => ("accepted", None),
            Verdict::Refused(reason) => ("refused", reason.as_deref()),
            Verdict::Rejected => ("rejected", None),
            Verdict::Unknown => ("unknown", None),
        };
        json!({
            "plugin": self.name,
            "loaded": self.is_loaded,
            "restarts": self.restarts,
            "configuration": verdict,
            "reason": reason,
            "updated": self.updated,
        })
    }
}

impl Version {
    fn is_like(&self, other: &Self) -> bool {
        let tolerance = if self.is_ramped { RAMPING } else { ROUNDING };
        let is_near = match (self.share, other.share) {
            (Some(one), Some(other)) => one.abs_diff(other) <= tolerance,
            (one, other) => one == other,
        };
        is_near && self.is_out == other.is_out
    }

    fn in_words(&self) -> String {
        let out = if self.is_out { ", rolled back" } else { "" };
        match self.share {
            Some(share) => format!("weight {}{out}", percent(share)),
            None => format!("weight unknown{out}"),
        }
    }

    fn json(&self) -> Value {
        let (at, before) = match self.since {
            Some(Since::At(at)) => (Some(utc(at)), None),
            Some(Since::Before(before)) => (None, Some(utc(before))),
            None => (None, None),
        };
        json!({
            "rule": self.rule,
            "version": self.label,
            "share": self.share,
            "requests": self.requests,
            "answers": self.answers.map(|(answers, _)| answers),
            "errors": self.answers.map(|(_, errors)| errors),
            "rolledBack": self.is_out,
            "rolledBackSince": at,
            "rolledBackBefore": before,
            "rollbacks": self.rollbacks,
        })
    }
}

/// 1/10 000 as `12.34 %`.
pub(super) fn percent(share: u64) -> String {
    share::percent(share, WHOLE)
}
