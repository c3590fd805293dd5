//! Mistakes in `consistentHash` and what belongs to it.

/// Members of a rule `a` with one destination.
pub(super) const KEYS: &[(&str, &str, &str)] = &[
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
