//! The configurations of the filter that are measured.

use serde_json::{Value, json};

/// The number of rules of the largest list; few proxies have more.
pub(crate) const MANY: usize = 10_000;

/// `count` rules with different prefixes; each request matches at most one of them.
pub(crate) fn rules(count: usize) -> Value {
    let digits = count.ilog10() as usize;
    let rule = |number: usize| {
        let prefix = if count == 1 {
            "/color".to_owned()
        } else {
            format!("/color/{number:0digits$}")
        };
        json!({
            "name": format!("color-{number}"),
            "match": [{"uri": {"prefix": prefix}}],
            "route": [{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}],
        })
    };
    (0..count).map(rule).collect()
}

/// One rule with these members.
pub(crate) fn moving(members: &Value) -> Value {
    let mut rules = rules(1);
    for (name, value) in members.as_object().into_iter().flatten() {
        rules[0][name] = value.clone();
    }
    rules
}

/// From 2020 to 2120, with shares that stay near those of the other rows.
pub(crate) fn ramp() -> Value {
    json!({
        "start": "2020-01-01T00:00:00Z",
        "linear": true,
        "steps": [{"after": "0s", "weights": [75, 25]}, {"after": "876000h", "weights": [74, 26]}]
    })
}

/// One rule that is sticky by this key.
pub(crate) fn sticky(key: &Value) -> Value {
    let mut rules = rules(1);
    rules[0]["consistentHash"] = json!([key]);
    rules
}
