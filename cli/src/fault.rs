//! Why a file is refused: one line, with the position in the file if it is known.

use std::fmt;

/// A reason to refuse a file. Its text is one line without the file's name; [`in_file`](Self::in_file) adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    place: Option<Place>,
    reason: String,
}

/// A position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Place {
    /// The position of a byte of `text`; the end of the text if it has fewer bytes.
    pub(crate) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: 1 + before.bytes().filter(|&b| b == b'\n').count(),
            column: 1 + line.trim_start_matches('\u{feff}').chars().count(),
        }
    }
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            place: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn at(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            reason: reason.into(),
        }
    }

    /// Adds a prefix to the reason.
    pub(crate) fn because(self, words: &str) -> Self {
        Self {
            reason: format!("{words}: {}", self.reason),
            ..self
        }
    }

    /// Adds another sentence to the reason.
    pub(crate) fn and(self, words: &str) -> Self {
        Self {
            reason: format!("{}; {words}", self.reason),
            ..self
        }
    }

    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    pub(crate) fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line)
    }

    /// `canary.yaml:12:9: http[0].route[1].weight: -5 is negative`, without the numbers if the position is not known.
    pub fn in_file(&self, file: &str) -> String {
        match self.place {
            Some(Place { line, column }) => format!("{file}:{line}:{column}: {self}"),
            None => format!("{file}: {self}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The reason quotes names from the file, which must not break the line.
        f.write_str(&one_line(&self.reason))
    }
}

/// The text with its control characters escaped.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

impl std::error::Error for Fault {}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_with_its_position() {
        let place = Place {
            line: 12,
            column: 9,
        };
        assert_eq!(
            Fault::at(place, "x: a\nb").in_file("f.yaml"),
            "f.yaml:12:9: x: a\\nb"
        );
        assert_eq!(Fault::new("is empty").in_file("f.yaml"), "f.yaml: is empty");
        assert_eq!(
            Fault::at(place, "y").because("x").and("z").in_file("f"),
            "f:12:9: x: y; z"
        );
    }

    #[test]
    fn columns_count_characters_and_no_byte_order_mark() {
        let text = "\u{feff}ab\nüü: 1";
        for (byte, line, column) in [(3, 1, 1), (4, 1, 2), (6, 2, 1), (10, 2, 3), (99, 2, 6)] {
            assert_eq!(Place::of(text, byte), Place { line, column }, "{byte}");
        }
    }
}
