//! Random changes of a configuration that uses every field.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Every field, at least once.
pub(crate) const FULL: &str = r#"{
  "clusterHeader": "x-cluster", "subsetHeader": "x-subset", "responseHeader": "x-canary",
  "filterState": true, "namespace": "default", "domain": "cluster.local",
  "http": [
    {
      "name": "color",
      "match": [
        {
          "name": "all", "uri": {"prefix": "/color"}, "scheme": {"exact": "https"}, "method": {"regex": "GET|HEAD"},
          "authority": {"exact": "a.test"}, "headers": {"x-a": {"exact": "1"}, ":path": {}},
          "withoutHeaders": {"x-b": {}}, "queryParams": {"q": {"prefix": "a"}}, "ignoreUriCase": true
        },
        {"uri": {"prefix": ""}, "headers": null}
      ],
      "route": [
        {"destination": {"host": "color", "subset": "blue", "port": {"number": 80}}, "weight": 75},
        {"destination": {"host": "color.test", "subset": null, "port": {"number": 80}}, "weight": 25},
        {"cluster": "green", "weight": null}
      ],
      "consistentHash": [
        {"httpHeaderName": "x-user", "useSourceIp": false},
        {"httpQueryParameterName": "user"},
        {"httpCookie": {
          "name": "id", "path": "/", "ttl": "720h",
          "attributes": [{"name": "SameSite", "value": "None"}, {"name": "secure"}, {"name": "HttpOnly", "value": "false"},
            {"name": "Partitioned", "value": ""}, {"name": "Domain", "value": ".a.test"}]
        }}
      ],
      "salt": "s",
      "rollback": {"stable": "blue", "errorPercent": 7.3, "interval": "1m30s", "slowerThan": "1.5s",
        "retryAfter": "10m", "retry": "2", "observe": true},
      "ramp": {"start": "2026-12-01T09:00:00+01:00", "linear": true,
        "steps": [{"after": "0s", "weights": [95, 5, 0]}, {"after": "1h", "weights": [0, 0, 1]}]}
    },
    {"name": null, "match": [], "route": [{"cluster": "rest"}]}
  ]
}"#;

/// One change at a random place.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Replace(Index, Value),
    Remove(Index),
    Repeat(Index),
    Add(Index, &'static str, Value),
}

impl Change {
    pub(crate) fn apply(&self, root: &mut Value) {
        let (Self::Replace(at, _) | Self::Remove(at) | Self::Repeat(at) | Self::Add(at, ..)) = self;
        let mut left = at.index(count(root));
        visit(root, &mut left, &mut |node| match self {
            Self::Replace(_, value) => *node = value.clone(),
            Self::Remove(at) => match node {
                Value::Object(members) => {
                    let names: Vec<_> = members.keys().cloned().collect();
                    if !names.is_empty() {
                        members.remove(at.get(&names));
                    }
                }
                Value::Array(items) if !items.is_empty() => {
                    drop(items.remove(at.index(items.len())))
                }
                _ => {}
            },
            Self::Repeat(at) => {
                if let Value::Array(items) = node
                    && !items.is_empty()
                {
                    items.push(at.get(items).clone());
                }
            }
            Self::Add(_, name, value) => {
                if let Value::Object(members) = node {
                    members.insert((*name).to_owned(), value.clone());
                }
            }
        });
    }
}

fn children(node: &mut Value) -> Vec<&mut Value> {
    match node {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    }
}

fn count(node: &mut Value) -> usize {
    1 + children(node).into_iter().map(count).sum::<usize>()
}

/// Calls `change` for the node with this number.
fn visit(node: &mut Value, left: &mut usize, change: &mut impl FnMut(&mut Value)) -> bool {
    if *left == 0 {
        change(node);
        return true;
    }
    *left -= 1;
    children(node)
        .into_iter()
        .any(|child| visit(child, left, change))
}

/// Texts, numbers and others that are valid somewhere, or nearly.
fn value() -> impl Strategy<Value = Value> {
    let text = select(vec![
        "",
        "a",
        "a.b",
        "a b",
        "a;b",
        "blue",
        "green",
        "host",
        ":path",
        "cookie",
        "x-envoy-a",
        "X-Forwarded-For",
        "x-new",
        "*",
        "(",
        ".*",
        "/",
        "/a;b",
        "0",
        "0s",
        "10s",
        "-1s",
        "1h30m",
        "11m",
        "2h",
        "30d",
        ".5s",
        "1.s",
        "2026-02-31T09:00:00Z",
        "2026-12-01t09:00:00.25z",
        "2026-12-01",
        "SameSite",
        "SECURE",
        "Lax",
        "lax",
        "false",
        "192.0.2.1",
        "__Host-id",
        "__secure-id",
        "über",
        "a-b_c.d",
        "Domain",
    ]);
    let number = select(vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(0.1),
        json!(0.05),
        json!(7.31),
        json!(100),
        json!(100.1),
        json!(1.0),
        json!(65535),
        json!(65536),
        json!(2147483647),
        json!(2147483648_u32),
        json!(1e300),
        json!(u64::MAX),
    ]);
    let other = select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!({}),
        json!([]),
        json!([null]),
        json!([1]),
        json!([0, 0]),
        json!({"exact": "a"}),
        json!({"prefix": ""}),
        json!({"regex": "a"}),
        json!({"exact": "a", "prefix": "b"}),
        json!({"cluster": "a", "weight": 1}),
        json!({"subset": "a", "weight": 1}),
        json!({"number": 8080}),
        json!({"name": "Domain", "value": "b"}),
        json!({"destination": {"host": "a"}}),
        json!({"stable": "blue"}),
        json!([{"cluster": "a"}, {"cluster": "b"}]),
        json!({"useSourceIp": true}),
    ]);
    prop_oneof![text.prop_map(Value::from), number, other]
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let name = select(vec![
        "name",
        "salt",
        "timeout",
        "weight",
        "exact",
        "prefix",
        "regex",
        "subset",
        "cluster",
        "ttl",
        "path",
        "x-a",
        "host",
        "namespace",
        "",
        "a b",
        "clusterHeader",
        "value",
        "useSourceIp",
        "rollback",
        "ramp",
        "port",
    ]);
    prop_oneof![
        4 => (at(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => at().prop_map(Change::Remove),
        1 => at().prop_map(Change::Repeat),
        2 => (at(), name, value()).prop_map(|(at, name, value)| Change::Add(at, name, value)),
    ]
}
