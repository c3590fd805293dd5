//! Why a file is refused: one line, with the position in the file if it is known.

use std::fmt;

/// A reason to refuse a file. Its text is one line without the file's name; [`in_file`](Self::in_file) adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    line: Option<usize>,
    reason: String,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            reason: reason.into(),
        }
    }

    pub(crate) fn with_line(self, line: Option<usize>) -> Self {
        Self {
            line: self.line.or(line),
            ..self
        }
    }

    /// Adds a prefix to the reason.
    pub(crate) fn because(self, words: &str) -> Self {
        Self {
            reason: format!("{words}: {}", self.reason),
            ..self
        }
    }

    /// The line of the file, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// `canary.yaml:12: http[0].route[1].weight: -5 is negative`, without the number if the line is not known.
    pub fn in_file(&self, file: &str) -> String {
        match self.line {
            Some(line) => format!("{file}:{line}: {self}"),
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
        assert_eq!(
            Fault::new("is empty").with_line(None).in_file("f.yaml"),
            "f.yaml: is empty"
        );
        assert_eq!(
            Fault::at(3, "y")
                .with_line(Some(4))
                .because("x")
                .in_file("f"),
            "f:3: x: y"
        );
    }
}
