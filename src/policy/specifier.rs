//! What a cluster specifier can do of a configuration. It is asked while the route is picked, and sees no answer.

use serde_json::{Value, json};

use crate::config::invalid::InvalidConfig;
use crate::config::wire::{Config, HashKey, Rule};
use crate::policy::Policy;

const NEEDS_FILTER: &str = "needs the HTTP filter beside the cluster specifier";
const NEEDS_NO_HEADER: &str = "has no effect: a cluster specifier needs no request header";

impl Policy {
    /// [`from_json`](Self::from_json) for a cluster specifier that stands alone.
    ///
    /// # Errors
    /// The first fault, with its path: also a field that a cluster specifier cannot carry out.
    pub fn for_specifier(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        let wire = Config::read(bytes)?;
        match beyond_specifier(&wire) {
            Some(fault) => Err(fault),
            None => Self::compile(&wire),
        }
    }
}

/// The first field of a configuration that a cluster specifier cannot carry out alone.
fn beyond_specifier(wire: &Config) -> Option<InvalidConfig> {
    let fields = [
        (
            "clusterHeader",
            NEEDS_NO_HEADER,
            wire.cluster_header.is_some(),
        ),
        (
            "subsetHeader",
            NEEDS_NO_HEADER,
            wire.subset_header.is_some(),
        ),
        (
            "responseHeader",
            NEEDS_FILTER,
            wire.response_header.is_some(),
        ),
        ("filterState", NEEDS_FILTER, wire.filter_state),
    ];
    if let Some((field, reason, _)) = fields.into_iter().find(|(.., given)| *given) {
        return Some(InvalidConfig::new(reason).at(field));
    }
    let rules = wire.http.iter().flatten().enumerate();
    rules
        .filter_map(|(index, rule)| Some((index, beyond(rule.as_ref()?)?)))
        .map(|(index, fault)| fault.at(index).at("http"))
        .next()
}

fn beyond(rule: &Rule) -> Option<InvalidConfig> {
    if rule.rollback.is_some() {
        return Some(InvalidConfig::new(NEEDS_FILTER).at("rollback"));
    }
    let keys = rule.consistent_hash.iter().flatten().enumerate();
    let issues = |key: &HashKey| {
        let cookie = key.http_cookie.as_ref();
        cookie.is_some_and(|cookie| cookie.ttl.is_some())
    };
    let (index, _) = keys
        .into_iter()
        .find(|(_, key)| key.as_ref().is_some_and(issues))?;
    let fault = InvalidConfig::new(NEEDS_FILTER).at("ttl").at("httpCookie");
    Some(fault.at(index).at("consistentHash"))
}

/// The rules of a refused configuration with nothing but their stable destinations, if that can be compiled: a route with a
/// cluster specifier has no other cluster to fall back to. Stable is what `rollback` names, else the first destination.
pub fn stable_of_refused(bytes: &[u8]) -> Option<Policy> {
    let refused: Value = serde_json::from_slice(bytes).ok()?;
    let rules = refused.get("http")?.as_array()?.iter().map(|rule| {
        let route = rule.get("route")?.as_array()?;
        let stable = rule.pointer("/rollback/stable").and_then(Value::as_str);
        let named = |entry: &&Value| {
            let label = entry
                .pointer("/destination/subset")
                .or(entry.get("cluster"));
            stable.is_some() && label.and_then(Value::as_str) == stable
        };
        let mut entry = route.iter().find(named).or(route.first())?.clone();
        entry.as_object_mut()?.remove("weight");
        let conditions = rule.get("match").cloned().unwrap_or(json!([]));
        Some(json!({"match": conditions, "route": [entry]}))
    });
    let mut stable = json!({"http": rules.collect::<Option<Vec<_>>>()?});
    for field in ["namespace", "domain"] {
        if let (Some(value), Some(stable)) = (refused.get(field), stable.as_object_mut()) {
            stable.insert(field.to_owned(), value.clone());
        }
    }
    Policy::from_json(stable.to_string().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_the_answer_is_beyond_a_specifier_and_named_by_its_path() {
        for (members, rule, line) in [
            ("", "", ""),
            (
                r#""responseHeader": "x-r","#,
                "",
                "responseHeader: needs the HTTP filter",
            ),
            (
                r#""filterState": true,"#,
                "",
                "filterState: needs the HTTP filter",
            ),
            (
                r#""clusterHeader": "x-c","#,
                "",
                "clusterHeader: has no effect",
            ),
            (
                r#""subsetHeader": "x-s", "clusterHeader": "x-c","#,
                "",
                "clusterHeader: has no effect",
            ),
            (
                "",
                r#""rollback": {"stable": "a"},"#,
                "http[0].rollback: needs the HTTP filter",
            ),
            (
                "",
                r#""consistentHash": [{"httpHeaderName": "x"}, {"httpCookie": {"name": "id", "ttl": "1h"}}],"#,
                "http[0].consistentHash[1].httpCookie.ttl: needs the HTTP filter",
            ),
            (
                "",
                r#""consistentHash": [{"httpCookie": {"name": "id"}}],"#,
                "",
            ),
        ] {
            let text = format!(
                r#"{{{members} "http": [{{"name": "r", {rule} "route": [{{"cluster": "a", "weight": 1}}, {{"cluster": "b"}}]}}]}}"#
            );
            let found = Policy::for_specifier(text.as_bytes());
            let found = found.err().map(|fault| fault.to_string());
            let found = found.unwrap_or_default();
            assert!(
                found.starts_with(line) && found.is_empty() == line.is_empty(),
                "{text}: {found}"
            );
        }
    }

    #[test]
    fn a_refused_configuration_leads_to_the_stable_destinations_as_far_as_it_can_be_read() {
        let policy = stable_of_refused(
            br#"{"http": [
                {"name": "r", "match": [{"uri": {"prefix": "/a"}}], "rollback": {"stable": "b"},
                 "route": [{"cluster": "a", "weight": -5}, {"cluster": "b", "weight": "x"}]},
                {"bogus": 1, "route": [{"cluster": "c"}, {"cluster": "d"}]}
            ]}"#,
        )
        .unwrap();
        let clusters = policy
            .rules()
            .iter()
            .map(|rule| rule.destinations()[0].cluster().unwrap());
        assert_eq!(clusters.collect::<Vec<_>>(), ["b", "c"]);
        for broken in [
            "",
            "{",
            r#"{"http": []}"#,
            r#"{"http": [{"route": []}]}"#,
            r#"{"http": [{"route": [{"cluster": "a b"}]}]}"#,
        ] {
            assert!(stable_of_refused(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
