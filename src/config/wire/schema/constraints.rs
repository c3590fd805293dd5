//! What the run-time types check, as far as a schema can say it.

use serde_json::{Map, Value, json};

use super::patterns::{
    CLUSTER, COOKIE_DOMAIN, COOKIE_PATH, DURATION, ENDS_IN_NUMBER, HEADER_TO_READ, HOST, LABEL,
    NAME, TIME, TOKEN, any_case, one_of, reserved,
};

/// Fields that may be empty in a VirtualService, so that `null` is the same as an absent field.
const NULLABLE: &[(&str, &[&str])] = &[
    ("Rule", &["name", "match"]),
    (
        "Match",
        &[
            "name",
            "headers",
            "withoutHeaders",
            "queryParams",
            "ignoreUriCase",
        ],
    ),
    ("RouteDestination", &["weight"]),
    ("Destination", &["subset", "port"]),
];

/// The attributes of a cookie that the filter takes.
const COOKIE_ATTRIBUTES: [&str; 5] = ["SameSite", "Secure", "HttpOnly", "Partitioned", "Domain"];

/// Adds the constraints to the schema of the wire types.
pub(super) fn add(schema: &mut Value) {
    for (name, constraints) in [
        ("Config", config()),
        ("Rule", rule()),
        ("Rollback", rollback()),
        ("Ramp", ramp()),
        ("RampStep", ramp_step()),
        ("HashKey", hash_key()),
        ("HttpCookie", http_cookie()),
        ("CookieAttribute", cookie_attribute()),
        ("Match", r#match()),
        ("StringMatch", string_match()),
        ("RouteDestination", route_destination()),
        ("Destination", destination()),
        ("Port", json!({"required": ["number"]})),
    ] {
        if let Some(own) = type_in(schema, name) {
            merge(own, constraints);
        }
    }
    for (name, fields) in NULLABLE {
        for field in *fields {
            let property =
                type_in(schema, name).and_then(|own| own.get_mut("properties")?.get_mut(field));
            if let Some(Value::Object(property)) = property {
                allow_null(property);
            }
        }
    }
}

fn type_in<'s>(schema: &'s mut Value, name: &str) -> Option<&'s mut Value> {
    if name == "Config" {
        Some(schema)
    } else {
        schema.get_mut("$defs")?.get_mut(name)
    }
}

/// Adds members; objects that both have are merged.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The description and the default stay outside.
fn allow_null(property: &mut Map<String, Value>) {
    let mut own = Map::new();
    let names: Vec<_> = property.keys().cloned().collect();
    for name in names {
        if name != "description" && name != "default" {
            own.extend(property.remove(&name).map(|value| (name, value)));
        }
    }
    property.insert("anyOf".to_owned(), json!([own, {"type": "null"}]));
}

fn config() -> Value {
    let header = json!({"pattern": TOKEN, "maxLength": 128, "not": {"pattern": reserved()}});
    // A cluster is named where the header is, and by default.
    let names_clusters = json!({"anyOf": [{"required": ["clusterHeader"]}, {"not": {"required": ["subsetHeader"]}}]});
    let every_route = |item: Value| json!({"properties": {"http": {"items": {"properties": {"route": {"items": item}}}}}});
    json!({
        "title": "Configuration of canary-filter",
        "required": ["http"],
        "properties": {
            "http": {"minItems": 1},
            "clusterHeader": header,
            "subsetHeader": header,
            "responseHeader": header,
            "namespace": {"pattern": LABEL},
            "domain": {"pattern": HOST, "maxLength": 253},
        },
        "allOf": [
            {
                "if": names_clusters,
                "then": every_route(json!({
                    "properties": {
                        "subset": false,
                        "destination": {"required": ["port"], "properties": {"port": {"type": "object"}}},
                    },
                })),
            },
            {
                "if": {"allOf": [names_clusters, {"not": {"required": ["namespace"]}}]},
                "then": every_route(json!({
                    "properties": {"destination": {"properties": {"host": {"pattern": "\\."}}}},
                })),
            },
        ],
    })
}

fn rule() -> Value {
    let named = json!({"required": ["name"], "properties": {"name": {"type": "string"}}});
    json!({
        "required": ["route"],
        "properties": {
            "name": {"pattern": NAME},
            "route": {
                "minItems": 1,
                "anyOf": [
                    {"maxItems": 1},
                    {"contains": {"required": ["weight"], "properties": {"weight": {"type": "integer", "minimum": 1}}}},
                ],
            },
            "consistentHash": {"minItems": 1},
        },
        "dependentRequired": {"salt": ["consistentHash"]},
        "dependentSchemas": {
            "consistentHash": named,
            "ramp": named,
            "rollback": {"allOf": [named, {"properties": {"route": {"minItems": 2, "maxItems": 256}}}]},
        },
    })
}

fn rollback() -> Value {
    json!({
        "required": ["stable"],
        "properties": {
            "interval": {"pattern": DURATION},
            "slowerThan": {"pattern": DURATION},
            "retryAfter": {"pattern": DURATION},
            "retry": {"maxLength": 63},
        },
    })
}

fn ramp() -> Value {
    json!({
        "required": ["start", "steps"],
        "properties": {"start": {"pattern": TIME}, "steps": {"minItems": 1}},
    })
}

fn ramp_step() -> Value {
    json!({
        "required": ["after", "weights"],
        "properties": {
            "after": {"pattern": DURATION},
            "weights": {"minItems": 1, "anyOf": [{"maxItems": 1}, {"contains": {"type": "integer", "minimum": 1}}]},
        },
    })
}

fn hash_key() -> Value {
    json!({
        "properties": {
            "httpHeaderName": {"pattern": HEADER_TO_READ},
            "httpQueryParameterName": {"minLength": 1},
        },
        "oneOf": [
            {"required": ["httpHeaderName"]},
            {"required": ["httpCookie"]},
            {"required": ["httpQueryParameterName"]},
            {"required": ["useSourceIp"], "properties": {"useSourceIp": {"const": true}}},
        ],
    })
}

fn http_cookie() -> Value {
    let named = |name: &str| {
        let pattern = format!("^{}$", any_case(name));
        json!({"required": ["name"], "properties": {"name": {"type": "string", "pattern": pattern}}})
    };
    let at_most_once =
        |name: &str| json!({"contains": named(name), "minContains": 0, "maxContains": 1});
    let once = COOKIE_ATTRIBUTES.map(at_most_once);
    let host_prefix = format!("^{}", any_case("__Host-"));
    json!({
        "required": ["name"],
        "properties": {
            "name": {"pattern": TOKEN, "maxLength": 128},
            "path": {"pattern": COOKIE_PATH, "maxLength": 1024},
            "ttl": {"pattern": DURATION},
            "attributes": {"allOf": once},
        },
        "dependentRequired": {"path": ["ttl"], "attributes": ["ttl"]},
        // Browsers drop a cookie with this prefix that has another path or a domain.
        "if": {"required": ["name"], "properties": {"name": {"type": "string", "pattern": host_prefix}}},
        "then": {
            "properties": {
                "path": {"const": "/"},
                "attributes": {"not": {"contains": named("Domain")}},
            },
        },
    })
}

fn cookie_attribute() -> Value {
    let with = |names: &[&str], then: Value| {
        let pattern = one_of(names);
        json!({"if": {"properties": {"name": {"type": "string", "pattern": pattern}}}, "then": then})
    };
    let value = |value: Value| json!({"properties": {"value": value}});
    let required = |value: Value| json!({"required": ["value"], "properties": {"value": value}});
    let same_site = ["Strict", "Lax", "None"];
    let any_of = |names: &[&str]| json!([{"enum": names}, {"pattern": one_of(names)}]);
    json!({
        "required": ["name"],
        // The names are listed for editors, which complete them, and matched in any case.
        "properties": {"name": {"anyOf": any_of(&COOKIE_ATTRIBUTES)}},
        "allOf": [
            with(&["SameSite"], required(json!({"anyOf": any_of(&same_site)}))),
            with(&["Domain"], required(json!({"pattern": COOKIE_DOMAIN, "maxLength": 254, "not": {"pattern": ENDS_IN_NUMBER}}))),
            with(&["HttpOnly"], value(json!({"enum": ["", "false"]}))),
            with(&["Secure", "Partitioned"], value(json!({"const": ""}))),
        ],
    })
}

fn r#match() -> Value {
    // Only a path may have any beginning.
    let not_empty = json!({"properties": {"prefix": {"minLength": 1}}});
    let header = json!({
        "propertyNames": {"pattern": HEADER_TO_READ},
        "additionalProperties": not_empty,
    });
    json!({
        "properties": {
            "scheme": not_empty,
            "method": not_empty,
            "authority": not_empty,
            "headers": header,
            "withoutHeaders": header,
            "queryParams": {"propertyNames": {"minLength": 1}, "additionalProperties": not_empty},
        },
    })
}

fn string_match() -> Value {
    json!({
        "maxProperties": 1,
        "properties": {"regex": {"minLength": 1, "not": {"const": "*"}}},
    })
}

fn route_destination() -> Value {
    json!({
        "properties": {"cluster": {"pattern": CLUSTER}, "subset": {"pattern": NAME}},
        "oneOf": [{"required": ["destination"]}, {"required": ["cluster"]}, {"required": ["subset"]}],
    })
}

fn destination() -> Value {
    json!({
        "required": ["host"],
        "properties": {
            "host": {"pattern": HOST, "maxLength": 253},
            "subset": {"pattern": NAME},
        },
    })
}
