//! `envoy/envoy.yaml` and `envoy/clusters.yaml` with other addresses and paths, and with the tests' own changes.

use std::fs;
use std::net::SocketAddr;

use launch::root;
use serde_json::{Value, json};

use crate::filter::{specify, yaml};
use crate::{Filter, Kind, Scratch};

/// How Envoy receives the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As shipped: by extension config discovery, with a default that does nothing.
    Discovery,
    /// Without the default, as Istio does.
    DiscoveryWithoutDefault,
    /// Configured in the listener itself.
    Static,
    /// Without the filter, to compare with.
    Absent,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The filter.
    pub filter: Filter,
    /// How Envoy receives it.
    pub delivery: Delivery,
    /// Whether the listener removes the client's cluster header.
    pub early_mutation: bool,
    /// The number of workers.
    pub concurrency: u32,
    /// Whether Envoy passes the trailers of HTTP/1.1 answers on.
    pub trailers: bool,
    /// Variables in the environment of Envoy itself.
    pub environment: Vec<(&'static str, String)>,
    /// Other clusters than the shipped two: each with its name and with 0 for blue's address or 1 for green's.
    pub clusters: Vec<(String, usize)>,
    /// A further change of the bootstrap.
    pub change: fn(&mut Value),
}

impl Setup {
    /// The shipped files with another configuration of the filter.
    pub fn new(policy: impl Into<String>) -> Self {
        Self::with(Filter::new(policy))
    }

    /// The shipped files with another filter.
    pub fn with(filter: Filter) -> Self {
        Self {
            filter,
            delivery: Delivery::Discovery,
            early_mutation: true,
            concurrency: 2,
            trailers: false,
            environment: Vec::new(),
            clusters: Vec::new(),
            change: |_| {},
        }
    }

    /// Writes `envoy.yaml`, `clusters.yaml` and `canary.yaml`. Every JSON document is YAML.
    pub(crate) fn write(&self, dir: &Scratch, blue: SocketAddr, green: SocketAddr) {
        let write = |name, value: &Value| fs::write(dir.join(name), value.to_string()).unwrap();
        write("envoy.yaml", &self.bootstrap(dir));
        write("clusters.yaml", &self.clusters(blue, green));
        write("canary.yaml", &self.filter.resource());
    }

    fn clusters(&self, blue: SocketAddr, green: SocketAddr) -> Value {
        let mut file = yaml(&root().join("envoy/clusters.yaml"));
        let clusters = file["resources"].as_array_mut().unwrap();
        for (cluster, address) in clusters.iter_mut().zip([blue, green]) {
            let endpoint =
                &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
            endpoint["address"]["socket_address"] =
                json!({"address": address.ip().to_string(), "port_value": address.port()});
            if self.trailers {
                cluster["typed_extension_protocol_options"] = json!({
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                        "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}}
                    }
                });
            }
        }
        if !self.clusters.is_empty() {
            let renamed = self.clusters.iter().map(|(name, version)| {
                let mut cluster = clusters[*version].clone();
                cluster["name"] = json!(name);
                cluster
            });
            *clusters = renamed.collect();
        }
        file
    }

    fn bootstrap(&self, dir: &Scratch) -> Value {
        let mut bootstrap = yaml(&root().join("envoy/envoy.yaml"));
        bootstrap["admin"]["address"]["socket_address"]["port_value"] = json!(0);
        bootstrap["dynamic_resources"]["cds_config"]["path_config_source"]["path"] =
            json!(dir.join("clusters.yaml"));
        bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"] =
            json!(0);

        let manager = manager(&mut bootstrap);
        if !self.early_mutation {
            manager
                .remove("early_header_mutation_extensions")
                .expect("the shipped file has one");
        }
        if self.trailers {
            manager.insert(
                "http_protocol_options".to_owned(),
                json!({"enable_trailers": true}),
            );
        }
        let filters = manager["http_filters"].as_array_mut().unwrap();
        let discovery = &mut filters[0]["config_discovery"];
        discovery["config_source"]["path_config_source"]["path"] = json!(dir.join("canary.yaml"));
        match self.delivery {
            Delivery::Discovery => assert!(discovery["default_config"].is_object()),
            Delivery::DiscoveryWithoutDefault => {
                discovery
                    .as_object_mut()
                    .unwrap()
                    .remove("default_config")
                    .expect("the shipped file has one");
            }
            Delivery::Static => {
                let resource = &self.filter.resource()["resources"][0];
                filters[0] =
                    json!({"name": resource["name"], "typed_config": resource["typed_config"]});
            }
            Delivery::Absent => {
                filters.remove(0);
            }
        }
        match self.filter.kind {
            _ if self.delivery == Delivery::Absent => {}
            Kind::Both => specify(&mut manager["route_config"], &self.filter.beside()),
            Kind::Specifier => {
                manager["http_filters"].as_array_mut().unwrap().remove(0);
                manager.remove("route_config");
                let source = json!({"path_config_source": {"path": dir.join("canary.yaml")}, "resource_api_version": "V3"});
                manager.insert(
                    "rds".to_owned(),
                    json!({"config_source": source, "route_config_name": "ingress"}),
                );
            }
            Kind::Wasm | Kind::Native => {}
        }
        (self.change)(&mut bootstrap);
        bootstrap
    }
}

/// The connection manager of the bootstrap's one listener.
pub fn manager(bootstrap: &mut Value) -> &mut serde_json::Map<String, Value> {
    bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        .as_object_mut()
        .unwrap()
}
