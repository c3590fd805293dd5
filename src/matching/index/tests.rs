use super::*;
use crate::config::invalid::Faults;
use crate::config::json::tests::read;
use crate::config::wire::Match;
use crate::matching::regex::Budget;
use crate::request::Lines;
use proptest::prelude::*;

/// Finds the rule by trying every entry in order.
fn scan(rules: &[Vec<Matcher>], lines: &Lines) -> Option<u32> {
    let request = Request::new(lines);
    for (rule, number) in rules.iter().zip(0..) {
        if rule.is_empty()
            || rule
                .iter()
                .any(|matcher| matcher.matches(&request, Settled::default()))
        {
            return Some(number);
        }
    }
    None
}

fn indexed(rules: Vec<Vec<Matcher>>, requests: &[Lines]) -> Vec<Option<u32>> {
    let index = Index::new(rules);
    let first = |lines| index.first(&Request::new(lines));
    requests.iter().map(first).collect()
}

fn matcher(json: &str) -> Matcher {
    let mut faults = Faults::first();
    let wire = read::<Match>(json).unwrap();
    Matcher::from_wire(&wire, &mut Budget::default(), &mut faults).unwrap()
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["/", "/a", "/A", "/ab", "/a/b", "/a/B", "/b", "/abc", "/b/a"][..])
}

fn uri() -> impl Strategy<Value = String> {
    (text(), 0..6, any::<bool>()).prop_map(|(text, kind, ignore)| match kind {
        0 => format!(r#""uri": {{"exact": "{text}"}}, "ignoreUriCase": {ignore}"#),
        1 | 2 => format!(r#""uri": {{"prefix": "{text}"}}, "ignoreUriCase": {ignore}"#),
        3 => format!(r#""uri": {{"regex": "{text}.*"}}"#),
        // The part after the literal prefix decides.
        4 => format!(r#""uri": {{"regex": "{text}(/x|[ab])"}}"#),
        _ => r#""uri": {}"#.to_owned(),
    })
}

fn condition(field: &'static str) -> impl Strategy<Value = String> {
    (0..7, prop::sample::select(&["1", "2", "3"][..])).prop_map(move |(kind, value)| match kind {
        0 | 1 => format!(r#", "{field}": {{"x-a": {{"exact": "{value}"}}}}"#),
        2 => format!(r#", "{field}": {{"x-b": {{"exact": "{value}"}}, "x-a": {{}}}}"#),
        3 => format!(r#", "{field}": {{"x-a": {{"prefix": "{value}"}}}}"#),
        4 => format!(r#", "{field}": {{"host": {{"exact": "h{value}"}}}}"#),
        _ => String::new(),
    })
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![3 => entry_of_many_kinds(), 1 => entry_by_header()]
}

/// With enough of these entries, the index branches on the header. A request may have several lines of it.
fn entry_by_header() -> impl Strategy<Value = String> {
    (
        prop::sample::select(&["1", "2", "3", "4", "5"][..]),
        condition("withoutHeaders"),
    )
        .prop_map(|(value, without)| {
            format!(r#"{{"headers": {{"x-a": {{"exact": "{value}"}}}}{without}}}"#)
        })
}

fn entry_of_many_kinds() -> impl Strategy<Value = String> {
    let authority = prop::sample::select(
        &[
            "",
            r#", "authority": {"exact": "h1"}"#,
            r#", "authority": {"exact": "h2"}"#,
        ][..],
    );
    (
        uri(),
        authority,
        condition("headers"),
        condition("withoutHeaders"),
    )
        .prop_map(|(uri, authority, with, without)| format!("{{{uri}{authority}{with}{without}}}"))
}

fn request() -> impl Strategy<Value = Lines> {
    let value = || prop::sample::select(&["1", "2", "3", "4", "5", ""][..]);
    let header = |name| {
        prop::collection::vec(value(), 0..4).prop_map(move |values| {
            values
                .into_iter()
                .map(|value| (name, value))
                .collect::<Vec<_>>()
        })
    };
    let tail = prop::sample::select(&["", "?q", "/x", "b"][..]);
    let authority = prop::sample::select(&["h1", "h2", "h3"][..]);
    (text(), tail, authority, header("x-a"), header("x-b")).prop_map(
        |(path, tail, authority, a, b)| {
            let path = format!("{path}{tail}");
            let mut lines = vec![(":path", path.as_str()), (":authority", authority)];
            lines.extend(a);
            lines.extend(b);
            Lines::new(&lines)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_index_finds_the_rule_that_a_plain_scan_finds(
        rules in prop_oneof![
            3 => prop::collection::vec(prop::collection::vec(entry(), 0..3), 1..60),
            1 => prop::collection::vec(prop::collection::vec(entry_by_header(), 1..3), 1..60),
        ],
        requests in prop::collection::vec(request(), 1..20),
    ) {
        // A rule that always matches hides all rules after it, so such rules are moved to the end.
        let (always, mut some): (Vec<_>, Vec<_>) = rules.into_iter().partition(Vec::is_empty);
        some.extend(always);
        let rules: Vec<Vec<Matcher>> = some.iter().map(|rule| rule.iter().map(|json| matcher(json)).collect()).collect();
        let scanned: Vec<_> = requests.iter().map(|lines| scan(&rules, lines)).collect();
        prop_assert_eq!(indexed(rules, &requests), scanned, "{:?} of {:?}", requests, some);
    }
}

#[test]
fn a_value_that_separates_rules_leaves_few_entries_to_try() {
    let kinds: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("exact", &|n| format!(r#"{{"uri": {{"exact": "/p/{n}"}}}}"#)),
        ("prefix", &|n| {
            format!(r#"{{"uri": {{"prefix": "/p/{n}/"}}}}"#)
        }),
        ("lower case", &|n| {
            format!(r#"{{"uri": {{"prefix": "/P/{n}/"}}, "ignoreUriCase": true}}"#)
        }),
        ("authority and header", &|n| {
            format!(
                r#"{{"uri": {{"prefix": "/p"}}, "authority": {{"exact": "h{}"}}, "headers": {{"x-a": {{"exact": "{}"}}}}}}"#,
                n % 100,
                n / 100
            )
        }),
    ];
    for (kind, entry) in kinds {
        let rules: Vec<Vec<Matcher>> = (0..2_000).map(|n| vec![matcher(&entry(n))]).collect();
        let index = Index::new(rules);
        let path = if kind == "exact" {
            "/p/1234"
        } else {
            "/p/1234/x"
        };
        let lines = Lines::new(&[(":path", path), (":authority", "h34"), ("x-a", "12")]);
        let request = Request::new(&lines);
        let mut search = Search::new(&index, &request);
        search.node(&index.root);
        let (found, tried) = (search.best, search.tried.get());
        assert_eq!(found, Some(1234), "{kind}");
        assert!(
            tried <= usize::from(kind == "authority and header"),
            "{kind}: conditions that the index has settled are not tried again"
        );
    }
}
