//! YAML files as lists of documents.

use std::path::Path;
use std::{fmt, fs};

use serde::Deserialize;
use serde_json::Value;

use crate::at;

/// Documents that are deployed together.
#[derive(Clone, Debug, Default)]
pub struct Documents(pub Vec<Value>);

impl Documents {
    /// Reads a text of one or more documents.
    ///
    /// # Errors
    /// The text is not YAML, or a mapping has a key twice: `serde_yaml_ng`'s own value refuses that.
    pub fn parse(text: &str) -> Result<Self, serde_yaml_ng::Error> {
        let documents = serde_yaml_ng::Deserializer::from_str(text).map(|document| {
            let document = serde_yaml_ng::Value::deserialize(document)?;
            serde_yaml_ng::from_value(document)
        });
        documents.collect::<Result<_, _>>().map(Self)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or [`Documents::parse`] refuses its text.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let unreadable = |reason: String| Unreadable {
            path: path.display().to_string(),
            reason,
        };
        let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text).map_err(|error| unreadable(error.to_string()))
    }

    /// Adds other documents after these.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Removes the objects of that kind and name, and returns how many there were.
    pub fn remove(&mut self, kind: &str, name: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|document| !is(document, kind, name));
        before - self.0.len()
    }

    /// All objects of a kind.
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.0
            .iter()
            .filter(|document| at(document, "/kind") == kind)
            .collect()
    }

    /// The object of that kind and name, or null.
    pub fn named(&self, kind: &str, name: &str) -> &Value {
        self.0
            .iter()
            .find(|document| is(document, kind, name))
            .unwrap_or(&Value::Null)
    }
}

fn is(document: &Value, kind: &str, name: &str) -> bool {
    at(document, "/kind") == kind && at(document, "/metadata/name") == name
}

/// A file that could not be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    path: String,
    reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_given_twice_is_refused() {
        assert!(Documents::parse("{a: 1}\n---\n{b: 1}").is_ok());
        assert!(Documents::parse("{a: 1, a: 1}").is_err());
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let unreadable = Documents::read(Path::new("no/such/file")).unwrap_err();
        assert!(unreadable.to_string().starts_with("no/such/file: "));
    }
}
