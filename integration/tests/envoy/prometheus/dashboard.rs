//! `istio/telemetry/dashboard.json` as Grafana asks its queries.

use std::fs;

use harness::root;
use serde_json::Value;

use super::server::{Prometheus, Series};

/// The dashboard with one choice of its variables.
pub(crate) struct Dashboard {
    json: Value,
    variables: Vec<(&'static str, &'static str)>,
}

/// A panel with the answers to its queries.
pub(crate) struct Panel {
    pub(crate) json: Value,
    pub(crate) lines: Vec<Line>,
}

/// One series of an answer.
pub(crate) struct Line {
    /// What the legend says.
    pub(crate) name: String,
    /// Its place in the answer to its query.
    pub(crate) number: usize,
    pub(crate) series: Series,
}

impl Panel {
    pub(crate) fn title(&self) -> &str {
        self.json["title"].as_str().unwrap()
    }
}

impl Dashboard {
    /// The dashboard for a rule and for the pods that match this.
    pub(crate) fn read(route: &'static str, pod: &'static str) -> Self {
        let file = root().join("istio/telemetry/dashboard.json");
        Self {
            json: serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap(),
            variables: vec![
                // Grafana takes four scrapes or more.
                ("$__rate_interval", "3s"),
                ("$namespace", ".*"),
                ("$pod", pod),
                ("$route", route),
            ],
        }
    }

    fn filled(&self, query: &Value) -> String {
        let query = query.as_str().unwrap().to_owned();
        let filled = self
            .variables
            .iter()
            .fold(query, |query, (name, value)| query.replace(name, value));
        assert!(!filled.contains('$'), "{filled}");
        filled
    }

    /// Each panel with its answers.
    pub(crate) fn panels(&self, prometheus: &Prometheus) -> Vec<Panel> {
        let panels = self.json["panels"].as_array().unwrap().iter().map(|panel| {
            let targets = panel["targets"].as_array().unwrap().iter();
            let lines = targets.flat_map(|target| {
                let query = self.filled(&target["expr"]);
                let answer = match target["instant"].as_bool() {
                    Some(true) => prometheus.instant(&query),
                    _ => prometheus.range(&query),
                };
                assert!(
                    !answer.is_empty(),
                    "no answer in {}: {query}",
                    panel["title"]
                );
                let format = target["legendFormat"].as_str().unwrap_or_default();
                answer
                    .into_iter()
                    .enumerate()
                    .map(move |(number, series)| Line {
                        name: legend(format, &series),
                        number,
                        series,
                    })
            });
            Panel {
                json: panel.clone(),
                lines: lines.collect(),
            }
        });
        panels.collect()
    }

    /// Each annotation that asks Prometheus, with its name, its colour and the answer.
    pub(crate) fn annotations(
        &self,
        prometheus: &Prometheus,
    ) -> Vec<(String, String, Vec<Series>)> {
        let list = self.json["annotations"]["list"].as_array().unwrap().iter();
        let asking = list.filter(|annotation| annotation["expr"].is_string());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        asking
            .map(|annotation| {
                let answer = prometheus.range(&self.filled(&annotation["expr"]));
                (
                    text(&annotation["name"]),
                    text(&annotation["iconColor"]),
                    answer,
                )
            })
            .collect()
    }

    /// The values that each variable offers.
    pub(crate) fn choices(&self, prometheus: &Prometheus) -> Vec<(String, Vec<String>)> {
        let list = self.json["templating"]["list"].as_array().unwrap().iter();
        let asking = list.filter(|variable| variable["type"] == "query");
        asking
            .map(|variable| {
                let query = self.filled(&variable["query"]["query"]);
                let inside = query
                    .strip_prefix("label_values(")
                    .and_then(|q| q.strip_suffix(')'));
                let (selector, label) = inside.unwrap().rsplit_once(", ").unwrap();
                let name = variable["name"].as_str().unwrap().to_owned();
                (name, prometheus.label_values(selector, label))
            })
            .collect()
    }
}

/// The legend's format with the labels of the series.
fn legend(format: &str, series: &Series) -> String {
    let mut text = format.to_owned();
    for (name, value) in &series.labels {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    assert!(!text.contains("{{"), "{format}: {:?}", series.labels);
    text
}
