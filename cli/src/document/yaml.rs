//! Converts a YAML mapping to JSON as Kubernetes does, because that JSON is what Istio gives to the filter.
//!
//! `kubectl` reads YAML 1.1, and other tools read YAML 1.2. A plain scalar that has different values in the two (`on`,
//! `0755`, `1_000`) is refused, since the file would mean different things to different readers.

use granit_parser::ScalarStyle;
use serde_json::{Map, Number, Value};

use crate::document::resolve::is_merge;
use crate::document::tree::{Kind, Node};
use crate::fault::Fault;

/// Converts a node whose aliases and merge keys have been resolved.
pub(crate) fn from_yaml(node: &Node) -> Result<Value, Fault> {
    if node.tagged {
        return Err(Fault::at(
            node.line,
            "a tag (`!…`) is not supported: write the value without it",
        ));
    }
    match &node.kind {
        Kind::Scalar {
            text,
            style: ScalarStyle::Plain,
        } => plain(text).map_err(|reason| Fault::at(node.line, format!("`{text}` {reason}"))),
        Kind::Scalar { text, .. } => Ok(Value::String(text.clone())),
        Kind::Sequence(items) => items
            .iter()
            .map(from_yaml)
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Kind::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                if is_merge(key) {
                    from_yaml(value)?;
                }
                object.insert(key_of(key)?, from_yaml(value)?);
            }
            Ok(Value::Object(object))
        }
        Kind::Unresolved(reason) => Err(Fault::at(node.line, reason.as_ref())),
        Kind::Alias(_) => Err(Fault::at(node.line, "the alias is not resolved")),
    }
}

fn key_of(key: &Node) -> Result<String, Fault> {
    match &key.kind {
        Kind::Scalar {
            text,
            style: ScalarStyle::Plain,
        } if plain(text) != Ok(Value::String(text.clone())) => Err(Fault::at(
            key.line,
            format!("the key `{text}` is not a string: quote it"),
        )),
        Kind::Scalar { text, .. } if !key.tagged => Ok(text.clone()),
        _ => Err(Fault::at(key.line, "a key must be a string")),
    }
}

/// The value of a scalar without quotes.
fn plain(text: &str) -> Result<Value, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Value::Null),
        "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO"
        | "off" | "Off" | "OFF" => Err(
            "is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false",
        ),
        _ => number(text).unwrap_or_else(|| Ok(Value::String(text.to_owned()))),
    }
}

/// `None` if the text is not a number in any version of YAML.
fn number(text: &str) -> Option<Result<Value, &'static str>> {
    const AMBIGUOUS: &str = "means different values in Kubernetes and in YAML 1.2: write it as a decimal number, or quote it";
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(body, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Some(Err("cannot be expressed in JSON"));
    }
    if !body.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return None;
    }
    if body.contains('_') {
        return number(&text.replace('_', "")).map(|_| Err(AMBIGUOUS));
    }
    for (prefix, radix) in [
        ("0x", 16),
        ("0o", 8),
        ("0b", 2),
        ("0X", 16),
        ("0O", 8),
        ("0B", 2),
    ] {
        if let Some(digits) = body.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            let known = body == text && matches!(prefix, "0x" | "0o");
            let value = u64::from_str_radix(digits, radix).ok().filter(|_| known);
            return Some(value.map(Value::from).ok_or(AMBIGUOUS));
        }
    }
    if body.len() > 1 && body.starts_with('0') && body.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(Err(AMBIGUOUS));
    }
    decimal(text, body)
}

/// Rust parses every decimal integer and float of YAML; the check of the characters excludes what only Rust accepts.
fn decimal(text: &str, body: &str) -> Option<Result<Value, &'static str>> {
    if !body
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Ok(Value::from(whole)));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Ok(Value::from(whole)));
    }
    let float: f64 = text.parse().ok()?;
    // Go writes a float without a fraction as an integer: `75.0` and `7.5e1` reach the filter as `75`.
    let written = format!("{float}");
    let whole = if float.abs() < 1e21 {
        written.parse::<i64>().ok()
    } else {
        None
    };
    let value = whole.map(Number::from).or_else(|| Number::from_f64(float));
    Some(value.map(Value::Number).ok_or("is too large for a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::resolve::resolve;
    use crate::document::tree;
    use serde_json::json;

    fn converted(yaml: &str) -> Result<Value, String> {
        let document = resolve(tree::parse(yaml).unwrap().remove(0), yaml, true);
        from_yaml(&document).map_err(|fault| fault.in_file("f"))
    }

    #[test]
    fn values_become_those_of_kubernetes() {
        for (yaml, value) in [
            ("75", json!(75)),
            ("+75", json!(75)),
            ("-5", json!(-5)),
            ("0", json!(0)),
            ("0x10", json!(16)),
            ("0o17", json!(15)),
            ("75.0", json!(75)),
            ("7.5e1", json!(75)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            (
                "18446744073709551615",
                json!(18_446_744_073_709_551_615_u64),
            ),
            ("\"75\"", json!("75")),
            ("'on'", json!("on")),
            ("true", json!(true)),
            ("~", json!(null)),
            ("{a: }", json!({"a": null})),
            ("10s", json!("10s")),
            ("1.2.3", json!("1.2.3")),
            ("2026-12-01T09:00:00Z", json!("2026-12-01T09:00:00Z")),
            ("12:30", json!("12:30")),
            ("0xyz", json!("0xyz")),
            ("1e", json!("1e")),
            ("+", json!("+")),
            (
                "{a: &x [1, b], c: *x}",
                json!({"a": [1, "b"], "c": [1, "b"]}),
            ),
        ] {
            assert_eq!(converted(yaml), Ok(value), "{yaml}");
        }
    }

    #[test]
    fn a_value_that_readers_understand_differently_is_refused() {
        let number = "means different values in Kubernetes and in YAML 1.2: write it as a decimal number, or quote it";
        for text in [
            "0755",
            "-08",
            "1_000",
            "0b11",
            "0X10",
            "-0x10",
            "+0o7",
            "0xffffffffffffffffff",
        ] {
            assert_eq!(
                converted(text),
                Err(format!("f:1: `{text}` {number}")),
                "{text}"
            );
        }
        for (yaml, line) in [
            (
                "a:\n  b: on",
                "f:2: `on` is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false",
            ),
            ("y: 1", "f:1: the key `y` is not a string: quote it"),
            ("1: 1", "f:1: the key `1` is not a string: quote it"),
            ("[a]: 1", "f:1: a key must be a string"),
            (
                "!!str 75",
                "f:1: a tag (`!…`) is not supported: write the value without it",
            ),
            (".inf", "f:1: `.inf` cannot be expressed in JSON"),
            ("1e999", "f:1: `1e999` is too large for a number"),
            (
                "&a [*a]",
                "f:1: is nested too deeply, or its aliases expand to too much",
            ),
        ] {
            assert_eq!(converted(yaml), Err(line.to_owned()), "{yaml}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let alias = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", alias.trim_end_matches(", "));
        }
        assert!(
            converted(&bomb)
                .unwrap_err()
                .ends_with("is nested too deeply, or its aliases expand to too much")
        );
    }
}
