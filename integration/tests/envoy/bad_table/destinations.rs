//! Mistakes in a destination.

/// Members of the second destination of the only rule, whose first is `{"cluster": "a", "weight": 75}`.
pub(super) const DESTINATIONS: &[(&str, &str, &str)] = &[
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
