//! Why a configuration is refused: one line, the path to the fault and the reason.

use std::fmt::{self, Write};

/// Longest text that is shown of a fault. A key or a pattern can be as long as the configuration; a log line cannot.
const LONGEST: usize = 400;

/// A configuration that is refused. Its text is one line: `http[0].route[1].weight: -5 is negative`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig {
    path: String,
    reason: String,
}

impl InvalidConfig {
    /// A fault without a place yet; the callers put theirs in front with [`at`](Self::at) and [`item`](Self::item).
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            reason: reason.into(),
        }
    }

    /// Puts the name of a field in front of the path.
    pub(crate) fn at(mut self, field: &str) -> Self {
        self.path = match self.path.chars().next() {
            None => field.to_owned(),
            Some('[') => format!("{field}{}", self.path),
            Some(_) => format!("{field}.{}", self.path),
        };
        self
    }

    /// Puts `field[index]` in front of the path.
    pub(crate) fn item(self, field: &str, index: usize) -> Self {
        self.at(&format!("{field}[{index}]"))
    }

    /// Where the fault is, such as `http[0].route[1].weight`; empty when it is the whole configuration.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = if self.path.is_empty() {
            ["", "", &self.reason]
        } else {
            [self.path.as_str(), ": ", &self.reason]
        };
        // Names and values of the user's are quoted in both parts: they must not break the line.
        let escaped = |c: char| {
            let (escaped, plain) = if c.is_control() {
                (Some(c.escape_default()), None)
            } else {
                (None, Some(c))
            };
            escaped.into_iter().flatten().chain(plain)
        };
        let mut shown = parts.iter().flat_map(|part| part.chars()).flat_map(escaped);
        shown
            .by_ref()
            .take(LONGEST)
            .try_for_each(|c| f.write_char(c))?;
        if shown.next().is_some() {
            f.write_str(" …")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_grows_from_the_inside_out() {
        let fault = InvalidConfig::new("-5 is negative")
            .at("weight")
            .item("route", 1)
            .item("http", 0);
        assert_eq!(fault.to_string(), "http[0].route[1].weight: -5 is negative");
        assert_eq!(fault.path(), "http[0].route[1].weight");
    }

    #[test]
    fn a_fault_is_always_one_short_line() {
        let fault = InvalidConfig::new("x".repeat(9_999)).at("a\r\nb\u{85}c");
        let line = fault.to_string();
        assert!(line.starts_with("a\\r\\nb\\u{85}c: xxx"), "{line}");
        assert!(!line.chars().any(char::is_control));
        for reason in ["x", "\u{7f}"] {
            let line = InvalidConfig::new(reason.repeat(9_999)).to_string();
            assert_eq!(line.chars().count(), LONGEST + 2, "{line}");
        }
    }
}
