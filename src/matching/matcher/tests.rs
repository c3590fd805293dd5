use super::*;
use crate::config::json::tests::read;
use crate::request::Lines;
use crate::request::tests::Counted;

fn matcher(json: &str) -> Result<Matcher, String> {
    let wire = read::<wire::Match>(json).map_err(|fault| fault.to_string())?;
    let mut faults = Faults::first();
    let matcher = Matcher::from_wire(&wire, &mut Budget::default(), &mut faults);
    matcher.ok_or_else(|| faults.into_first().to_string())
}

fn matches(json: &str, lines: &[(&str, &str)]) -> bool {
    let lines = Lines::new(lines);
    matcher(json)
        .unwrap()
        .matches(&Request::new(&lines), Settled::default())
}

/// Checks values that match the condition, and values that narrowly miss it.
fn on(name: &str, json: &str, hits: &[&str], misses: &[&str]) {
    for (values, expected) in [(hits, true), (misses, false)] {
        for value in values {
            assert_eq!(
                matches(json, &[(name, value)]),
                expected,
                "{json} {name}: {value:?}"
            );
        }
    }
}

#[test]
fn a_uri_is_compared_without_its_query() {
    on(
        ":path",
        r#"{"uri": {"exact": "/a"}}"#,
        &["/a", "/a?b", "/a#b", "/a?"],
        &["/a/", "/A", "/ab", "/", ""],
    );
    on(
        ":path",
        r#"{"uri": {"prefix": "/color"}}"#,
        &["/color", "/colorful", "/color/a?b"],
        &["/colo", "/Color", "/x/color", "/colo?r"],
    );
    on(
        ":path",
        r#"{"uri": {"regex": "/a|/ab"}}"#,
        &["/a", "/ab", "/ab?c"],
        &["/abc", "x/a", "/ab/"],
    );
    on(
        ":path",
        r#"{"uri": {"exact": "/%41"}}"#,
        &["/%41"],
        &["/A", "/%61"],
    );
}

#[test]
fn a_request_without_a_path_matches_no_uri() {
    for uri in ["", "/"] {
        let json = format!(r#"{{"uri": {{"exact": "{uri}"}}}}"#);
        assert!(!matches(&json, &[(":method", "CONNECT")]));
    }
}

#[test]
fn ignore_uri_case_applies_to_exact_and_prefix_but_not_to_regex() {
    on(
        ":path",
        r#"{"uri": {"exact": "/Ab"}, "ignoreUriCase": true}"#,
        &["/ab", "/AB?c"],
        &["/abc", "/a"],
    );
    on(
        ":path",
        r#"{"uri": {"prefix": "/AB"}, "ignoreUriCase": true}"#,
        &["/ab", "/aBc"],
        &["/a", "/ba"],
    );
    on(
        ":path",
        r#"{"uri": {"regex": "/ab"}, "ignoreUriCase": true}"#,
        &["/ab"],
        &["/AB"],
    );
    // Only the case of ASCII letters is ignored, as in Envoy.
    on(
        ":path",
        r#"{"uri": {"exact": "/É"}, "ignoreUriCase": true}"#,
        &["/É"],
        &["/é"],
    );
}

#[test]
fn an_empty_condition_always_holds() {
    for entry in [
        "{}",
        r#"{"uri": {}}"#,
        r#"{"uri": {"prefix": ""}}"#,
        r#"{"method": {}, "scheme": {}, "authority": {}}"#,
        r#"{"name": "n"}"#,
    ] {
        assert_eq!(matcher(entry).unwrap().conditions(), 0, "{entry}");
        assert!(matches(entry, &[]), "{entry}");
    }
}

#[test]
fn scheme_method_and_authority_are_compared_as_sent() {
    for (name, field) in [
        (":scheme", "scheme"),
        (":method", "method"),
        (":authority", "authority"),
    ] {
        let json = |condition: &str| format!(r#"{{"{field}": {condition}}}"#);
        on(
            name,
            &json(r#"{"exact": "Ab:1"}"#),
            &["Ab:1"],
            &["ab:1", "Ab", "Ab:12", ""],
        );
        on(
            name,
            &json(r#"{"prefix": "Ab"}"#),
            &["Ab", "Ab:1"],
            &["ab", "A", ""],
        );
        on(
            name,
            &json(r#"{"regex": "A.*"}"#),
            &["A", "Ab"],
            &["a", "xA", ""],
        );
        assert!(
            !matches(&json(r#"{"regex": ".*"}"#), &[]),
            "an absent {field} satisfies no condition"
        );
    }
}

#[test]
fn all_conditions_of_an_entry_must_hold() {
    let json = r#"{"uri": {"prefix": "/a"}, "method": {"exact": "GET"}, "headers": {"x": {"exact": "1"}},
        "withoutHeaders": {"y": {}}, "queryParams": {"q": {"exact": "2"}}}"#;
    let request = [(":path", "/a?q=2"), (":method", "GET"), ("x", "1")];
    assert!(matches(json, &request));
    for (index, other) in [
        (0, "/b?q=2"),
        (0, "/a?q=3"),
        (0, "/a"),
        (1, "PUT"),
        (2, "2"),
    ] {
        let mut request = request;
        request[index].1 = other;
        assert!(!matches(json, &request), "{request:?}");
    }
    assert!(!matches(json, &[&request[..], &[("y", "")]].concat()));
}

#[test]
fn a_header_condition_holds_if_any_line_satisfies_it() {
    let two = [("x-a", "1"), ("x-a", "2")];
    for (condition, expected) in [
        (r#"{"exact": "1"}"#, true),
        (r#"{"exact": "2"}"#, true),
        (r#"{"exact": "1,2"}"#, false),
        (r#"{"exact": "1, 2"}"#, false),
        (r#"{"prefix": "2"}"#, true),
        (r#"{"regex": "[2-9]"}"#, true),
        (r#"{"regex": "12"}"#, false),
        ("{}", true),
    ] {
        assert_eq!(
            matches(&format!(r#"{{"headers": {{"X-A": {condition}}}}}"#), &two),
            expected,
            "{condition}"
        );
        let without = format!(r#"{{"withoutHeaders": {{"X-A": {condition}}}}}"#);
        assert_eq!(matches(&without, &two), !expected, "without {condition}");
    }
}

#[test]
fn an_absent_header_has_no_value_but_counts_as_empty_in_without_headers() {
    for (condition, with, without) in [
        ("{}", false, true),
        (r#"{"exact": ""}"#, false, false),
        (r#"{"exact": "1"}"#, false, true),
        (r#"{"prefix": "1"}"#, false, true),
        (r#"{"regex": ".*"}"#, false, false),
        (r#"{"regex": ".+"}"#, false, true),
    ] {
        assert_eq!(
            matches(&format!(r#"{{"headers": {{"x-a": {condition}}}}}"#), &[]),
            with,
            "{condition}"
        );
        let negated = format!(r#"{{"withoutHeaders": {{"x-a": {condition}}}}}"#);
        assert_eq!(matches(&negated, &[]), without, "without {condition}");
    }
}

#[test]
fn a_header_with_an_empty_value_is_present() {
    let empty = [("x-a", "")];
    assert!(matches(r#"{"headers": {"x-a": {}}}"#, &empty));
    assert!(matches(r#"{"headers": {"x-a": {"exact": ""}}}"#, &empty));
    assert!(!matches(r#"{"withoutHeaders": {"x-a": {}}}"#, &empty));
}

#[test]
fn host_is_the_authority_and_pseudo_headers_can_be_named() {
    let request = [
        (":path", "/a?b"),
        (":method", "GET"),
        (":authority", "a.test"),
    ];
    assert!(matches(
        r#"{"headers": {"Host": {"exact": "a.test"}}}"#,
        &request
    ));
    assert!(matches(
        r#"{"headers": {":authority": {"exact": "a.test"}, ":method": {}}}"#,
        &request
    ));
    assert!(
        matches(r#"{"headers": {":path": {"exact": "/a?b"}}}"#, &request),
        "the header `:path` includes the query"
    );
    assert!(!matches(r#"{"withoutHeaders": {"host": {}}}"#, &request));
}

#[test]
fn query_parameters_are_compared_by_their_first_value() {
    let json = |condition: &str| format!(r#"{{"queryParams": {{"q": {condition}}}}}"#);
    on(
        ":path",
        &json(r#"{"exact": "1"}"#),
        &["/?q=1", "/?a&q=1", "/?q=1&q=2"],
        &["/?q=2&q=1", "/?Q=1", "/"],
    );
    on(
        ":path",
        &json(r#"{"exact": ""}"#),
        &["/?q", "/?q="],
        &["/?q=1", "/", "/?"],
    );
    on(
        ":path",
        &json("{}"),
        &["/?q", "/?q=", "/?q=1"],
        &["/", "/?p", "/#?p"],
    );
    on(
        ":path",
        &json(r#"{"prefix": "a"}"#),
        &["/?q=a", "/?q=ab"],
        &["/?q=A", "/?q=%61", "/?q=ba"],
    );
    on(
        ":path",
        &json(r#"{"regex": "a|ab"}"#),
        &["/?q=a", "/?q=ab"],
        &["/?q=abc", "/?q="],
    );
}

#[test]
fn values_are_compared_byte_by_byte() {
    let bytes = |json: &str, value: &[u8]| {
        let lines = Lines::new(&[("x-a", value)]);
        matcher(json)
            .unwrap()
            .matches(&Request::new(&lines), Settled::default())
    };
    assert!(bytes(r#"{"headers": {"x-a": {"regex": "."}}}"#, b"\xff"));
    assert!(!bytes(
        r#"{"headers": {"x-a": {"regex": "."}}}"#,
        "é".as_bytes()
    ));
    assert!(bytes(
        r#"{"headers": {"x-a": {"exact": "é"}}}"#,
        "é".as_bytes()
    ));
    assert!(!bytes(r#"{"headers": {"x-a": {"exact": "é"}}}"#, b"\xe9"));
}

#[test]
fn a_bad_condition_is_refused_with_its_path() {
    for (json, line) in [
        (
            r#"{"uri": {"exact": "a", "prefix": "b"}}"#,
            "uri: give exactly one of exact, prefix, regex",
        ),
        (
            r#"{"uri": {"prefix": "", "regex": ""}}"#,
            "uri: give exactly one of exact, prefix, regex",
        ),
        (r#"{"uri": {"regex": ""}}"#, "uri.regex: is empty"),
        (
            r#"{"uri": {"regex": "*"}}"#,
            "uri.regex: `*` repeats nothing: write `.*`",
        ),
        (r#"{"method": {"prefix": ""}}"#, "method.prefix: is empty"),
        (
            r#"{"headers": {"x-a": {"prefix": ""}}}"#,
            "headers.x-a.prefix: is empty",
        ),
        (
            r#"{"headers": {"x a": {}}}"#,
            "headers.x a: is not a valid header name",
        ),
        (
            r#"{"withoutHeaders": {"": {}}}"#,
            "withoutHeaders: a name is empty",
        ),
        (
            r#"{"queryParams": {"": {}}}"#,
            "queryParams: a name is empty",
        ),
        (
            r#"{"queryParams": {"q": {"regex": ""}}}"#,
            "queryParams.q.regex: is empty",
        ),
    ] {
        assert_eq!(matcher(json).unwrap_err(), line, "{json}");
    }
    let unbalanced = matcher(r#"{"authority": {"regex": "(a"}}"#).unwrap_err();
    assert!(unbalanced.starts_with("authority.regex: "), "{unbalanced}");
}

#[test]
fn what_an_index_has_settled_is_not_tried_again() {
    let json =
        r#"{"uri": {"prefix": "/a"}, "headers": {"x-a": {"exact": "1"}, "x-b": {"prefix": "2"}}}"#;
    let matcher = matcher(json).unwrap();
    let name = HeaderName::to_read("x-a").unwrap();
    let matches = |settled, lines: &[(&str, &str)]| {
        let lines = Counted::new(lines);
        (
            matcher.matches(&Request::new(&lines), settled),
            lines.reads.get(),
        )
    };
    let all = [(":path", "/a"), ("x-a", "1"), ("x-b", "2")];
    let settled = matcher.settled(true, |looked_up| *looked_up == name);
    assert_eq!((settled.count(), matcher.conditions()), (2, 3));
    assert_eq!(matches(settled, &all), (true, 1));
    assert_eq!(
        matches(settled, &all[2..]),
        (true, 1),
        "settled conditions read nothing"
    );
    assert_eq!(matches(settled, &all[..2]), (false, 1));
    assert_eq!(matches(Settled::default(), &all), (true, 3));
    // A header's prefix is not a key, even if the index has looked up this header.
    assert_eq!(matcher.settled(false, |_| true).count(), 1);
}

/// The index key of a pattern is only the text that every match begins with.
#[test]
fn a_pattern_that_was_found_by_its_prefix_is_still_tried() {
    let matcher = matcher(r#"{"uri": {"regex": "/a[0-9]"}}"#).unwrap();
    let key = matcher.uri_key().unwrap();
    assert_eq!(
        (&*key.text, key.prefix, key.is_all),
        (&b"/a"[..], true, false)
    );
    let settled = matcher.settled(true, |_| true);
    for (path, matches) in [("/a1", true), ("/ax", false), ("/a", false)] {
        let lines = Lines::new(&[(":path", path)]);
        assert_eq!(
            matcher.matches(&Request::new(&lines), settled),
            matches,
            "{path}"
        );
    }
}

#[test]
fn a_condition_without_a_bit_of_its_own_is_tried_again() {
    let names: Vec<_> = (10..50).map(|number| format!("x-{number}")).collect();
    let headers: Vec<_> = names
        .iter()
        .map(|name| format!(r#""{name}": {{"exact": "1"}}"#))
        .collect();
    let matcher = matcher(&format!(r#"{{"headers": {{{}}}}}"#, headers.join(","))).unwrap();
    let settled = matcher.settled(true, |name| {
        name.as_str() == "x-10" || name.as_str() == "x-49"
    });
    assert_eq!(settled.count(), 1);
    let mut all: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let matches = |all: &[(&str, &str)]| matcher.matches(&Request::new(&Lines::new(all)), settled);
    assert!(matches(&all));
    assert!(matches(&all[1..]), "the first condition is settled");
    all.pop();
    assert!(!matches(&all), "the fortieth condition is not settled");
    assert!(!matcher.matches(
        &Request::new(&Lines::new(&all)),
        matcher.settled(true, |name| name.as_str() == "x-49")
    ));
}
