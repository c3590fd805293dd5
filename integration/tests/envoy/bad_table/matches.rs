//! Mistakes in a match.

/// Members of the only `match` entry of the only rule.
pub(super) const MATCHES: &[(&str, &str, &str)] = &[
    (r#""uri": null"#, "http[0].match[0].uri: ", "null"),
    (r#""uri": "/color""#, "http[0].match[0].uri: ", "object"),
    (
        r#""uri": {"prefix": "/a", "exact": "/b"}"#,
        "http[0].match[0].uri: ",
        "exactly one of exact, prefix, regex",
    ),
    (
        r#""uri": {"suffix": "/a"}"#,
        "http[0].match[0].uri.suffix: ",
        "unknown field",
    ),
    (
        r#""uri": {"regex": ""}"#,
        "http[0].match[0].uri.regex: ",
        "empty",
    ),
    (
        r#""uri": {"regex": "*"}"#,
        "http[0].match[0].uri.regex: ",
        "repeats nothing",
    ),
    (
        r#""uri": {"regex": "/(a"}"#,
        "http[0].match[0].uri.regex: ",
        "",
    ),
    (
        r#""uri": {"regex": "(?=a)"}"#,
        "http[0].match[0].uri.regex: ",
        "",
    ),
    (
        r#""uri": {"regex": "(a)\\1"}"#,
        "http[0].match[0].uri.regex: ",
        "",
    ),
    (
        r#""uri": {"regex": "[z-a]"}"#,
        "http[0].match[0].uri.regex: ",
        "",
    ),
    (
        r#""uri": {"regex": "(a{1000}){1000}"}"#,
        "http[0].match[0].uri.regex: ",
        "",
    ),
    (
        r#""headers": {"x-a": {"prefix": ""}}"#,
        "http[0].match[0].headers.x-a.prefix: ",
        "empty",
    ),
    (
        r#""headers": {"a b": {}}"#,
        "http[0].match[0].headers.a b: ",
        "not a valid header name",
    ),
    (
        r#""headers": {"x-a": null}"#,
        "http[0].match[0].headers.x-a: ",
        "null",
    ),
    (
        r#""withoutHeaders": {"": {}}"#,
        "http[0].match[0].withoutHeaders",
        "a name is empty",
    ),
    (
        r#""queryParams": {"q": {"prefix": "a", "regex": "b"}}"#,
        "http[0].match[0].queryParams.q: ",
        "exactly one",
    ),
    (r#""method": "GET""#, "http[0].match[0].method: ", "object"),
    (
        r#""ignoreUriCase": 1"#,
        "http[0].match[0].ignoreUriCase: ",
        "boolean",
    ),
    (
        r#""gateways": ["mesh"]"#,
        "http[0].match[0].gateways: ",
        "VirtualService",
    ),
    (r#""port": 80"#, "http[0].match[0].port: ", "VirtualService"),
];
