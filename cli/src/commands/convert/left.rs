//! What stays in the VirtualServices and DestinationRules, and why.

use serde::Serialize;
use serde_json::Value;

use super::MESH;
use super::entry::{Entry, STAYS};
use super::hash::Hashes;
use super::object::{Spot, present};
use super::rules::Rule;
use super::service::{Action, Http, OPTIONS, VirtualService};

/// A part that the filter does not carry out, so that it stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// `VirtualService shop/catalog`.
    pub object: String,
    /// `spec.http[0].timeout`.
    pub path: String,
    /// Why it stays.
    pub reason: String,
}

/// What stays of a VirtualService. `rules` are its own.
pub(super) fn of_service(service: &VirtualService<'_>, rules: &[&Rule]) -> Vec<Left> {
    let mut list = List {
        service,
        left: Vec::new(),
    };
    if service.hosts.is_empty() {
        list.add(
            &Spot::default().field("spec"),
            "has no hosts, so it is the delegate of another VirtualService: write its routes there to convert them",
        );
        return list.left;
    }
    list.spec();
    if service.is_at_a_gateway() {
        for (index, http) in service.http.iter().enumerate() {
            let rule = rules.iter().find(|rule| rule.http == index);
            list.http(http, rule.copied());
        }
    }
    list.left
}

/// The keys of DestinationRules that could make a rule sticky.
pub(super) fn of_hashes(rules: &[Rule], hashes: &Hashes<'_>) -> Vec<Left> {
    let mut left: Vec<Left> = Vec::new();
    for rule in rules {
        let (Some(key), Some(target)) = (&rule.key, rule.targets.first()) else {
            continue;
        };
        left.push(Left {
            object: hashes.title(&target.host).unwrap_or_default(),
            path: "spec.trafficPolicy.loadBalancer.consistentHash".to_owned(),
            reason: format!(
                "it chooses among the endpoints of one version; to keep each user on one version as well, add `consistentHash: [{key}]` to the rule `{}`",
                rule.name
            ),
        });
    }
    left
}

struct List<'l, 'o> {
    service: &'l VirtualService<'o>,
    left: Vec<Left>,
}

impl List<'_, '_> {
    fn add(&mut self, at: &Spot, reason: &str) {
        self.left.push(Left {
            object: self.service.object.title(),
            path: at.to_string(),
            reason: reason.to_owned(),
        });
    }

    fn spec(&mut self) {
        let object = self.service.object;
        let gateways = object.spec("gateways").and_then(Value::as_array);
        for (index, gateway) in gateways.into_iter().flatten().enumerate() {
            if gateway == MESH {
                self.add(&Spot::spec("gateways").item(index), SIDECARS);
            }
        }
        if gateways.is_none_or(Vec::is_empty) {
            self.add(&Spot::default().field("spec"), SIDECARS);
        }
        if !self.service.gateways.is_empty() {
            self.add(
                &Spot::spec("gateways"),
                "the plugin selects its gateway itself: install it on all of these",
            );
        }
        for (field, reason) in [
            (
                "exportTo",
                "Istio decides with it which proxies get the routes",
            ),
            (
                "tls",
                "the filter sees HTTP requests, not the connections of TLS routes",
            ),
            ("tcp", "the filter sees HTTP requests, not TCP connections"),
        ] {
            if object.spec(field).is_some() {
                self.add(&Spot::spec(field), reason);
            }
        }
    }

    fn http(&mut self, http: &Http<'_>, rule: Option<&Rule>) {
        let is_read = rule.is_some_and(|rule| rule.form.is_read());
        if !is_read {
            self.kept(http, rule);
        }
        for entry in &http.entries {
            self.entry(http, entry);
        }
        for field in OPTIONS {
            if http.value.get(field).is_some_and(|value| !value.is_null()) {
                self.add(&http.at.field(field), option(field));
            }
        }
        for (position, destination) in http.destinations().iter().enumerate() {
            if destination.headers.is_some() {
                self.add(
                    &http.at.field("route").item(position).field("headers"),
                    "the filter does not change headers of one version, so each version has a route of its own",
                );
            }
        }
    }

    /// A route that stays as it is.
    fn kept(&mut self, http: &Http<'_>, rule: Option<&Rule>) {
        let shield = match rule {
            Some(rule) => format!(
                "; the rule `{}` only keeps later rules from its requests",
                rule.name
            ),
            None => String::new(),
        };
        let reason = match (&http.action, http.entries.iter().any(Entry::is_claimed)) {
            (Action::Delegate, _) => None,
            (Action::Answer, _) => rule.map(|_| format!("it answers without a destination{shield}")),
            (Action::Route(_), false) => Some("no gateway has it, or it depends on the labels of the proxy, which the filter does not know".to_owned()),
            (Action::Route(_), true) => Some(format!("it has one destination, so there is nothing to split{shield}")),
        };
        if let Some(reason) = reason {
            self.add(&http.at, &reason);
        }
    }

    fn entry(&mut self, http: &Http<'_>, entry: &Entry<'_>) {
        for field in STAYS {
            if present(&entry.value, field).is_none() {
                continue;
            }
            let reason = match field {
                "gateways" | "port" => "Istio applies it when it makes the routes of each listener",
                "statPrefix" => "Envoy's router names its statistics by it",
                _ => {
                    "Istio compares it with the proxy itself, so the filter does not decide for this entry"
                }
            };
            if let Some(index) = entry.index {
                self.add(&http.at.field("match").item(index).field(field), reason);
            }
        }
    }
}

const SIDECARS: &str =
    "the sidecars of the mesh do not have the plugin, so their routes keep the weights";

fn option(field: &str) -> &'static str {
    match field {
        "redirect" | "directResponse" => "the VirtualService answers these requests itself",
        "delegate" => {
            "Istio puts the routes of another VirtualService here: write them out to convert them"
        }
        "rewrite" => "the filter does not rewrite requests",
        "fault" => "Envoy's fault filter injects it",
        "mirror" | "mirrors" | "mirrorPercentage" | "mirrorPercent" | "mirror_percent" => {
            "Envoy's router copies the requests"
        }
        "corsPolicy" => "Envoy's CORS filter applies it",
        "headers" => "the filter does not change the application's headers",
        _ => "Envoy's router applies it",
    }
}
