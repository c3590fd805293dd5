//! Why a file is refused: one line, with the position in the file if it is known.

use std::fmt;

/// A reason to refuse a file. Its text is one line without the file's name; [`in_file`](Self::in_file) adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    position: Option<Position>,
    reason: String,
    /// The file cannot be read at all.
    is_syntax: bool,
}

/// A position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters from 1, if it is known.
    pub column: Option<usize>,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            position: None,
            reason: reason.into(),
            is_syntax: false,
        }
    }

    pub(crate) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self::at_position(Position { line, column: None }, reason)
    }

    pub(crate) fn at_position(position: Position, reason: impl Into<String>) -> Self {
        Self {
            position: Some(position),
            reason: reason.into(),
            is_syntax: false,
        }
    }

    /// The file has not even the syntax of its format.
    pub(crate) fn syntax(line: usize, reason: impl Into<String>) -> Self {
        Self {
            is_syntax: true,
            ..Self::at(line, reason)
        }
    }

    pub(crate) fn is_syntax(&self) -> bool {
        self.is_syntax
    }

    /// Adds a prefix to the reason.
    pub(crate) fn because(self, words: &str) -> Self {
        Self {
            reason: format!("{words}: {}", self.reason),
            ..self
        }
    }

    /// Where in the file the fault is, if that is known.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// `canary.yaml:12:7: http[0].route[1].weight: -5 is negative`, without the numbers that are not known.
    pub fn in_file(&self, file: &str) -> String {
        match self.position {
            Some(Position {
                line,
                column: Some(column),
            }) => format!("{file}:{line}:{column}: {self}"),
            Some(Position { line, column: None }) => format!("{file}:{line}: {self}"),
            None => format!("{file}: {self}"),
        }
    }
}

impl fmt::Display for Fault {
    /// Escapes control characters, because the reason quotes names from the file, which must not break the line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.reason.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                fmt::Write::write_char(f, c)?;
            }
        }
        Ok(())
    }
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
        assert_eq!(
            Fault::at(12, "x: a\nb").in_file("f.yaml"),
            "f.yaml:12: x: a\\nb"
        );
        assert_eq!(Fault::new("is empty").in_file("f.yaml"), "f.yaml: is empty");
        let position = Position {
            line: 3,
            column: Some(4),
        };
        assert_eq!(
            Fault::at_position(position, "y").because("x").in_file("f"),
            "f:3:4: x: y"
        );
    }
}
