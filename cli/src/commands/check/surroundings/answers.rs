//! What does not fit: between a configuration and the objects around it, and among the routes that read its headers.

use std::collections::BTreeSet;

use canary_filter::{Destination, Step};

use super::routes::Route;
use super::{Facts, Reader};
use crate::commands::check::splitting::secure_cookies;
use crate::commands::check::subject::{Subject, in_rule};
use crate::fault::Fault;

impl Facts<'_> {
    pub(super) fn warnings(&self, subject: &Subject<'_>) -> Vec<Fault> {
        let mut warnings = Vec::new();
        let has_routes = !self.routes.is_empty() || !self.readers.is_empty();
        let outputs = subject.policy.outputs();
        if let Some(header) = outputs.cluster_header().filter(|_| has_routes) {
            warnings.extend(self.unread(subject, header));
            warnings.extend(self.unstripped(subject, header));
        }
        if let Some(header) = outputs.subset_header().filter(|_| has_routes) {
            warnings.extend(self.unmatched(subject, header));
        }
        let names_clusters = outputs.cluster_header().is_some();
        for (number, rule) in subject.policy.rules().iter().enumerate() {
            for (place, destination) in rule.destinations().iter().enumerate() {
                let found = self.missing(destination, names_clusters).into_iter();
                warnings.extend(found.map(|(path, reason)| {
                    let start = ["route".into(), Step::Item(place)].into_iter();
                    let rest = path.iter().copied().map(Step::from);
                    subject.warning(in_rule(number, start.chain(rest)), reason)
                }));
            }
            warnings.extend(self.insecure(subject, number));
        }
        warnings
    }

    fn unread(&self, subject: &Subject<'_>, header: &str) -> Option<Fault> {
        let warning = |reason: String, hint: &str| {
            let warning = subject.warning(vec!["clusterHeader".into()], reason);
            Some(warning.and(hint))
        };
        let mut readers = self.readers.iter().filter(|reader| reader.header == header);
        let Some(first) = readers.clone().next() else {
            return warning(
                format!("no route takes its cluster from `{header}`"),
                &format!(
                    "a route of Envoy needs `cluster_header: {header}`; in Istio, an EnvoyFilter writes it"
                ),
            );
        };
        let named = |name: &str| self.routes.iter().any(|route| route.name == Some(name));
        let is_used = |reader: &Reader<'_>| match reader.route {
            Some(name) => self.routes.is_empty() || named(name),
            None => true,
        };
        if readers.any(is_used) {
            return None;
        }
        let name = first.route.unwrap_or_default();
        warning(
            format!(
                "no route takes its cluster from `{header}`: the EnvoyFilter is for routes with the name `{name}`, and none has it"
            ),
            &format!("name the route that requires the header `{name}`"),
        )
    }

    fn unstripped(&self, subject: &Subject<'_>, header: &str) -> Option<Fault> {
        if self.strips_others || self.stripped.contains(header) {
            return None;
        }
        let reason = format!(
            "nothing removes `{header}` from the requests of clients before the filters, so while the filter is not loaded, a client that sends it can reach every cluster of the proxy"
        );
        let warning = subject.warning(vec!["clusterHeader".into()], reason);
        Some(warning.and(
            "remove it with `early_header_mutation_extensions` in the HTTP connection manager (in Istio by an EnvoyFilter), or `earlyRequestHeaders` of a ClientTrafficPolicy",
        ))
    }

    /// Labels that no route matches on.
    fn unmatched(&self, subject: &Subject<'_>, header: &str) -> Vec<Fault> {
        let reading: Vec<_> = self
            .routes
            .iter()
            .filter(|it| it.looks_at(header))
            .collect();
        if reading.is_empty() {
            let reason = format!("no route matches on `{header}`");
            return vec![subject.warning(vec!["subsetHeader".into()], reason)];
        }
        let mut warnings = Vec::new();
        for (number, rule) in subject.policy.rules().iter().enumerate() {
            for (place, destination) in rule.destinations().iter().enumerate() {
                let label = destination.label();
                let takes = |route: &&Route<'_>| route.takes(header, label) != Some(false);
                if !reading.iter().any(takes) {
                    let steps = ["route".into(), Step::Item(place)];
                    let reason = format!("no route matches on the value `{label}` of `{header}`");
                    warnings.push(subject.warning(in_rule(number, steps), reason));
                }
            }
        }
        warnings
    }

    /// Values of the header that routes match on and that no configuration has as a label.
    pub(super) fn unknown_labels(&self, subject: &Subject<'_>, all: &[Subject<'_>]) -> Vec<Fault> {
        let Some(header) = subject.policy.outputs().subset_header() else {
            return Vec::new();
        };
        let rules = all.iter().flat_map(|subject| subject.policy.rules());
        let destinations = rules.flat_map(|rule| rule.destinations());
        let labels: BTreeSet<_> = destinations.map(|it| it.label()).collect();
        let values = self.routes.iter().flat_map(|route| route.values(header));
        let unknown: BTreeSet<_> = values.filter(|value| !labels.contains(value)).collect();
        let warning = |value: &str| {
            let reason =
                format!("a route matches on `{value}`, which is not a label of any destination");
            subject.warning(vec!["subsetHeader".into()], reason)
        };
        unknown.into_iter().map(warning).collect()
    }

    /// What a destination names and the objects do not have: the path to the name, and the reason. Without a header that
    /// names clusters, the name of a cluster is only a label.
    fn missing(
        &self,
        destination: &Destination,
        names_clusters: bool,
    ) -> Vec<(&'static [&'static str], String)> {
        let Some(cluster) = destination.cluster() else {
            return Vec::new();
        };
        let mut missing: Vec<(&[&str], String)> = Vec::new();
        let parts: Vec<_> = cluster.splitn(4, '|').collect();
        if let ["outbound", port, subset, host] = parts.as_slice() {
            if !subset.is_empty() && !self.subsets.is_empty() && !self.has_subset(host, subset) {
                let reason = format!("no DestinationRule has the subset `{subset}` of `{host}`");
                missing.push((&["destination", "subset"], reason));
            }
            if let Some(ports) = self.ports.get(*host)
                && !ports.contains(port)
            {
                let known: Vec<_> = ports.iter().copied().collect();
                let reason = format!(
                    "the Service `{host}` has no port {port}, only {}",
                    known.join(", ")
                );
                missing.push((&["destination", "port", "number"], reason));
            }
        }
        let is_asked = names_clusters && !self.clusters.is_empty();
        if is_asked && !self.clusters.contains(cluster) {
            missing.push((&["cluster"], format!("Envoy has no cluster `{cluster}`")));
        }
        missing
    }

    fn has_subset(&self, host: &str, subset: &str) -> bool {
        let is_for = |pattern: &str| match pattern.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => host == pattern,
        };
        let mut known = self.subsets.iter();
        known.any(|(pattern, subsets)| is_for(pattern) && subsets.contains(subset))
    }

    /// Cookies that browsers drop, because they come without https.
    fn insecure(&self, subject: &Subject<'_>, number: usize) -> Vec<Fault> {
        let is_https = |entry: &serde_json::Value| {
            entry.pointer("/scheme/exact").and_then(|it| it.as_str()) == Some("https")
        };
        let mut entries = subject.items(number, "match").peekable();
        let only_https = entries.peek().is_some() && entries.all(|(_, entry)| is_https(entry));
        let Some(listener) = self.plain_listeners.first().filter(|_| !only_https) else {
            return Vec::new();
        };
        let cookies = secure_cookies(subject, number).into_iter();
        let warning = |(steps, what): (Vec<Step>, String)| {
            let reason = format!(
                "{listener} is without TLS, and browsers drop a cookie with `{what}` that does not come over https, so each of their requests gets a version anew"
            );
            let warning = subject.warning(steps, reason);
            warning.and("this is no mistake if a load balancer in front ends TLS")
        };
        cookies.map(warning).collect()
    }

    /// What is wrong with the routes that read this header, by the number of the file.
    pub(super) fn routes_of(&self, header: &str) -> Vec<(usize, Fault)> {
        let mut problems = Vec::new();
        for (number, route) in self.routes.iter().enumerate() {
            let reads = self.reads_cluster(route, header);
            let shown = match route.name {
                Some(name) => format!("the route `{name}`"),
                None => "the route".to_owned(),
            };
            let mut problem = |reason: String, hint: String| {
                let fault = Fault::at(route.place, reason).and(hint).into_warning();
                problems.push((route.file, fault));
            };
            if reads && !route.requires(header) {
                problem(
                    format!(
                        "{shown} takes its cluster from `{header}` without requiring it, so a request for which the filter has chosen nothing gets a 503"
                    ),
                    format!("match on the presence of `{header}`"),
                );
            } else if (reads || route.requires(header)) && !self.has_fallback(number, route, header)
            {
                problem(
                    format!(
                        "{shown} has no fallback: a request without `{header}`, for which the filter has chosen nothing, finds no route"
                    ),
                    "add a route for the same requests without the header that leads to the stable version".to_owned(),
                );
            }
        }
        problems
    }

    fn reads_cluster(&self, route: &Route<'_>, header: &str) -> bool {
        let patched = |reader: &Reader<'_>| {
            reader.header == header && reader.route.is_some() && reader.route == route.name
        };
        route.cluster_header.as_deref() == Some(header) || self.readers.iter().any(patched)
    }

    fn has_fallback(&self, number: usize, route: &Route<'_>, header: &str) -> bool {
        let mut others = self.routes.iter().enumerate();
        others.any(|(place, other)| {
            other.group == route.group
                && (place > number || !route.is_ordered)
                && other.is_fallback_of(route, header)
        })
    }
}
