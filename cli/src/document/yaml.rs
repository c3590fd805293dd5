//! Converts a YAML mapping to JSON as Kubernetes does, because that JSON is what Istio gives to the filter.
//!
//! `kubectl` reads YAML 1.1, and other tools read YAML 1.2. A plain scalar that has different values in the two (`on`,
//! `0755`, `1_000`) is refused, since the file would mean different things to different readers.

use canary_filter::Step;
use granit_parser::ScalarStyle;
use serde_json::{Map, Number, Value};

use crate::document::resolve::is_merge;
use crate::document::tree::{Kind, Node};
use crate::fault::{Fault, path_of};

/// The most steps of a path in a message. No field of a configuration has more; an alias that contains itself has.
const LONGEST_PATH: usize = 16;

/// The JSON of a YAML node, and what stands in the way of it.
#[derive(Debug)]
pub(crate) struct Conversion {
    /// If there are faults, this has other values in their places, which serve to find the faults beside them.
    pub(crate) value: Value,
    pub(crate) faults: Vec<Fault>,
    /// Whether a fault leaves out more than a single value, so that what is left may seem incomplete.
    pub(crate) is_partial: bool,
}

/// Converts a node whose aliases and merge keys have been resolved.
pub(crate) fn from_yaml(node: &Node) -> Conversion {
    let mut converter = Converter::default();
    let value = converter.value(node);
    Conversion {
        value,
        faults: converter.faults,
        is_partial: converter.is_partial,
    }
}

#[derive(Default)]
struct Converter<'n> {
    faults: Vec<Fault>,
    is_partial: bool,
    /// From the whole to the node that is being converted.
    trail: Vec<Crumb<'n>>,
}

/// One step into a tree, without a copy of the name.
enum Crumb<'n> {
    Field(&'n str),
    Item(usize),
}

impl<'n> Converter<'n> {
    fn inside(&mut self, crumb: Crumb<'n>, node: &'n Node) -> Value {
        self.trail.push(crumb);
        let value = self.value(node);
        self.trail.pop();
        value
    }

    fn value(&mut self, node: &'n Node) -> Value {
        if node.tagged {
            self.report(
                node,
                "a tag (`!…`) is not supported: write the value without it",
            );
        }
        match &node.kind {
            Kind::Scalar {
                text,
                style: ScalarStyle::Plain,
            } if !node.tagged => plain(text).unwrap_or_else(|reason| {
                self.report(node, &format!("`{text}` {reason}"));
                Value::String(text.clone())
            }),
            Kind::Scalar { text, .. } => Value::String(text.clone()),
            Kind::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.inside(Crumb::Item(index), item))
                .collect(),
            Kind::Mapping(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    let value = self.inside(Crumb::Field(key.text().unwrap_or("?")), value);
                    if !is_merge(key)
                        && let Some(key) = self.key(key)
                    {
                        object.insert(key, value);
                    }
                }
                Value::Object(object)
            }
            Kind::Unresolved(reason) => {
                self.is_partial = true;
                self.report(node, reason);
                Value::Null
            }
            // None is left after they have been resolved.
            Kind::Alias(_) => Value::Null,
        }
    }

    fn key(&mut self, key: &Node) -> Option<String> {
        match &key.kind {
            Kind::Scalar { text, style } if !key.tagged => {
                if *style == ScalarStyle::Plain && plain(text) != Ok(Value::String(text.clone())) {
                    self.report(key, &format!("the key `{text}` is not a string: quote it"));
                }
                Some(text.clone())
            }
            _ => {
                self.is_partial = true;
                self.report(key, "a key must be a string");
                None
            }
        }
    }

    fn report(&mut self, node: &Node, reason: &str) {
        let step = |crumb: &Crumb<'_>| match crumb {
            Crumb::Field(name) => Step::Field((*name).to_owned().into()),
            Crumb::Item(index) => Step::Item(*index),
        };
        let steps: Vec<_> = self.trail.iter().map(step).collect();
        let fault = Fault::at(node.place, reason);
        self.faults.push(match steps.len() {
            1..=LONGEST_PATH => fault.on(path_of(&steps)),
            _ => fault,
        });
    }
}

/// The value of a scalar without quotes.
///
/// # Errors
/// Why readers of YAML do not agree on it.
pub(crate) fn plain(text: &str) -> Result<Value, &'static str> {
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
        let conversion = from_yaml(&document);
        match conversion.faults.first() {
            None => Ok(conversion.value),
            Some(fault) => Err(fault.in_file("f")),
        }
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
                Err(format!("f:1:1: `{text}` {number}")),
                "{text}"
            );
        }
        for (yaml, line) in [
            (
                "a:\n  b: on",
                "f:2:6: a.b: `on` is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false",
            ),
            ("y: 1", "f:1:1: the key `y` is not a string: quote it"),
            ("1: 1", "f:1:1: the key `1` is not a string: quote it"),
            ("[a]: 1", "f:1:1: a key must be a string"),
            (
                "!!str 75",
                "f:1:7: a tag (`!…`) is not supported: write the value without it",
            ),
            (".inf", "f:1:1: `.inf` cannot be expressed in JSON"),
            ("1e999", "f:1:1: `1e999` is too large for a number"),
            (
                "&a [*a]",
                "f:1:5: is nested too deeply, or its aliases expand to too much",
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
