use super::*;

fn refused(text: &str) -> String {
    match Config::read(text.as_bytes()) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(fault) => fault.to_string(),
    }
}

/// A configuration whose only rule has these members.
fn rule(members: &str) -> String {
    format!(r#"{{"http": [{{{members}}}]}}"#)
}

#[test]
fn every_fault_has_its_path_and_reason() {
    let route = r#""route": [{"cluster": "a"}]"#;
    let cases = [
        (
            rule(r#""route": [{"cluster": "a"}, {"cluster": "b", "weight": -5}]"#),
            "http[0].route[1].weight: -5 is negative",
        ),
        (
            rule(r#""route": [{"cluster": "a", "weight": 2147483648}]"#),
            "http[0].route[0].weight: 2147483648 is above 2147483647",
        ),
        (
            rule(r#""route": [{"cluster": "a", "weight": 1.5}]"#),
            "http[0].route[0].weight: invalid type: floating point `1.5`, expected a whole number",
        ),
        (
            rule(r#""route": [{"cluster": "a", "weight": "75"}]"#),
            "http[0].route[0].weight: invalid type: string \"75\", expected a whole number",
        ),
        (
            rule(r#""route": [{"destination": {"host": "a.b", "port": {"number": 70000}}}]"#),
            "http[0].route[0].destination.port.number: 70000 is not a port (1 to 65535)",
        ),
        (
            rule(r#""route": [{"destination": {"host": "a.b", "port": {"number": 0}}}]"#),
            "http[0].route[0].destination.port.number: 0 is not a port (1 to 65535)",
        ),
        (
            rule(&format!(r#"{route}, "match": [{{"uri": null}}]"#)),
            "http[0].match[0].uri: invalid type: null, expected an object",
        ),
        (
            rule(&format!(
                r#"{route}, "match": [{{"headers": {{"a": {{"exact": "x"}}, "a": {{}}}}}}]"#
            )),
            "http[0].match[0].headers: `a` is given twice",
        ),
        (
            rule(&format!(
                r#"{route}, "match": [{{"headers": {{"x-a": {{"suffix": "x"}}}}}}]"#
            )),
            "http[0].match[0].headers.x-a.suffix: unknown field `suffix`, expected one of `exact`, `prefix`, `regex`",
        ),
        (
            rule(&format!(r#"{route}, "timeout": "5s""#)),
            "http[0].timeout: stays in the VirtualService: a filter cannot carry it out",
        ),
        (
            rule(&format!(r#"{route}, "match": [{{"gateways": []}}]"#)),
            "http[0].match[0].gateways: stays in the VirtualService: a filter cannot carry it out",
        ),
        (r#"{"http": [], "http": []}"#.into(), "http: is given twice"),
        (
            r#"{"http": {}}"#.into(),
            "http: invalid type: map, expected a sequence",
        ),
        (
            r#"{"filterState": "yes", "http": []}"#.into(),
            "filterState: invalid type: string \"yes\", expected a boolean",
        ),
        ("[]".into(), "invalid type: sequence, expected an object"),
        (
            r#"{"http": [[]]}"#.into(),
            "http[0]: invalid type: sequence, expected an object",
        ),
        (" \n".into(), "the configuration is empty"),
    ];
    for (text, expected) in cases {
        let line = refused(&text);
        assert!(
            line.starts_with(expected),
            "{text}\n  gave     {line}\n  expected {expected}"
        );
    }
}

#[test]
fn null_is_an_absent_field_where_a_virtual_service_allows_it() {
    let null = r#"{"http": [{"name": null, "match": [{"name": null, "headers": null, "withoutHeaders": null,
        "queryParams": null, "ignoreUriCase": null}],
        "route": [{"destination": {"host": "a.b", "subset": null, "port": null}, "weight": null}]}, {"match": null}]}"#;
    let absent = r#"{"http": [{"match": [{}], "route": [{"destination": {"host": "a.b"}}]}, {}]}"#;
    let read = |text: &str| format!("{:?}", Config::read(text.as_bytes()).unwrap());
    assert_eq!(read(null), read(absent));
    let condition = |entry: &str| rule(&format!(r#""match": [{entry}]"#));
    for (text, path) in [
        (r#"{"http": null}"#.to_owned(), "http"),
        (rule(r#""route": null"#), "http[0].route"),
        (rule(r#""consistentHash": null"#), "http[0].consistentHash"),
        (condition("null"), "http[0].match[0]"),
        (condition(r#"{"uri": null}"#), "http[0].match[0].uri"),
        (condition(r#"{"method": null}"#), "http[0].match[0].method"),
        (
            condition(r#"{"headers": {"x-a": null}}"#),
            "http[0].match[0].headers.x-a",
        ),
        (
            condition(r#"{"uri": {"exact": null}}"#),
            "http[0].match[0].uri.exact",
        ),
    ] {
        let line = refused(&text);
        let expected = format!("{path}: invalid type: null, expected ");
        assert!(line.starts_with(&expected), "{line}");
    }
}

#[test]
fn text_that_is_not_json_is_refused_with_its_position() {
    for (text, place) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        (
            "{\"http\": []\n\"a\"",
            "expected `,` or `}` at line 2 column 1",
        ),
        (
            "{\"http\": []} x",
            "trailing characters at line 1 column 14",
        ),
        ("http: []", "expected value at line 1 column 1"),
    ] {
        let line = refused(text);
        assert!(
            line.starts_with("the configuration is not JSON: ") && line.contains(place),
            "{line}"
        );
    }
    assert!(Config::read(b"\x0a\x10\x0a\x04http").is_err());
    assert!(Config::read(b"{\"http\": [{\"name\": \"\xff\"}]}").is_err());
}

#[test]
fn every_field_that_stays_in_the_virtual_service_says_so() {
    for field in [
        "timeout",
        "retries",
        "fault",
        "mirror",
        "mirrors",
        "mirrorPercentage",
        "corsPolicy",
        "headers",
        "rewrite",
        "redirect",
        "directResponse",
        "delegate",
    ] {
        let line = refused(&rule(&format!(r#""{field}": {{}}, "route": []"#)));
        assert!(
            line.starts_with(&format!("http[0].{field}: stays in the VirtualService")),
            "{line}"
        );
    }
    for field in [
        "gateways",
        "port",
        "sourceLabels",
        "sourceNamespace",
        "statPrefix",
    ] {
        let line = refused(&rule(&format!(
            r#""match": [{{"{field}": 1}}], "route": []"#
        )));
        assert!(
            line.starts_with(&format!(
                "http[0].match[0].{field}: stays in the VirtualService"
            )),
            "{line}"
        );
    }
    assert!(
        refused(&rule(r#""route": [{"cluster": "a", "headers": {}}]"#))
            .starts_with("http[0].route[0].headers: stays")
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    refused(&"[".repeat(100_000));
    refused(&format!("{{\"http\":{}", "[".repeat(100_000)));
}

#[test]
fn a_configuration_larger_than_memory_can_hold_is_not_read() {
    let rule = r#"{"http": [{"route": [{"cluster": "a"}]}]}"#;
    let of = |length: usize| Config::read((" ".repeat(length - rule.len()) + rule).as_bytes());
    assert!(of(LARGEST).is_ok());
    assert_eq!(
        of(LARGEST + 1).map(drop).unwrap_err().to_string(),
        "is larger than 16 MiB"
    );
}

#[test]
fn a_percentage_has_one_decimal_at_most() {
    let percent = |number: &str| {
        let text = rule(&format!(r#""rollback": {{"errorPercent": {number}}}"#));
        let config = Config::read(text.as_bytes()).map_err(|fault| fault.to_string())?;
        let rule = config.http.unwrap()[0].take().unwrap();
        Ok::<_, String>(rule.rollback.unwrap().error_percent.unwrap().0)
    };
    for (number, tenths) in [
        ("5", 50),
        ("5.0", 50),
        ("0.1", 1),
        ("7.3", 73),
        ("99.9", 999),
        ("100", 1000),
        ("1e1", 100),
    ] {
        assert_eq!(percent(number), Ok(tenths), "{number}");
    }
    for number in [
        "0",
        "0.0",
        "0.05",
        "-1",
        "-0.1",
        "100.1",
        "101",
        "7.31",
        "1e300",
        "18446744073709551615",
    ] {
        let line = percent(number).unwrap_err();
        assert_eq!(
            line,
            "http[0].rollback.errorPercent: is not a number above 0 and at most 100 with one decimal at most",
            "{number}"
        );
    }
    assert!(percent("\"5\"").unwrap_err().contains("expected a number"));
}
