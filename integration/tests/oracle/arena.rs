//! One Envoy with many listeners. Each has one rule list twice: in the filter and as native routes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use harness::http1;
use harness::{BareEnvoy, Ended, Filter, Scratch};
use serde_json::{Value, json};

use crate::request::Client;
use crate::rules::{self, Rule};

/// A listener: the filter's configuration, and the native routes that should be equivalent.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    policy: Value,
    routes: Vec<Value>,
}

/// A running Envoy with these sites.
pub(crate) struct Arena {
    sites: Vec<SocketAddr>,
    envoy: BareEnvoy,
}

/// Decodes hex digits into another header, so that a value can hold bytes that a client cannot send.
const DECODE: &str = r#"
function envoy_on_request(request)
  local hex = request:headers():get("x-hex")
  if hex == nil then return end
  local value = hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
  request:headers():replace("x-value", value)
end"#;

impl Site {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        Self {
            policy: rules::policy(rules),
            routes: rules::routes(rules),
        }
    }

    /// Native routes beside a filter without these rules.
    pub(crate) fn native(rules: &[Rule]) -> Self {
        Self {
            policy: rules::policy(&[Rule::default()]),
            routes: rules::routes(rules),
        }
    }

    fn listener(&self, number: usize) -> Value {
        let resource = Filter::new(self.policy.to_string()).resource();
        let mut filter = resource["resources"][0]["typed_config"].clone();
        // The filter remembers accepted configurations by this name.
        filter["config"]["name"] = json!(format!("site-{number}"));
        let mut routes = self.routes.clone();
        routes.push(rules::route(
            "rest",
            json!({"safe_regex": {"regex": r"(?s).*"}}),
        ));
        let manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "site",
            "normalize_path": true,
            "use_remote_address": true,
            "http_filters": [
                {"name": "decode", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                    "default_source_code": {"inline_string": DECODE}
                }},
                {"name": "canary", "typed_config": filter},
                {"name": "router", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                }}
            ],
            "local_reply_config": {
                "body_format": {"text_format_source": {"inline_string": "%ROUTE_NAME% %REQ(X-CANARY-SUBSET)%"}}
            },
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]}
        });
        json!({
            "name": number.to_string(),
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}]
        })
    }
}

impl Arena {
    /// Starts Envoy. An error means that Envoy refuses the configuration.
    pub(crate) fn start(sites: &[Site]) -> Result<Self, Ended> {
        let listeners: Vec<_> = sites
            .iter()
            .enumerate()
            .map(|(number, site)| site.listener(number))
            .collect();
        let bootstrap = json!({
            "node": {"id": "oracle", "cluster": "oracle"},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            // The first is istiod's value; Envoy's own limit is 100. The second allows fragments.
            "layered_runtime": {"layers": [{"name": "oracle", "static_layer": {
                "re2.max_program_size.error_level": 32_768,
                "envoy.reloadable_features.http_reject_path_with_fragment": false
            }}]},
            "static_resources": {"listeners": listeners}
        });
        let envoy = BareEnvoy::try_start(&bootstrap, Scratch::new())?;
        let sites: BTreeMap<usize, _> = envoy
            .listeners()
            .iter()
            .filter_map(|(name, address)| Some((name.parse().ok()?, *address)))
            .collect();
        assert_eq!(sites.len(), listeners.len());
        Ok(Self {
            sites: sites.into_values().collect(),
            envoy,
        })
    }

    /// A client of this site.
    pub(crate) fn client(&self, site: usize) -> Client {
        Client::new(self.sites[site])
    }

    /// Envoy does not log this, so only the statistics show it.
    pub(crate) fn no_vm_restarted(&self) {
        let stats = http1::get(self.envoy.admin_address(), "/stats?filter=vm_reload")
            .unwrap()
            .body;
        assert!(stats.lines().all(|line| line.ends_with(": 0")), "{stats}");
    }
}

/// Finds by bisection the smallest part that Envoy refuses, and returns it with Envoy's reason.
pub(crate) fn refused<T: Clone>(
    all: &[T],
    sites: &impl Fn(&[T]) -> Vec<Site>,
) -> Option<(T, String)> {
    let ended = Arena::start(&sites(all)).err()?;
    if let [one] = all {
        return Some((one.clone(), ended.last_lines(3)));
    }
    let (first, second) = all.split_at(all.len() / 2);
    refused(first, sites).or_else(|| refused(second, sites))
}
