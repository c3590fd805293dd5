//! What does not fit together, as values.

use std::fmt;

use serde_json::Value;

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object that has to be changed, as `Kind/name`.
    pub object: String,
    /// What is wrong with it.
    pub message: String,
}

impl Finding {
    /// A finding about a document.
    pub fn new(document: &Value, message: impl Into<String>) -> Self {
        Self {
            object: name(document),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.message)
    }
}

/// Collects findings.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding about the document unless `holds`.
    pub fn require(&mut self, holds: bool, document: &Value, message: impl Into<String>) {
        if !holds {
            self.0.push(Finding::new(document, message));
        }
    }

    /// Adds a finding about the document unless its value is there and is the expected one.
    pub fn same(&mut self, document: &Value, what: &str, value: &Value, expected: &Value) {
        if value.is_null() {
            self.require(false, document, format!("{what} is missing"));
        } else {
            self.require(
                value == expected,
                document,
                format!("{what} is {value}, but must be {expected}"),
            );
        }
    }

    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// All findings, in the order in which they were made.
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

/// The name of a document in messages, as `Kind/name`.
pub fn name(document: &Value) -> String {
    let (kind, name) = (
        text(at(document, "/kind")),
        text(at(document, "/metadata/name")),
    );
    match (kind, name) {
        ("", "") => "the documents".to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, name) => format!("{kind}/{name}"),
    }
}

/// The elements of a list; none if the value is not a list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The value at a JSON pointer, or null.
pub fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// A string; empty if the value is not a string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_names_the_object_and_both_values() {
        let document = json!({"kind": "Service", "metadata": {"name": "color"}});
        let mut findings = Findings::default();
        findings.same(&document, "the port", &json!(80), &json!(80));
        findings.same(&document, "the port", &json!(80), &json!(8000));
        findings.same(&document, "the port", &Value::Null, &Value::Null);
        findings.require(false, &Value::Null, "hold no WasmPlugin");
        let texts: Vec<_> = findings.into_vec().iter().map(Finding::to_string).collect();
        assert_eq!(
            texts,
            [
                "Service/color: the port is 80, but must be 8000",
                "Service/color: the port is missing",
                "the documents: hold no WasmPlugin",
            ]
        );
    }
}
