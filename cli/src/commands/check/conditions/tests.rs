use canary_filter::{Lines, Policy, Request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;

fn implies(one: &Value, other: &Value) -> bool {
    Entry::read(one).implies(&Entry::read(other))
}

#[test]
fn a_narrower_condition_implies_a_wider_one_and_not_the_other_way_round() {
    for (narrow, wide) in [
        (
            json!({"uri": {"prefix": "/colorful"}}),
            json!({"uri": {"prefix": "/color"}}),
        ),
        (
            json!({"uri": {"exact": "/color"}}),
            json!({"uri": {"prefix": "/color"}}),
        ),
        (
            json!({"uri": {"exact": "/color/5"}}),
            json!({"uri": {"regex": "/color/\\d"}}),
        ),
        (
            json!({"uri": {"regex": "/color/\\d"}}),
            json!({"uri": {"prefix": "/color"}}),
        ),
        (
            json!({"uri": {"exact": "/Color"}}),
            json!({"uri": {"exact": "/color"}, "ignoreUriCase": true}),
        ),
        (
            json!({"uri": {"prefix": "/COLOR/a"}, "ignoreUriCase": true}),
            json!({"uri": {"prefix": "/color"}, "ignoreUriCase": true}),
        ),
        (
            json!({"headers": {"x-a": {"exact": "b"}}}),
            json!({"headers": {"X-A": {}}}),
        ),
        (
            json!({"headers": {"host": {"exact": "b"}}}),
            json!({"authority": {"prefix": "b"}}),
        ),
        (json!({"method": {"exact": "GET"}}), json!({})),
        (
            json!({"withoutHeaders": {"x": {"prefix": "a"}}}),
            json!({"withoutHeaders": {"x": {"exact": "ab"}}}),
        ),
        (
            json!({"withoutHeaders": {"x": {}}}),
            json!({"withoutHeaders": {"x": {"regex": "a+"}}}),
        ),
        (
            json!({"queryParams": {"q": {"exact": "1"}}}),
            json!({"queryParams": {"q": {}}}),
        ),
    ] {
        assert!(implies(&narrow, &wide), "{narrow} {wide}");
        assert!(!implies(&wide, &narrow), "{wide} {narrow}");
        assert!(implies(&narrow, &narrow) && implies(&wide, &wide));
    }
    for (one, other) in [
        (
            json!({"uri": {"prefix": "/color"}, "ignoreUriCase": true}),
            json!({"uri": {"prefix": "/color"}}),
        ),
        (
            json!({"withoutHeaders": {"x": {}}}),
            json!({"withoutHeaders": {"x": {"regex": "a*"}}}),
        ),
        (
            json!({"queryParams": {"Q": {}}}),
            json!({"queryParams": {"q": {}}}),
        ),
        (
            json!({"headers": {"x": {"exact": "a"}}}),
            json!({"withoutHeaders": {"x": {"exact": "b"}}}),
        ),
    ] {
        assert!(!implies(&one, &other), "{one} {other}");
    }
}

fn matcher() -> impl Strategy<Value = Value> {
    let text = select(vec!["a", "/", "/a", "/ab", "/A", "b", "ab"]);
    let regex = select(vec![
        "a.*", "/a", "/a.*", "a|b", ".*", "/a(/.*)?", "[ab]*", "/[aA]b?",
    ]);
    prop_oneof![
        text.clone().prop_map(|text| json!({"exact": text})),
        text.prop_map(|text| json!({"prefix": text})),
        regex.prop_map(|text| json!({"regex": text})),
        Just(json!({})),
    ]
}

/// An entry of `match` that the filter accepts.
pub(in crate::commands::check) fn entry() -> impl Strategy<Value = Value> {
    let maybe = || prop::option::of(matcher());
    (maybe(), maybe(), maybe(), maybe(), maybe(), any::<bool>()).prop_map(
        |(uri, method, header, without, query, folded)| {
            let mut entry = json!({"ignoreUriCase": folded});
            for (field, value) in [("uri", uri), ("method", method)] {
                if let Some(value) = value {
                    entry[field] = value;
                }
            }
            for (field, value) in [("headers", header), ("withoutHeaders", without)] {
                if let Some(value) = value {
                    entry[field] = json!({"x": value});
                }
            }
            if let Some(value) = query {
                entry["queryParams"] = json!({"q": value});
            }
            entry
        },
    )
}

fn takes(entry: &Value, lines: &Lines) -> bool {
    let configuration = json!({"http": [{"match": [entry], "route": [{"cluster": "c"}]}]});
    let policy = Policy::from_json(configuration.to_string().as_bytes()).unwrap();
    policy.route(&Request::new(lines)).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The filter itself decides what an entry takes.
    #[test]
    fn what_an_entry_takes_is_taken_by_every_entry_that_it_implies(
        (one, other) in (entry(), entry()),
        path in "(/[abA]{0,2}/?){1,2}",
        query in prop::option::of("(q|Q)(=[ab/]{0,2})?"),
        method in "[ab/A]{1,2}",
        header in prop::collection::vec("[ab/A]{0,2}", 0..3),
    ) {
        let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let mut lines = vec![(":path", target.as_str()), (":method", method.as_str())];
        lines.extend(header.iter().map(|value| ("x", value.as_str())));
        let lines = Lines::new(&lines);
        if implies(&one, &other) && takes(&one, &lines) {
            prop_assert!(takes(&other, &lines), "{one} {other}");
        }
    }
}
