//! What a route does apart from matching: its destinations and options, as istiod translates them.

use serde_json::{Value, json};

use crate::istiod::{Mesh, fields, list, text};

/// A route without `match` and `name`.
pub(crate) fn route(http: &Value, mesh: &Mesh, namespace: &str) -> Value {
    let mut route = json!({});
    if http["redirect"].is_object() {
        // 301 is the default.
        assert!(
            http["redirect"]["redirectCode"]
                .as_u64()
                .is_none_or(|code| code == 301)
        );
        route["redirect"] = json!({"path_redirect": http["redirect"]["uri"]});
        return route;
    }
    if http["directResponse"].is_object() {
        let answer = &http["directResponse"];
        route["direct_response"] = json!({
            "status": answer["status"],
            "body": {"inline_string": answer["body"]["string"]}
        });
        return route;
    }
    let mut action = destinations(http, mesh, namespace, &mut route);
    if let Some(uri) = http["rewrite"]["uri"].as_str() {
        action["prefix_rewrite"] = json!(uri);
    }
    let timeout = http["timeout"].as_str().unwrap_or("0s");
    action["timeout"] = json!(timeout);
    action["max_grpc_timeout"] = json!(timeout);
    action["retry_policy"] = retries(&http["retries"]);
    if http["retries"].is_null()
        && action["hash_policy"].is_array()
        && action["cluster"].is_string()
    {
        // A retry stays with the endpoint of its hash.
        let policy = action["retry_policy"].as_object_mut().unwrap();
        policy.remove("retry_host_predicate");
    }
    if http["mirror"].is_object() {
        let percent = http["mirrorPercentage"]["value"].as_f64().unwrap_or(100.0);
        action["request_mirror_policies"] = json!([{
            "cluster": mesh.cluster(&http["mirror"], namespace),
            "runtime_fraction": {"default_value": {"numerator": (percent * 10_000.0) as u64, "denominator": "MILLION"}},
            "trace_sampled": false,
            "disable_shadow_host_suffix_append": true
        }]);
    }
    route["route"] = action;
    headers(&http["headers"], &mut route);
    filters(http, &mut route);
    route
}

fn destinations(http: &Value, mesh: &Mesh, namespace: &str, route: &mut Value) -> Value {
    let all = list(&http["route"]);
    let mut action = json!({});
    let used: Vec<_> = match all {
        [only] => {
            action["cluster"] = json!(mesh.cluster(&only["destination"], namespace));
            headers(&only["headers"], route);
            vec![only]
        }
        _ => {
            let used: Vec<_> = all
                .iter()
                .filter(|it| it["weight"].as_u64().unwrap_or(0) > 0)
                .collect();
            let clusters: Vec<_> = used
                .iter()
                .map(|it| {
                    let mut cluster = json!({
                        "name": mesh.cluster(&it["destination"], namespace),
                        "weight": it["weight"]
                    });
                    headers(&it["headers"], &mut cluster);
                    cluster
                })
                .collect();
            action["weighted_clusters"] = json!({"clusters": clusters});
            used
        }
    };
    let hashes = used
        .iter()
        .filter_map(|it| mesh.hash(&it["destination"], namespace));
    let policies: Vec<_> = hashes.map(hash_policy).collect();
    if !policies.is_empty() {
        action["hash_policy"] = policies.into();
    }
    action
}

fn hash_policy(hash: &Value) -> Value {
    match hash["httpCookie"].as_object() {
        Some(cookie) => {
            let fields = ["name", "ttl", "path"];
            let cookie: serde_json::Map<_, _> = fields
                .iter()
                .filter_map(|field| Some(((*field).to_owned(), cookie.get(*field)?.clone())))
                .collect();
            json!({ "cookie": cookie })
        }
        None => json!({"header": {"header_name": hash["httpHeaderName"]}}),
    }
}

fn retries(retries: &Value) -> Value {
    let mut policy = json!({
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "num_retries": 2,
        "retry_host_predicate": [{
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
            }
        }],
        "host_selection_retry_max_attempts": "5"
    });
    for (field, name) in [
        ("attempts", "num_retries"),
        ("perTryTimeout", "per_try_timeout"),
        ("retryOn", "retry_on"),
    ] {
        if !retries[field].is_null() {
            policy[name] = retries[field].clone();
        }
    }
    policy
}

/// `headers` of a route or a destination, added to what is there.
fn headers(headers: &Value, into: &mut Value) {
    for part in ["request", "response"] {
        let mut added = Vec::new();
        for (operation, action) in [
            ("set", "OVERWRITE_IF_EXISTS_OR_ADD"),
            ("add", "APPEND_IF_EXISTS_OR_ADD"),
        ] {
            added.extend(fields(&headers[part][operation]).map(|(name, value)| {
                json!({"header": {"key": name, "value": value}, "append_action": action})
            }));
        }
        extend(into, &format!("{part}_headers_to_add"), added);
        let removed = list(&headers[part]["remove"]).to_vec();
        extend(into, &format!("{part}_headers_to_remove"), removed);
    }
}

fn extend(into: &mut Value, field: &str, items: Vec<Value>) {
    if !items.is_empty() {
        let mut all = list(&into[field]).to_vec();
        all.extend(items);
        into[field] = all.into();
    }
}

/// Options that filters read from the route.
fn filters(http: &Value, route: &mut Value) {
    let types = "type.googleapis.com/envoy.extensions.filters.http";
    let mut filters = json!({});
    if let Some(status) = http["fault"]["abort"]["httpStatus"].as_u64() {
        let percent = http["fault"]["abort"]["percentage"]["value"]
            .as_f64()
            .unwrap();
        filters["envoy.filters.http.fault"] = json!({
            "@type": format!("{types}.fault.v3.HTTPFault"),
            "abort": {
                "http_status": status,
                "percentage": {"numerator": (percent * 10_000.0) as u64, "denominator": "MILLION"}
            }
        });
    }
    let cors = &http["corsPolicy"];
    if cors.is_object() {
        let methods: Vec<_> = list(&cors["allowMethods"]).iter().map(text).collect();
        assert_eq!(cors["maxAge"], "24h");
        filters["envoy.filters.http.cors"] = json!({
            "@type": format!("{types}.cors.v3.CorsPolicy"),
            "allow_origin_string_match": cors["allowOrigins"],
            "allow_methods": methods.join(","),
            "max_age": "86400",
            "allow_credentials": cors["allowCredentials"],
            "filter_enabled": {"default_value": {"numerator": 100}},
            "forward_not_matching_preflights": true
        });
    }
    if fields(&filters).next().is_some() {
        route["typed_per_filter_config"] = filters;
    }
}
