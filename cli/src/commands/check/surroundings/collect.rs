//! Reads the facts out of the objects of Kubernetes and the configuration of Envoy.

use super::policies::Policy;
use super::routes::{Match, Route};
use super::{Facts, Reader};
use crate::commands::convert::host::in_namespace;
use crate::document::Document;
use crate::document::tree::Node;

impl<'d> Facts<'d> {
    pub(super) fn of(documents: &[Option<&'d Document<'_>>]) -> Self {
        let mut collector = Collector {
            facts: Self::default(),
            file: 0,
            groups: 0,
        };
        for (file, document) in documents.iter().enumerate() {
            collector.file = file;
            let trees = document.map(Document::trees).unwrap_or_default();
            trees.iter().for_each(|tree| collector.object(tree));
        }
        collector.facts
    }
}

struct Collector<'d> {
    facts: Facts<'d>,
    file: usize,
    groups: usize,
}

impl<'d> Collector<'d> {
    fn object(&mut self, object: &'d Node) {
        let kind = object.get("kind").and_then(Node::text);
        let version = text(object, &["apiVersion"]).unwrap_or_default();
        match kind {
            Some(list) if list.ends_with("List") => {
                items(object, &["items"]).for_each(|item| self.object(item));
            }
            Some("VirtualService") => self.virtual_service(object),
            Some("HTTPRoute") => self.http_route(object),
            Some("DestinationRule") => self.destination_rule(object),
            Some("Service") => self.service(object),
            Some("Gateway") if version.starts_with("gateway.networking.k8s.io") => {
                self.gateway_api(object);
            }
            Some("Gateway") => self.istio_gateway(object),
            Some("ClientTrafficPolicy") => {
                let path = ["spec", "headers", "earlyRequestHeaders", "remove"];
                let names = items(object, &path).filter_map(Node::text);
                self.facts
                    .stripped
                    .extend(names.map(str::to_ascii_lowercase));
            }
            Some("EnvoyFilter") => self.envoy_filter(object),
            Some(kind) if version.starts_with("gateway.envoyproxy.io") => {
                self.facts.policies.push(Policy::of(kind, object));
            }
            _ => self.envoy(object),
        }
    }

    fn virtual_service(&mut self, object: &'d Node) {
        self.groups += 1;
        for route in items(object, &["spec", "http"]) {
            let entries = items(route, &["match"]);
            let matches = entries.map(Match::of_virtual_service).collect();
            self.route(route, matches, None, true);
        }
    }

    fn http_route(&mut self, object: &'d Node) {
        self.groups += 1;
        for rule in items(object, &["spec", "rules"]) {
            let entries = items(rule, &["matches"]);
            let matches = entries.map(Match::of_http_route).collect();
            self.route(rule, matches, None, false);
        }
    }

    fn route(
        &mut self,
        route: &'d Node,
        mut matches: Vec<Match>,
        cluster_header: Option<String>,
        is_ordered: bool,
    ) {
        if matches.is_empty() {
            matches.push(Match::default());
        }
        self.facts.routes.push(Route {
            file: self.file,
            place: route.place,
            group: self.groups,
            name: text(route, &["name"]),
            matches,
            cluster_header,
            is_ordered,
        });
    }

    fn destination_rule(&mut self, object: &'d Node) {
        let Some(host) = text(object, &["spec", "host"]) else {
            return;
        };
        let subsets = items(object, &["spec", "subsets"]).filter_map(|it| text(it, &["name"]));
        let known = self.facts.subsets.entry(full_name(object, host));
        known.or_default().extend(subsets);
    }

    fn service(&mut self, object: &'d Node) {
        let Some(name) = text(object, &["metadata", "name"]) else {
            return;
        };
        let ports = items(object, &["spec", "ports"]).filter_map(|it| text(it, &["port"]));
        let known = self.facts.ports.entry(full_name(object, name));
        known.or_default().extend(ports);
    }

    fn gateway_api(&mut self, object: &'d Node) {
        let listeners: Vec<_> = items(object, &["spec", "listeners"]).collect();
        // With an HTTPS listener beside it, a plain one often only redirects there, by a route of its own.
        if listeners
            .iter()
            .all(|listener| text(listener, &["protocol"]) == Some("HTTP"))
        {
            for listener in listeners {
                let name = text(listener, &["name"]).unwrap_or_default();
                self.plain(object, &format!("listener `{name}` of the Gateway"));
            }
        }
    }

    fn istio_gateway(&mut self, object: &'d Node) {
        for server in items(object, &["spec", "servers"]) {
            let protocol = text(server, &["port", "protocol"]).unwrap_or_default();
            let is_plain = matches!(protocol, "HTTP" | "HTTP2" | "GRPC");
            let redirects = text(server, &["tls", "httpsRedirect"]) == Some("true");
            if is_plain && !redirects {
                let port = text(server, &["port", "number"]).unwrap_or_default();
                self.plain(object, &format!("port {port} of the Gateway"));
            }
        }
    }

    fn plain(&mut self, object: &Node, what: &str) {
        let name = text(object, &["metadata", "name"]).unwrap_or_default();
        self.facts.plain_listeners.push(format!("{what} `{name}`"));
    }

    fn envoy_filter(&mut self, object: &'d Node) {
        for patch in items(object, &["spec", "configPatches"]) {
            let Some(value) = patch.get("patch").and_then(|patch| patch.get("value")) else {
                continue;
            };
            let vhost = ["match", "routeConfiguration", "vhost", "route", "name"];
            let route = text(patch, &vhost);
            match value.get("route").and_then(cluster_header) {
                Some(header) => self.facts.readers.push(Reader { header, route }),
                None => self.envoy(value),
            }
        }
    }

    /// Any part of Envoy's configuration.
    fn envoy(&mut self, node: &'d Node) {
        if node.is_copy() {
            return;
        }
        if let Some(routes) = node.get("routes").filter(|_| node.get("domains").is_some()) {
            self.groups += 1;
            routes
                .items()
                .iter()
                .for_each(|route| self.envoy_route(route));
        }
        if let (Some(name), true) = (text(node, &["name"]), is_cluster(node)) {
            self.facts.clusters.insert(name);
        }
        if let Some(chains) = child(node, "filter_chains", "filterChains") {
            self.envoy_listener(node, chains);
        }
        let early = "early_header_mutation_extensions";
        if let Some(extensions) = child(node, early, "earlyHeaderMutationExtensions") {
            extensions
                .items()
                .iter()
                .for_each(|it| self.early_mutation(it));
        }
        node.children().for_each(|child| self.envoy(child));
    }

    fn envoy_route(&mut self, route: &'d Node) {
        let header = route.get("route").and_then(cluster_header);
        self.facts
            .readers
            .extend(header.clone().map(|header| Reader {
                header,
                route: None,
            }));
        let matches = route.get("match").map(Match::of_envoy);
        self.route(route, matches.into_iter().collect(), header, true);
    }

    fn envoy_listener(&mut self, listener: &'d Node, chains: &'d Node) {
        for chain in chains.items() {
            let is_http = mentions(chain, "HttpConnectionManager");
            let has_tls = child(chain, "transport_socket", "transportSocket").is_some();
            if is_http && !has_tls {
                let name = text(listener, &["name"]).unwrap_or_default();
                let words = format!("the listener `{name}` of Envoy");
                self.facts.plain_listeners.push(words);
                return;
            }
        }
    }

    fn early_mutation(&mut self, extension: &'d Node) {
        let config = child(extension, "typed_config", "typedConfig");
        for mutation in config.into_iter().flat_map(|it| items(it, &["mutations"])) {
            match text(mutation, &["remove"]) {
                Some(name) => drop(self.facts.stripped.insert(name.to_ascii_lowercase())),
                None => self.facts.strips_others |= !mutation.entries().is_empty(),
            }
        }
    }
}

/// A cluster of Envoy, not one of its many other objects with a name.
fn is_cluster(node: &Node) -> bool {
    let has = |one, other| child(node, one, other).is_some();
    has("load_assignment", "loadAssignment")
        || has("connect_timeout", "connectTimeout")
        || has("eds_cluster_config", "edsClusterConfig")
        || text(node, &["@type"]).is_some_and(|it| it.ends_with("cluster.v3.Cluster"))
}

fn cluster_header(action: &Node) -> Option<String> {
    let header = child(action, "cluster_header", "clusterHeader")?.text()?;
    Some(header.to_ascii_lowercase())
}

/// Envoy takes the names of its fields in both forms.
fn child<'n>(node: &'n Node, one: &str, other: &str) -> Option<&'n Node> {
    node.get(one).or_else(|| node.get(other))
}

fn mentions(node: &Node, word: &str) -> bool {
    node.text().is_some_and(|text| text.ends_with(word))
        || node.children().any(|it| mentions(it, word))
}

fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, field| node.get(field))
}

fn text<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    at(node, path)?.text()
}

fn items<'n>(node: &'n Node, path: &[&str]) -> impl Iterator<Item = &'n Node> {
    at(node, path).map(Node::items).unwrap_or_default().iter()
}

/// A short name belongs to the namespace of the object that says it.
fn full_name(object: &Node, name: &str) -> String {
    let namespace = text(object, &["metadata", "namespace"]).unwrap_or("default");
    in_namespace(name, namespace)
}
