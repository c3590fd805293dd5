//! Configurations with one mistake each.

mod destinations;
mod keys;
mod matches;

use destinations::DESTINATIONS;
use keys::KEYS;
use matches::MATCHES;
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
