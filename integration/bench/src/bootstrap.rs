//! Envoy's configuration: one listener per variant. The listeners differ only in the filter and the route.

use std::fs;
use std::net::SocketAddr;

use harness::{Filter, Kind, Scratch};
use serde_json::{Value, json};

use crate::Trouble;
use crate::variant::{Form, Job, Route, Variant};

/// The header that names the cluster.
pub(crate) const CLUSTER_HEADER: &str = "x-canary-cluster";

pub(crate) fn of(
    variants: &[Variant],
    [blue, green]: [SocketAddr; 2],
    dir: &Scratch,
) -> Result<Value, Trouble> {
    let listeners: Vec<Value> = variants
        .iter()
        .map(|variant| listener(variant, dir))
        .collect::<Result<_, _>>()?;
    Ok(json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        // Nothing else may use the CPU during the requests.
        "stats_flush_on_admin": true,
        "static_resources": {"listeners": listeners, "clusters": [cluster("blue", blue), cluster("green", green)]},
    }))
}

fn listener(variant: &Variant, dir: &Scratch) -> Result<Value, Trouble> {
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let filters: Vec<Value> = filter(variant, dir)?.into_iter().chain([router]).collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "bench", "domains": ["*"], "routes": routes(variant)}]},
    });
    Ok(json!({
        "name": variant.name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    }))
}

/// The routes. Those by the header are the routes of `envoy/envoy.yaml`.
fn routes(variant: &Variant) -> Value {
    let matches = json!({"prefix": "/color"});
    match variant.route {
        Route::Specified => json!([{"match": matches, "route": {
            "inline_cluster_specifier_plugin": specifier(variant)}}]),
        Route::Plain => json!([{"match": matches, "route": {"cluster": "blue"}}]),
        Route::Weighted => json!([{"match": matches, "route": {"weighted_clusters": {"clusters": [
            {"name": "blue", "weight": 75}, {"name": "green", "weight": 25}]}}}]),
        Route::ByHeader => json!([
            {"match": {"prefix": "/color", "headers": [{"name": CLUSTER_HEADER, "present_match": true}]},
             "route": {"cluster_header": CLUSTER_HEADER}},
            {"match": matches, "route": {"cluster": "blue"}}]),
    }
}

/// The native module's cluster specifier. Each variant is a plugin of its own.
fn specifier(variant: &Variant) -> Value {
    let name = &variant.name;
    match &variant.job {
        Job::Native(Form::Specifier, policy) => native(policy).specifier(name),
        // Beside the filter, it chooses by the filter's policy.
        _ => Filter {
            configuration: None,
            ..native("")
        }
        .specifier(&format!("{name}/filter")),
    }
}

fn native(policy: &str) -> Filter {
    Filter::new(policy).of(Kind::Native)
}

fn filter(variant: &Variant, dir: &Scratch) -> Result<Option<Value>, Trouble> {
    Ok(match &variant.job {
        Job::None | Job::Native(Form::Specifier, _) => None,
        Job::Native(form, policy) => {
            let beside = if *form == Form::Both {
                "/specifier"
            } else {
                ""
            };
            let name = format!("{}{beside}", variant.name);
            Some(json!({"name": "native", "typed_config": native(policy).native(&name)}))
        }
        Job::Lua(script) => Some(json!({"name": "lua", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": script}}})),
        Job::Text(text) => {
            let module = dir.join(&format!("{}.wasm", variant.name.replace(['/', ' '], "-")));
            fs::write(&module, wat::parse_str(text)?)?;
            Some(wasm(
                &variant.name,
                Filter {
                    module,
                    ..Filter::new("")
                },
            ))
        }
        Job::Filter { module, policy } => {
            let module = module.clone();
            Some(wasm(
                &variant.name,
                Filter {
                    module,
                    ..Filter::new(policy.clone())
                },
            ))
        }
    })
}

/// The filter as shipped, in a virtual machine of its own.
fn wasm(name: &str, filter: Filter) -> Value {
    let mut resource = filter.resource()["resources"][0].take();
    resource["typed_config"]["config"]["vm_config"]["vm_id"] = json!(name);
    json!({"name": "wasm", "typed_config": resource["typed_config"]})
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
    // Otherwise Envoy drops the trailers of a gRPC answer before any filter sees them.
    let protocol = json!({"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}}});
    json!({"name": name, "type": "STATIC", "typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol}, "load_assignment": {"cluster_name": name, "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": {"socket_address": socket}}}]}]}})
}
