use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::request::Lines;

const VALUES: [&str; 4] = ["", "a", "ab", "b"];
const NAMES: [&str; 3] = ["x-a", "X-B", "x-c"];

fn matcher() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["a", "b", "ab"]);
    prop_oneof![
        Just(json!({})),
        text.clone().prop_map(|text| json!({"exact": text})),
        text.prop_map(|text| json!({"prefix": text})),
        prop::sample::select(vec!["a|b", "a.*", "", ".+"])
            .prop_map(|text| json!({"regex": format!("(?:{text})")})),
    ]
}

fn condition() -> impl Strategy<Value = (&'static str, Option<&'static str>, Value)> {
    let named = prop::sample::select(vec!["headers", "withoutHeaders", "queryParams"]);
    let path = prop::sample::select(vec!["/a", "/ab", "/b"]);
    let path = (path, prop::sample::select(vec!["exact", "prefix"]));
    prop_oneof![
        path.prop_map(|(text, kind)| ("uri", None, json!({kind: text}))),
        Just(("method", None, json!({"exact": "GET"}))),
        matcher().prop_map(|matcher| ("scheme", None, matcher)),
        (named, prop::sample::select(&NAMES[..]), matcher()).prop_map(|(field, name, matcher)| (
            field,
            Some(name),
            matcher
        )),
    ]
}

fn entry() -> impl Strategy<Value = Value> {
    prop::collection::vec(condition(), 1..4).prop_map(|conditions| {
        let mut entry = Map::new();
        for (field, name, matcher) in conditions {
            match name {
                Some(name) => entry.entry(field).or_insert_with(|| json!({}))[name] = matcher,
                None => drop(entry.insert(field.to_owned(), matcher)),
            }
        }
        entry.into()
    })
}

fn keys() -> impl Strategy<Value = Option<Value>> {
    let header = json!({"httpHeaderName": "x-user"});
    prop::sample::select(vec![
        None,
        Some(json!([header])),
        Some(json!([header, {"httpCookie": {"name": "id"}}, {"httpQueryParameterName": "user"}])),
        Some(json!([header, {"useSourceIp": true}])),
        Some(json!([header, {"httpCookie": {"name": "id", "ttl": "1h"}}])),
    ])
}

fn rules() -> impl Strategy<Value = Value> {
    let weights = prop::collection::vec(0_u32..4, 1..4);
    let rule = (prop::collection::vec(entry(), 0..3), weights, keys());
    prop::collection::vec(rule, 1..5).prop_map(|rules| {
        let rule =
            |(number, (matches, weights, keys)): (usize, (Vec<Value>, Vec<u32>, Option<Value>))| {
                let route = weights.iter().enumerate().map(|(place, weight)| {
                    // The first one keeps the sum above 0.
                    let weight = weight + u32::from(place == 0);
                    json!({"cluster": format!("c{place}"), "weight": weight})
                });
                let route: Vec<_> = route.collect();
                let mut rule =
                    json!({"name": format!("r{number}"), "match": matches, "route": route});
                if let Some(keys) = keys {
                    rule["consistentHash"] = keys;
                }
                rule
            };
        json!({"http": rules.into_iter().enumerate().map(rule).collect::<Vec<_>>()})
    })
}

fn request() -> impl Strategy<Value = Lines> {
    let path = ("/(a|ab|b|c)", prop::option::of("(x-a|X-B|user)=(a|b|ab|)"));
    let path = path.prop_map(|(path, query)| match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    });
    let names = vec!["x-a", "x-b", "x-c", "x-user"];
    let header = (
        prop::sample::select(names),
        prop::sample::select(&VALUES[..]),
    );
    let headers = prop::collection::vec(header, 0..4);
    let cookie = prop::option::of("(x=1; )?id=(a|b|)");
    let pseudo = (prop::sample::select(vec!["GET", "OPTIONS"]), "(a|https)");
    (path, headers, cookie, pseudo).prop_map(|(path, headers, cookie, (method, scheme))| {
        let mut lines = vec![
            (":path", &*path),
            (":method", method),
            (":scheme", &*scheme),
        ];
        lines.extend(headers);
        lines.extend(cookie.iter().map(|cookie| ("cookie", cookie.as_str())));
        Lines::new(&lines).from_address("192.0.2.1:99")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_explained_is_what_is_decided(
        rules in rules(),
        lines in request(),
        seed in any::<u64>(),
        out in prop::option::of(0_u32..4),
    ) {
        let policy = Policy::from_json(rules.to_string().as_bytes()).unwrap();
        let mut in_force = InForce::default();
        if let Some(rule) = out {
            let count = policy.rules().get(rule as usize).map_or(0, |rule| rule.weights().len());
            in_force.set(rule, Split::new(&vec![1; count]).ok());
        }
        let request = Request::new(&lines);
        let explained = policy.explain(&request, &in_force);
        let decided = policy.decide(&request, &in_force, &mut fastrand::Rng::with_seed(seed));

        for passed in &explained.passed {
            let entries = policy.index.entries(passed.rule).count();
            prop_assert!(entries > 0 && passed.failures.len() == entries);
        }
        let Some(choice) = explained.choice else {
            prop_assert_eq!(decided, None);
            prop_assert_eq!(explained.passed.len(), policy.rules().len());
            return Ok(());
        };
        let decided = decided.unwrap();
        prop_assert_eq!(choice.rule, decided.rule);
        prop_assert_eq!(explained.passed.len(), decided.rule as usize);
        prop_assert_eq!(choice.entry.is_some(), policy.index.entries(choice.rule).count() > 0);
        prop_assert_eq!(choice.issued.is_some(), decided.cookie.is_some());
        let comparable = match decided.cookie {
            Some(_) => Decision { cookie: None, user: None, ..decided },
            None => decided,
        };
        prop_assert!(choice.decisions.contains(&comparable), "{:?} {comparable:?}", choice);
        let found = choice.keys.iter().find(|key| key.is_found());
        if let Some(scores) = &choice.scores {
            let best = scores.iter().enumerate().filter_map(|(place, score)| Some((place, (*score)?)));
            let best = best.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap().0;
            prop_assert_eq!(best, decided.destination as usize);
            prop_assert_eq!(choice.decisions.len(), 1);
            prop_assert_eq!(decided.key, found.map(|key| key.kind));
            let rule = &policy.rules()[choice.rule as usize];
            let value = found.unwrap().value.as_deref().unwrap();
            prop_assert_eq!(rule.destination_of(value, &choice.weights), Some(decided.destination));
        } else if decided.reason != Reason::Only {
            let shared = choice.weights.iter().filter(|weight| **weight > 0).count();
            prop_assert!(choice.decisions.len() == shared && shared > 1);
        }
    }
}

fn first_failure(entry: &str, lines: &[(&str, &str)]) -> (String, Vec<String>) {
    let text = format!(r#"{{"http": [{{"match": [{entry}], "route": [{{"cluster": "c"}}]}}]}}"#);
    let policy = Policy::from_json(text.as_bytes()).unwrap();
    let lines = Lines::new(lines);
    let explained = policy.explain(&Request::new(&lines), &InForce::default());
    let failure = &explained.passed[0].failures[0];
    let found = failure.found.iter();
    let found = found.map(|value| String::from_utf8_lossy(value).into_owned());
    (failure.path.to_string(), found.collect())
}

#[test]
fn a_failure_is_the_first_condition_that_does_not_hold_as_the_configuration_writes_it() {
    let all = r#"{
        "uri": {"prefix": "/a"}, "queryParams": {"q": {"exact": "1"}}, "scheme": {}, "method": {"exact": "GET"},
        "headers": {":method": {"regex": "G.*"}, "X-A": {}}, "withoutHeaders": {"X-A": {"exact": "2"}, "x-b": {}}
    }"#;
    let mut lines = vec![(":path", "/b"), (":method", "PUT")];
    let at = |field: &str| format!("http[0].match[0].{field}");
    let failure = |lines: &[(&str, &str)]| first_failure(all, lines);
    assert_eq!(failure(&lines), (at("uri"), vec!["/b".to_owned()]));
    lines[0].1 = "/a";
    assert_eq!(failure(&lines), (at("queryParams.q"), vec![]));
    lines[0].1 = "/a?q=2";
    assert_eq!(failure(&lines), (at("queryParams.q"), vec!["2".to_owned()]));
    lines[0].1 = "/a?q=1";
    assert_eq!(failure(&lines), (at("method"), vec!["PUT".to_owned()]));
    lines[1].1 = "GET";
    assert_eq!(failure(&lines), (at("headers.X-A"), vec![]));
    lines.extend([("x-a", "1"), ("x-a", "2")]);
    let both = vec!["1".to_owned(), "2".to_owned()];
    assert_eq!(failure(&lines), (at("withoutHeaders.X-A"), both));
    lines.pop();
    lines.push(("x-b", ""));
    assert_eq!(
        failure(&lines),
        (at("withoutHeaders.x-b"), vec![String::new()])
    );
}
