//! The wire form of the configuration, as a WasmPlugin's `pluginConfig` or Envoy's `StringValue` carries it.
//!
//! This module only turns bytes into these types, or into faults with their paths. The conversion into the run-time types
//! ([`Policy`](crate::Policy) and below it) checks which values are valid. It also checks for required fields, so that one
//! missing field does not hide the faults beside it.
//!
//! The comments on these types and their fields are the descriptions in the JSON Schema, which editors show to users.

#[cfg(feature = "schema")]
pub(crate) mod schema;
mod values;

use serde::Deserialize;

pub(crate) use values::{Entries, Percent, PortNumber, Weight};

use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::json::Json;
use values::or_null;

/// The largest configuration, in bytes: room for 50,000 rules. A module that needs more than the 4 GiB of a wasm memory
/// crashes, and during an update the memory holds the previous rules as well.
const LARGEST: usize = 16 << 20;

/// A list. An item that could not be read is `None`, and its fault has already been reported.
pub(crate) type List<T> = Box<[Option<T>]>;

/// The configuration of the canary filter: which version of a service gets a request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The rules, at least one. The first rule that matches a request decides; a request that matches none is left alone.
    pub(crate) http: Option<List<Rule>>,
    /// The request header that gets the name of the chosen Envoy cluster, for a route with `cluster_header`. The default is
    /// `x-canary-cluster` if `subsetHeader` is not given either; with `subsetHeader` alone, no cluster is named.
    pub(crate) cluster_header: Option<String>,
    /// The request header that gets the chosen destination's label (its subset, else its cluster or host), for routes that
    /// match on it. There is no default.
    pub(crate) subset_header: Option<String>,
    /// The response header that shows the decision to the client:
    /// `route=color;subset=green-sub;reason=sticky;key=cookie;share=2500`. By default there is none.
    pub(crate) response_header: Option<String>,
    /// `true` writes the decision to filter state, for the access log: `%FILTER_STATE(wasm.canary:PLAIN)%` is
    /// `color/green-sub/sticky`. The default is `false`.
    #[serde(default)]
    pub(crate) filter_state: bool,
    /// The Kubernetes namespace that completes a short `host`, as Istio does: `color-service` becomes
    /// `color-service.<namespace>.svc.<domain>`.
    pub(crate) namespace: Option<String>,
    /// The DNS domain of the cluster that completes a short `host`. The default is `cluster.local`.
    pub(crate) domain: Option<String>,
}

/// A rule: which requests it takes, and how they are split.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    /// The name of the rule, unique in the configuration: 1 to 63 letters, digits, `-`, `_`, `.`. It is the label `route` of the
    /// metrics and the default of `salt`. The default is `http-<index>`; required with `consistentHash`, `rollback` or `ramp`.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) name: Option<String>,
    /// The conditions, as in a VirtualService. A request matches if one entry holds. Without entries, every request matches.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) r#match: List<Match>,
    /// The destinations with their weights, at least one.
    pub(crate) route: Option<List<RouteDestination>>,
    /// Keys that keep a user on one version. The first key that the request carries counts; without one, the choice is random
    /// per request.
    pub(crate) consistent_hash: Option<List<HashKey>>,
    /// Users are spread anew when this text changes, and two rules with the same salt and the same labels put a user on the
    /// same version. The default is the name of the rule.
    pub(crate) salt: Option<String>,
    /// Takes a version out within seconds when its answers have more errors than those of the stable version.
    pub(crate) rollback: Option<Rollback>,
    /// Changes the weights over time.
    pub(crate) ramp: Option<Ramp>,
}

/// When a version is rolled back: its share of errors exceeds that of `stable` by `errorPercent`, and chance does not
/// explain it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rollback {
    /// Required: the label (subset, else cluster or host) of the destination that is never rolled back and that the others are
    /// compared with.
    pub(crate) stable: Option<String>,
    /// By how many percentage points a version's share of errors must exceed that of stable: above 0 and at most 100, with one
    /// decimal at most. The default is 5.
    pub(crate) error_percent: Option<Percent>,
    /// How far back answers count: a duration from `1s` to `10m`. The default is `60s`.
    pub(crate) interval: Option<String>,
    /// An answer whose headers take longer than this duration counts as an error. By default, slowness is not an error.
    pub(crate) slower_than: Option<String>,
    /// Gives the version its share back after this duration, at most `1h`; the waits grow up to `1h` if it is rolled back
    /// again. By default, the rollback holds until the configuration changes.
    pub(crate) retry_after: Option<String>,
    /// Any text of at most 63 characters. A new text ends a rollback, after the version was mended in place.
    pub(crate) retry: Option<String>,
    /// `true` judges, logs and counts, but leaves the weights alone. The default is `false`.
    #[serde(default)]
    pub(crate) observe: bool,
}

/// Weights over time. Before the start, the weights of `route` hold; after the last step, its weights hold.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ramp {
    /// Required: when the ramp starts, as RFC 3339 with an offset: `2026-12-01T09:00:00Z`.
    pub(crate) start: Option<String>,
    /// Required: at least one step, in the order of time.
    pub(crate) steps: Option<List<RampStep>>,
    /// `true` moves the shares evenly between the steps. With the default, `false`, they change at each step.
    #[serde(default)]
    pub(crate) linear: bool,
}

/// Weights that are reached some time after the start of the ramp.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RampStep {
    /// Required: a duration since the start, longer than that of the step before: `0s`, `30m`, `2h`.
    pub(crate) after: Option<String>,
    /// Required: one weight for each entry of `route`, in its order.
    pub(crate) weights: Option<List<Weight>>,
}

/// Where the key of a user is found: exactly one of the fields. A key after `useSourceIp` or after a cookie with `ttl` is
/// never reached, because these two are always there.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HashKey {
    /// A request header; its first value is the key.
    pub(crate) http_header_name: Option<String>,
    /// A cookie; its value is the key.
    pub(crate) http_cookie: Option<HttpCookie>,
    /// A query parameter; its first value is the key.
    pub(crate) http_query_parameter_name: Option<String>,
    /// `true` uses the client's address without the port, as Envoy trusts it. The default is `false`.
    #[serde(default)]
    pub(crate) use_source_ip: bool,
}

/// A cookie that holds a user's key.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpCookie {
    /// Required: the name of the cookie.
    pub(crate) name: Option<String>,
    /// The `Path` of the issued cookie. The default is `/`. It needs `ttl`.
    pub(crate) path: Option<String>,
    /// How long the issued cookie lives: a duration such as `720h`, or `0s` for the session of the browser. With it, the filter
    /// issues a cookie to a user who has none. Without it, the cookie is only read.
    pub(crate) ttl: Option<String>,
    /// Attributes of the issued cookie. By default it has `HttpOnly`, `SameSite=Lax`, and `Secure` when the request came by
    /// https. They need `ttl`.
    pub(crate) attributes: Option<List<CookieAttribute>>,
}

/// An attribute of the issued cookie. Each can be given once.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CookieAttribute {
    /// Required: `SameSite`, `Secure`, `HttpOnly`, `Partitioned` or `Domain`, without regard to case.
    pub(crate) name: Option<String>,
    /// `Strict`, `Lax` or `None` for `SameSite`; a host name for `Domain`; `"false"` for an `HttpOnly` that scripts must not
    /// have. The others have no value.
    pub(crate) value: Option<String>,
}

/// An entry of `match`: all of its conditions must hold.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Match {
    /// A VirtualService uses it in its access log. It has no effect here.
    #[serde(rename = "name", default, deserialize_with = "or_null")]
    _name: Option<String>,
    /// The path as Envoy normalized it, without the query. `prefix: /color` also takes `/colorful`.
    pub(crate) uri: Option<StringMatch>,
    /// The scheme: `http` or `https`.
    pub(crate) scheme: Option<StringMatch>,
    /// The method, such as `GET`.
    pub(crate) method: Option<StringMatch>,
    /// The host as the client sent it, with its port, in upper and lower case.
    pub(crate) authority: Option<StringMatch>,
    /// Conditions on request headers by name; `{}` means that the header is there. Of several values, one must satisfy it.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) headers: Entries<StringMatch>,
    /// Conditions on request headers that must not hold; `{}` means that the header is not there.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) without_headers: Entries<StringMatch>,
    /// Conditions on query parameters by name; `{}` means that the parameter is there. Nothing is decoded.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) query_params: Entries<StringMatch>,
    /// `true` ignores upper and lower case in `exact` and `prefix` of `uri`. The default is `false`.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) ignore_uri_case: bool,
}

/// How a text is compared: one of `exact`, `prefix` and `regex`. `{}` puts no condition on it.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct StringMatch {
    /// The whole text.
    pub(crate) exact: Option<String>,
    /// The beginning of the text.
    pub(crate) prefix: Option<String>,
    /// A regular expression in RE2's syntax that matches the whole text, byte by byte.
    pub(crate) regex: Option<String>,
}

/// A destination and its weight: exactly one of `destination`, `cluster` and `subset`. Its label is its subset, else its
/// cluster or host, and is unique in the rule.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteDestination {
    /// A service, as in a VirtualService. The cluster is `outbound|<port>|<subset>|<host>`.
    pub(crate) destination: Option<Destination>,
    /// The name of an Envoy cluster.
    pub(crate) cluster: Option<String>,
    /// A label that routes match on, without a cluster; only without `clusterHeader`.
    pub(crate) subset: Option<String>,
    /// The weight: a whole number from 0 to 2147483647. The share is the weight divided by the sum of all weights, which need
    /// not be 100. The default is 0, which gets nothing. A single destination gets everything.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) weight: Weight,
}

/// A service, its subset and its port.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    /// Required: the service's host name. A short name needs `namespace` at the top.
    pub(crate) host: Option<String>,
    /// The name of a subset in the DestinationRule of the service.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) subset: Option<String>,
    /// The service's port. Required where `clusterHeader` is in force.
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) port: Option<Port>,
}

/// A port, as a VirtualService writes it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    /// Required: 1 to 65535.
    pub(crate) number: Option<PortNumber>,
}

impl Config {
    /// Reads the wire form.
    ///
    /// # Errors
    /// Returns the first fault.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        Self::deserialize(&parse(bytes)?)
    }

    /// Reads as much of the wire form as possible: a part that cannot be read is reported and left out.
    pub(crate) fn read_all(bytes: &[u8], faults: &mut Faults) -> Option<Self> {
        let mut tree = faults.keep(parse(bytes))?;
        loop {
            match Self::deserialize(&tree) {
                Ok(config) => return Some(config),
                Err(fault) => {
                    let path = fault.path().clone();
                    faults.report(fault);
                    if faults.is_full() || !tree.hide(&path) {
                        return None;
                    }
                }
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Json<'_>, InvalidConfig> {
    if bytes.len() > LARGEST {
        let reason = format!("is larger than {} MiB", LARGEST >> 20);
        return Err(InvalidConfig::new(reason));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(InvalidConfig::new("the configuration is empty"));
    }
    Json::parse(bytes).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> InvalidConfig {
    InvalidConfig::new(format!(
        "the configuration is not JSON: {error} (Envoy needs a StringValue: a Struct arrives as protobuf)"
    ))
    .with_position(error.line(), error.column())
}

#[cfg(test)]
mod tests;
