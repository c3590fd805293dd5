//! One Envoy with two listeners for each case: one with the routes before the conversion, one with the filter and the routes
//! after it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use harness::http1::{Connection, Response};
use harness::{BareEnvoy, Filter, Scratch};
use manifests::Documents;
use serde_json::{Value, json};

use crate::cases::{Case, clusters};
use crate::istiod::list;
use crate::requests::Request;

/// What the upstream received, by the headers in which it returns it.
const RECEIVED: [(&str, &str); 6] = [
    ("x-up-path", "%REQ(:PATH)%"),
    ("x-up-method", "%REQ(:METHOD)%"),
    ("x-up-host", "%REQ(:AUTHORITY)%"),
    ("x-up-via", "%REQ(X-VIA)%"),
    ("x-up-debug", "%REQ(X-DEBUG)%"),
    ("x-up-canary", "%REQ(X-CANARY-CLUSTER)%"),
];

/// The response header in which the filter shows its decisions.
pub(crate) const DECISION: &str = "x-decision";

/// The longest wait for an answer. Even a slow machine needs far less.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Two listeners of one case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Native,
    Converted,
}

/// A running Envoy.
pub(crate) struct Arena(BareEnvoy);

/// A client of one listener.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Arena {
    pub(crate) fn start(cases: &[Case]) -> Self {
        let dir = Scratch::new();
        let socket = dir.join("upstream.sock");
        let mut listeners = vec![upstream(&socket)];
        let mut names = BTreeSet::new();
        for case in cases {
            let converted = case.converted.as_ref().unwrap();
            names.extend(clusters(case.native()));
            names.extend(clusters(&case.result));
            listeners.push(listener(&name(case, Side::Native), case.native(), None));
            listeners.push(listener(
                &name(case, Side::Converted),
                &case.result,
                Some(&converted.configuration),
            ));
        }
        let clusters: Vec<_> = names.iter().map(|name| cluster(name, &socket)).collect();
        let bootstrap = json!({
            "node": {"id": "convert", "cluster": "convert"},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            // istiod's value; Envoy's own limit is 100.
            "layered_runtime": {"layers": [{"name": "convert", "static_layer": {
                "re2.max_program_size.error_level": 32_768
            }}]},
            "static_resources": {"listeners": listeners, "clusters": clusters}
        });
        let envoy = BareEnvoy::try_start(&bootstrap, dir)
            .unwrap_or_else(|ended| panic!("Envoy ended:\n{}", ended.log));
        Self(envoy)
    }

    pub(crate) fn client(&self, case: &Case, side: Side) -> Client {
        Client {
            address: self.0.listeners()[&name(case, side)],
            connection: None,
        }
    }
}

impl Client {
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        let bytes = request.bytes();
        if request.method == "HEAD" {
            return head(self.address, &bytes);
        }
        // Only the next use shows that Envoy has closed the connection after an earlier request.
        let reused = self
            .connection
            .take()
            .and_then(|mut connection| Some((connection.send(&bytes).ok()?, connection)));
        let (response, connection) = reused.unwrap_or_else(|| {
            let mut connection = Connection::open(self.address).unwrap();
            let response = connection
                .send(&bytes)
                .unwrap_or_else(|error| panic!("{error}: {request:?}"));
            (response, connection)
        });
        let stays = response.header("connection") != Some("close");
        self.connection = stays.then_some(connection);
        response
    }
}

/// The answer to HEAD has no body, whatever its `content-length` says, so only the end of the connection ends it.
fn head(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Response {
        status,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::new(),
    }
}

fn name(case: &Case, side: Side) -> String {
    format!("{} {side:?}", case.name)
}

/// Answers every request with what it received.
fn upstream(socket: &Path) -> Value {
    let headers: Vec<_> = RECEIVED
        .iter()
        .map(|(name, value)| header(name, value))
        .collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "http_filters": [router()],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
            "match": {"prefix": ""},
            "direct_response": {"status": 200},
            "response_headers_to_add": headers
        }]}]}
    });
    json!({
        "name": "upstream",
        "address": {"pipe": {"path": socket}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}]
    })
}

fn listener(name: &str, routes: &Value, policy: Option<&Value>) -> Value {
    let filter = |name: &str, kind: &str| json!({"name": name, "typed_config": {"@type": format!("type.googleapis.com/envoy.extensions.filters.http.{kind}")}});
    let mut filters = vec![
        filter("envoy.filters.http.cors", "cors.v3.Cors"),
        filter("envoy.filters.http.fault", "fault.v3.HTTPFault"),
        router(),
    ];
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "site",
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "use_remote_address": true,
        "route_config": marked(routes)
    });
    if let Some(policy) = policy {
        let mut policy = policy.clone();
        policy["responseHeader"] = json!(DECISION);
        let resource = Filter::new(policy.to_string()).resource();
        let mut plugin = resource["resources"][0]["typed_config"].clone();
        // The filter remembers accepted configurations by this name.
        plugin["config"]["name"] = json!(name);
        filters.insert(0, json!({"name": "canary", "typed_config": plugin}));
        // The EnvoyFilter of istio/base/header.yaml.
        let patch = Documents::read(&harness::root().join("istio/base/header.yaml")).unwrap();
        let patch = &patch.0[0]["spec"]["configPatches"][0]["patch"]["value"]["typed_config"];
        manager["early_header_mutation_extensions"] =
            patch["early_header_mutation_extensions"].clone();
    }
    manager["http_filters"] = filters.into();
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}]
    })
}

/// The routes, with response headers that show the route and the cluster.
fn marked(routes: &Value) -> Value {
    let mut routes = routes.clone();
    routes.as_object_mut().unwrap().remove("@type");
    routes["response_headers_to_add"] = json!([header("x-cluster", "%UPSTREAM_CLUSTER%")]);
    for (host_number, host) in routes["virtual_hosts"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .enumerate()
    {
        for (number, route) in host["routes"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .enumerate()
        {
            let mut headers = list(&route["response_headers_to_add"]).to_vec();
            headers.push(header("x-route", &format!("{host_number}.{number}")));
            headers.push(header("x-route-name", "%ROUTE_NAME%"));
            route["response_headers_to_add"] = headers.into();
        }
    }
    routes
}

fn header(name: &str, value: &str) -> Value {
    json!({"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
}

fn router() -> Value {
    json!({"name": "router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    }})
}

fn cluster(name: &str, socket: &Path) -> Value {
    json!({
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"pipe": {"path": socket}}}}
        ]}]}
    })
}
