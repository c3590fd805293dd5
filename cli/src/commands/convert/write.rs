//! Writes a value as YAML that reads back as the same value, in the order and layout of this project's files.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::document::yaml;

/// The order of well-known fields; others follow in alphabetical order.
const ORDER: [&str; 34] = [
    "apiVersion",
    "kind",
    "clusterHeader",
    "name",
    "metadata",
    "spec",
    "namespace",
    "labels",
    "annotations",
    "hosts",
    "gateways",
    "exportTo",
    "match",
    "destination",
    "uri",
    "ignoreUriCase",
    "scheme",
    "method",
    "authority",
    "headers",
    "withoutHeaders",
    "queryParams",
    "redirect",
    "directResponse",
    "delegate",
    "rewrite",
    "consistentHash",
    "route",
    "host",
    "subset",
    "cluster",
    "port",
    "weight",
    "http",
];

/// A collection that is at most this wide is written on one line.
const WIDEST: usize = 112;

/// The items of these lists are written field by field, however short they are.
const LISTS: [&str; 3] = ["http", "match", "route"];

/// A document, or a part of one that begins at this depth of indentation (two spaces each).
pub(super) fn block(value: &Value, depth: usize) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(fields, depth, &mut text),
        other => text = format!("{}{}\n", "  ".repeat(depth), flow(other)),
    }
    text
}

fn mapping(fields: &Map<String, Value>, depth: usize, text: &mut String) {
    for (key, value) in sorted(fields) {
        let _ = write!(text, "{}{}:", "  ".repeat(depth), scalar(key));
        let line = flow(value);
        let wide = line.len() + 2 * depth + key.len() > WIDEST;
        let is_list = LISTS.contains(&key.as_str());
        let opens = is_list || (depth == 0 && key == "spec");
        match value {
            Value::Object(inner) if !inner.is_empty() && (wide || opens) => {
                text.push('\n');
                mapping(inner, depth + 1, text);
            }
            Value::Array(items) if !items.is_empty() && (wide || opens) => {
                text.push('\n');
                sequence(items, depth, is_list, text);
            }
            _ => {
                let _ = writeln!(text, " {line}");
            }
        }
    }
}

fn sequence(items: &[Value], depth: usize, opens: bool, text: &mut String) {
    for item in items {
        let line = flow(item);
        let indent = "  ".repeat(depth);
        match item {
            Value::Object(fields)
                if !fields.is_empty() && (opens || line.len() + 2 * depth > WIDEST) =>
            {
                let mut inner = String::new();
                mapping(fields, depth + 1, &mut inner);
                // The dash takes the place of the indentation of the first line.
                let _ = write!(text, "{indent}- {}", inner.trim_start_matches(' '));
            }
            _ => {
                let _ = writeln!(text, "{indent}- {line}");
            }
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = sorted(fields)
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

fn sorted(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let place = |key: &str| ORDER.iter().position(|known| *known == key);
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(key, _)| place(key).unwrap_or(ORDER.len()));
    fields.into_iter()
}

/// A text, in quotes unless every reader of YAML takes it for a text without them.
fn scalar(text: &str) -> String {
    let continues = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(continues);
    // Such as 30s.
    let is_duration =
        text.ends_with(['s', 'm', 'h']) && text.chars().all(|c| c.is_ascii_alphanumeric());
    if (is_word || is_duration) && yaml::plain(text) == Ok(Value::from(text)) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Between double quotes, where YAML has the escapes of JSON, but allows fewer characters without them.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::document::Document;

    fn read_back(text: &str) -> Value {
        let document = Document::parse(text.as_bytes(), false).unwrap();
        let conversion = yaml::from_yaml(document.objects().first().unwrap());
        assert!(
            conversion.faults.is_empty(),
            "{text}\n{:?}",
            conversion.faults
        );
        conversion.value
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "(?s).{0,12}".prop_map(Value::from),
            "(y|No|on|~|1e3|0x1f|-|\\[|: |# |http|a b|\\*)".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let key = "(http|match|route|spec|name|[a-z:]{1,6}|.{1,4})";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_value(value in any_value()) {
            let value = json!({"kind": "v", "v": value});
            prop_assert_eq!(read_back(&block(&value, 0)), value);
        }
    }

    #[test]
    fn routes_are_written_as_people_write_them() {
        let value = json!({"http": [{"route": [{"weight": 1, "destination": {"subset": "a", "host": "b"}}],
            "name": "x", "match": [{"uri": {"prefix": "/a"}}]}]});
        let text = "\
http:
- name: x
  match:
  - uri: {prefix: /a}
  route:
  - destination: {host: b, subset: a}
    weight: 1
";
        assert_eq!(block(&value, 0), text);
    }
}
