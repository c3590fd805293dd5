//! What is wrong in a file: one value, which the text, the JSON document and the annotations are made from.

mod hint;

use std::fmt;

use canary_filter::{InvalidConfig, Step};
use serde::Serialize;

/// A problem of a file. Its text is one line without the file's name; [`in_file`](Self::in_file) adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    severity: Severity,
    place: Option<Place>,
    /// What was being done, if that is not clear from the command.
    context: Option<Box<str>>,
    path: Option<Box<str>>,
    reason: Box<str>,
    hint: Option<Box<str>>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The filter refuses the file, or the file cannot be read.
    Error,
    /// The filter accepts it, although it is likely to be a mistake.
    Warning,
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
        Self::at_end_of(before, before.bytes().filter(|&b| b == b'\n').count())
    }

    /// The position after `before`, which has this many line ends.
    fn at_end_of(before: &str, line_ends: usize) -> Self {
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: 1 + line_ends,
            column: 1 + line.trim_start_matches('\u{feff}').chars().count(),
        }
    }
}

/// The line ends of a text, which make it cheap to find many positions in it.
#[derive(Clone, Debug)]
pub(crate) struct LineEnds(Vec<usize>);

impl LineEnds {
    pub(crate) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// As [`Place::of`] with the text of these line ends.
    pub(crate) fn place(&self, text: &str, byte: usize) -> Place {
        let before = text.get(..byte).unwrap_or(text);
        Place::at_end_of(before, self.0.partition_point(|end| *end < before.len()))
    }
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place: None,
            context: None,
            path: None,
            reason: reason.into().into(),
            hint: None,
        }
    }

    pub(crate) fn at(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            ..Self::new(reason)
        }
    }

    /// Why the filter refuses a configuration; the part that it refuses is at this place.
    pub(crate) fn refused(place: Place, invalid: &InvalidConfig) -> Self {
        let line = invalid.to_string();
        let path = one_line(&invalid.path().to_string());
        // A very long path leaves no room for the reason in the filter's line.
        match line
            .strip_prefix(&path)
            .and_then(|it| it.strip_prefix(": "))
        {
            Some(reason) if !path.is_empty() => {
                let fault = Self::at(place, reason).on(path);
                match hint::of_reason(reason) {
                    Some(hint) => fault.and(hint),
                    None => fault,
                }
            }
            _ => Self::at(place, line),
        }
    }

    /// Adds the path of the part of the configuration that the problem is about: `http[0].route[1].weight`.
    pub(crate) fn on(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into().into()),
            ..self
        }
    }

    /// The same as a warning.
    pub(crate) fn into_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// The same without its position, for a text that the user has not written.
    pub(crate) fn nowhere(self) -> Self {
        Self {
            place: None,
            ..self
        }
    }

    /// Says what was being done.
    pub(crate) fn because(self, words: &str) -> Self {
        Self {
            context: Some(match self.context {
                Some(context) => format!("{words}: {context}").into(),
                None => words.into(),
            }),
            ..self
        }
    }

    /// Adds what to do about it, or where it may come from.
    pub(crate) fn and(self, words: impl Into<String>) -> Self {
        let words = words.into();
        Self {
            hint: Some(match self.hint {
                Some(hint) => format!("{hint}; {words}").into(),
                None => words.into(),
            }),
            ..self
        }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    /// The line of the file, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line)
    }

    /// The column in the line, in characters from 1.
    pub fn column(&self) -> Option<usize> {
        self.place.map(|place| place.column)
    }

    /// The part of the configuration that it is about.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What is wrong, without the path and the hint.
    pub fn reason(&self) -> String {
        match &self.context {
            Some(context) => one_line(&format!("{context}: {}", self.reason)),
            None => one_line(&self.reason),
        }
    }

    /// What to do about it, or where it may come from.
    pub fn hint(&self) -> Option<String> {
        self.hint.as_deref().map(one_line)
    }

    /// `canary.yaml:12:9`, or `canary.yaml` if the position is not known.
    pub fn position_in(&self, file: &str) -> String {
        match self.place {
            Some(Place { line, column }) => format!("{file}:{line}:{column}"),
            None => file.to_owned(),
        }
    }

    /// `canary.yaml:12:9: http[0].route[1].weight: -5 is negative`, without the numbers if the position is not known.
    pub fn in_file(&self, file: &str) -> String {
        format!("{}: {self}", self.position_in(file))
    }

    /// The reason and the hint.
    pub fn explanation(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{}; {hint}", self.reason()),
            None => self.reason(),
        }
    }

    /// The line without the position and the severity.
    pub fn message(&self) -> String {
        let before = [self.context.as_deref(), self.path.as_deref()];
        let parts: Vec<_> = before
            .into_iter()
            .flatten()
            .chain([&*self.reason])
            .collect();
        let hint = self.hint.iter().map(|hint| format!("; {hint}"));
        one_line(&(parts.join(": ") + &hint.collect::<String>()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message())
    }
}

/// `http[0].route[1]`, as the filter writes it.
pub(crate) fn path_of<'s>(steps: impl IntoIterator<Item = &'s Step>) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Field(name) if path.is_empty() => path += name,
            Step::Field(name) => path += &format!(".{name}"),
            Step::Item(index) => path += &format!("[{index}]"),
        }
    }
    path
}

/// The text with its control characters escaped.
pub fn one_line(text: &str) -> String {
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
        let warning = Fault::at(place, "b").on("p[0]").and("c").into_warning();
        assert_eq!(warning.in_file("f"), "f:12:9: warning: p[0]: b; c");
    }

    #[test]
    fn columns_count_characters_and_no_byte_order_mark() {
        let text = "\u{feff}ab\nüü: 1";
        for (byte, line, column) in [(3, 1, 1), (4, 1, 2), (6, 2, 1), (10, 2, 3), (99, 2, 6)] {
            assert_eq!(Place::of(text, byte), Place { line, column }, "{byte}");
            assert_eq!(LineEnds::of(text).place(text, byte), Place::of(text, byte));
        }
    }
}
