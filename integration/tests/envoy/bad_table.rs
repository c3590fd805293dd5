//! Configurations with one mistake each.

use serde_json::json;

/// A configuration that the filter must refuse.
pub(crate) struct Bad {
    pub(crate) text: String,
    /// The beginning of the message in the log: the path to the mistake and a colon.
    pub(crate) place: &'static str,
    /// A part of the reason.
    pub(crate) reason: &'static str,
}

const SERVICE: &str = r#""host": "color-service.default.svc.cluster.local""#;

/// Members of the only rule.
const RULES: &[(&str, &str, &str)] = &[
    (r#""name": "color""#, "http[0].route: ", "is required"),
    (r#""route": []"#, "http[0].route: ", "at least one"),
    (
        r#""route": {"cluster": "a"}"#,
        "http[0].route: ",
        "sequence",
    ),
    (r#""route": null"#, "http[0].route: ", "null"),
    (
        r#""route": [{"cluster": "a"}], "name": """#,
        "http[0].name: ",
        "not a valid name",
    ),
    (
        r#""route": [{"cluster": "a"}], "name": "a b""#,
        "http[0].name: ",
        "not a valid name",
    ),
    (
        r#""route": [{"cluster": "a"}], "name": "a;b""#,
        "http[0].name: ",
        "not a valid name",
    ),
    (
        r#""route": [{"cluster": "a"}], "name": 5"#,
        "http[0].name: ",
        "string",
    ),
    (
        r#""route": [{"cluster": "a"}], "matches": []"#,
        "http[0].matches: ",
        "unknown field",
    ),
    (
        r#""route": [{"cluster": "a"}], "timeout": "5s""#,
        "http[0].timeout: ",
        "VirtualService",
    ),
    (
        r#""route": [{"cluster": "a"}], "retries": {"attempts": 2}"#,
        "http[0].retries: ",
        "VirtualService",
    ),
    (
        r#""route": [{"cluster": "a"}], "rewrite": {"uri": "/"}"#,
        "http[0].rewrite: ",
        "VirtualService",
    ),
    (
        r#""route": [{"cluster": "a"}], "match": {"uri": {"prefix": "/"}}"#,
        "http[0].match: ",
        "sequence",
    ),
];

/// Members of a rule `a` with one destination.
const KEYS: &[(&str, &str, &str)] = &[
    (
        r#""consistentHash": []"#,
        "http[0].consistentHash: ",
        "at least one key",
    ),
    (
        r#""consistentHash": {"useSourceIp": true}"#,
        "http[0].consistentHash: ",
        "sequence",
    ),
    (
        r#""consistentHash": [{"useSourceIp": false}]"#,
        "http[0].consistentHash[0]: ",
        "exactly one",
    ),
    (
        r#""consistentHash": [{"httpHeaderName": "a b"}]"#,
        "http[0].consistentHash[0].httpHeaderName: ",
        "header",
    ),
    (
        r#""consistentHash": [{"maglev": {}}]"#,
        "http[0].consistentHash[0].maglev: ",
        "unknown field",
    ),
    (
        r#""consistentHash": [{"useSourceIp": true}, {"httpHeaderName": "a"}]"#,
        "http[0].consistentHash[1]: ",
        "never reached",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": ""}}]"#,
        COOKIE_NAME,
        "not a valid cookie name",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a=b"}}]"#,
        COOKIE_NAME,
        "not a valid cookie name",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a;b"}}]"#,
        COOKIE_NAME,
        "not a valid cookie name",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a\r\nx-evil: 1"}}]"#,
        COOKIE_NAME,
        "not a valid cookie name",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "1h", "path": "b"}}]"#,
        COOKIE_PATH,
        "cookie path",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "1h", "path": "/; Domain=b"}}]"#,
        COOKIE_PATH,
        "not a valid cookie path",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "1h", "path": "/\r\nx-evil: 1"}}]"#,
        COOKIE_PATH,
        "not a valid cookie path",
    ),
    (
        r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "30 days"}}]"#,
        "http[0].consistentHash[0].httpCookie.ttl: ",
        "not a valid duration",
    ),
    (r#""salt": "s""#, "http[0].salt: ", "no effect"),
];
const COOKIE_NAME: &str = "http[0].consistentHash[0].httpCookie.name: ";
const COOKIE_PATH: &str = "http[0].consistentHash[0].httpCookie.path: ";

/// Members of the second destination of the only rule, whose first is `{"cluster": "a", "weight": 75}`.
const DESTINATIONS: &[(&str, &str, &str)] = &[
    (
        r#""cluster": "b", "weight": -5"#,
        "http[0].route[1].weight: ",
        "-5 is negative",
    ),
    (
        r#""cluster": "b", "weight": 25.5"#,
        "http[0].route[1].weight: ",
        "25.5",
    ),
    (
        r#""cluster": "b", "weight": "25""#,
        "http[0].route[1].weight: ",
        "whole number",
    ),
    (
        r#""cluster": "b", "weight": "25%""#,
        "http[0].route[1].weight: ",
        "whole number",
    ),
    (
        r#""cluster": "b", "weight": {}"#,
        "http[0].route[1].weight: ",
        "whole number",
    ),
    (
        r#""cluster": "b", "weight": 2147483648"#,
        "http[0].route[1].weight: ",
        "2147483648",
    ),
    (
        r#""cluster": "b", "weight": 99999999999999999999"#,
        "http[0].route[1].weight: ",
        "whole number",
    ),
    (
        r#""cluster": "b", "weight": 1, "weight": 2"#,
        "http[0].route[1]",
        "weight",
    ),
    (
        r#""cluster": "b", "wieght": 25"#,
        "http[0].route[1].wieght: ",
        "unknown field",
    ),
    (
        r#""cluster": "a", "weight": 25"#,
        "http[0].route[1]",
        "earlier",
    ),
    (
        r#""weight": 25"#,
        "http[0].route[1]: ",
        "exactly one of destination, cluster",
    ),
    (
        r#""cluster": """#,
        "http[0].route[1].cluster: ",
        "not a valid cluster name",
    ),
    (
        r#""cluster": "b\r\nx-evil: 1""#,
        "http[0].route[1].cluster: ",
        "not a valid cluster name",
    ),
    (
        r#""destination": "color""#,
        "http[0].route[1].destination: ",
        "object",
    ),
    (
        r#""destination": {"port": {"number": 80}}"#,
        "http[0].route[1].destination.host: ",
        "is required",
    ),
    (
        r#""destination": {"host": "", "port": {"number": 80}}"#,
        "http[0].route[1].destination.host: ",
        "host",
    ),
    (
        r#""destination": {"host": "a|b.c", "port": {"number": 80}}"#,
        "http[0].route[1].destination.host: ",
        "host",
    ),
    (
        r#""destination": {"host": "short", "port": {"number": 80}}"#,
        "http[0].route[1].destination.host: ",
        "short",
    ),
    (
        r#""destination": {SERVICE}"#,
        "http[0].route[1].destination.port: ",
        "required",
    ),
    (
        r#""destination": {SERVICE, "port": 8000}"#,
        "http[0].route[1].destination.port: ",
        "object",
    ),
    (
        r#""destination": {SERVICE, "port": {"number": 0}}"#,
        "http[0].route[1].destination.port.number: ",
        "0",
    ),
    (
        r#""destination": {SERVICE, "port": {"number": 70000}}"#,
        "http[0].route[1].destination.port.number: ",
        "70000",
    ),
    (
        r#""destination": {SERVICE, "port": {"name": "http"}}"#,
        "http[0].route[1].destination.port.name: ",
        "unknown",
    ),
    (
        r#""destination": {SERVICE, "port": {"number": 80}, "subset": "a b"}"#,
        "http[0].route[1].destination.subset: ",
        "subset",
    ),
    (
        r#""cluster": "b", "headers": {}"#,
        "http[0].route[1].headers: ",
        "VirtualService",
    ),
];

/// Members of the only `match` entry of the only rule.
const MATCHES: &[(&str, &str, &str)] = &[
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

/// Members beside one valid rule.
const TOPS: &[(&str, &str, &str)] = &[
    (r#""clusterHeader": "host""#, "clusterHeader: ", "reserved"),
    (
        r#""clusterHeader": ":path""#,
        "clusterHeader: ",
        "pseudo-header",
    ),
    (
        r#""clusterHeader": """#,
        "clusterHeader: ",
        "not a valid header name",
    ),
    (
        r#""clusterHeader": "x-envoy-retry-on""#,
        "clusterHeader: ",
        "reserved",
    ),
    (r#""clusterHeader": null"#, "clusterHeader: ", "null"),
    (r#""subsetHeader": "cookie""#, "subsetHeader: ", "reserved"),
    (
        r#""clusterHeader": "x-a", "subsetHeader": "X-A""#,
        "subsetHeader: ",
        "another header",
    ),
    (
        r#""responseHeader": "set-cookie""#,
        "responseHeader: ",
        "reserved",
    ),
    (r#""filterState": "yes""#, "filterState: ", "boolean"),
    (r#""namespace": "a/b""#, "namespace: ", "DNS"),
    (r#""domain": """#, "domain: ", "DNS"),
    (
        r#""clusterheader": "x-a""#,
        "clusterheader: ",
        "unknown field",
    ),
];

/// Texts that are not a configuration at all.
const TEXTS: &[(&str, &str, &str)] = &[
    (" \n", "the configuration is empty", ""),
    ("{", "the configuration is not JSON: ", "line 1"),
    (
        "{\"http\": [],}",
        "the configuration is not JSON: ",
        "line 1",
    ),
    (
        "{\"http\": []} {}",
        "the configuration is not JSON: ",
        "trailing",
    ),
    (
        "http:\n- route:\n  - cluster: a\n",
        "the configuration is not JSON: ",
        "line 1",
    ),
    ("{'http': []}", "the configuration is not JSON: ", "line 1"),
    ("null", "", "null"),
    ("[]", "", "object"),
    ("\"http\"", "", "object"),
    ("{}", "", "http"),
    (r#"{"http": []}"#, "http: ", "at least one rule"),
    (r#"{"http": {}}"#, "http: ", "sequence"),
    (r#"{"http": [null]}"#, "http[0]: ", "object"),
    (r#"{"http": [], "http": []}"#, "http: ", "is given twice"),
    (
        r#"{"http": [{"name": "a", "route": [{"cluster": "a"}]}, {"name": "a", "route": [{"cluster": "b"}]}]}"#,
        "http[1].name: ",
        "earlier rule",
    ),
    (
        r#"{"http": [{"route": [{"cluster": "a", "weight": 0}, {"cluster": "b"}]}]}"#,
        "http[0].route: ",
        "sum to 0",
    ),
];

/// All configurations with a mistake.
pub(crate) fn table() -> Vec<Bad> {
    let rows = |rows: &'static [(&str, &'static str, &'static str)], text: fn(&str) -> String| {
        rows.iter().map(move |(members, place, reason)| Bad {
            text: text(members),
            place,
            reason,
        })
    };
    let mut table: Vec<_> = rows(TEXTS, str::to_owned)
        .chain(rows(TOPS, |members| {
            format!(r#"{{"http": [{{"route": [{{"cluster": "a"}}]}}], {members}}}"#)
        }))
        .chain(rows(RULES, |members| {
            format!(r#"{{"http": [{{{members}}}]}}"#)
        }))
        .chain(rows(KEYS, |members| {
            format!(r#"{{"http": [{{"name": "a", "route": [{{"cluster": "a"}}], {members}}}]}}"#)
        }))
        .chain(rows(DESTINATIONS, |members| {
            let members = members.replace("SERVICE", SERVICE);
            format!(
                r#"{{"http": [{{"route": [{{"cluster": "a", "weight": 75}}, {{{members}}}]}}]}}"#
            )
        }))
        .chain(rows(MATCHES, |members| {
            format!(r#"{{"http": [{{"route": [{{"cluster": "a"}}], "match": [{{{members}}}]}}]}}"#)
        }))
        .collect();
    table.push(Bad {
        text: "[".repeat(50_000),
        place: "",
        reason: "recursion limit",
    });
    // A text that does not fit into the memory of a wasm module: reading it would crash the module.
    table.push(Bad {
        text: " ".repeat((16 << 20) + 1),
        place: "",
        reason: "larger than 16 MiB",
    });
    table.push(Bad {
        text: json!({"http": [{"match": [{"uri": {"regex": ".".repeat(8 << 20)}}], "route": [{"cluster": "a"}]}]})
            .to_string(),
        place: "http[0].match[0].uri.regex: ",
        reason: "longer than 32768 bytes",
    });
    table.push(Bad {
        text: json!({"http": "x".repeat(1 << 20)}).to_string(),
        place: "http: ",
        reason: "string",
    });
    table
}
