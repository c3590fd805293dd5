//! Why a configuration is refused: the path to the fault and the reason, in one line.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::de::{self, Expected, Unexpected};

use crate::config::path::{Path, Step};

/// The longest text that is shown of a fault. A key or a pattern can be as long as the configuration; a log line cannot.
const LONGEST: usize = 400;

/// Fields of a VirtualService that a filter cannot carry out.
const STAYS: &[&str] = &[
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirrorPercentage",
    "corsPolicy",
    "headers",
    "rewrite",
    "redirect",
    "directResponse",
    "delegate",
    "hosts",
    "gateways",
    "exportTo",
    "tls",
    "tcp",
    "port",
    "sourceLabels",
    "sourceNamespace",
    "statPrefix",
];

/// A fault in a configuration. Its text is one line: `http[0].route[1].weight: -5 is negative`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig(Box<Parts>);

/// In a box: most results that may be a fault are small values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: Path,
    position: Option<Position>,
    reason: Cow<'static, str>,
}

/// A place in the text of a configuration, as a JSON reader counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// Bytes into the line, from 1; 0 is the end of the line before.
    pub column: usize,
}

/// Collects the faults of a configuration while it is compiled.
///
/// The filter logs the first fault only, so it does not look for more of them ([`Faults::first`]).
#[derive(Debug)]
pub(crate) struct Faults {
    found: Vec<InvalidConfig>,
    most: usize,
}

impl InvalidConfig {
    /// A fault without a place yet; the callers put their steps in front with [`at`](Self::at).
    pub(crate) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(reason.into())
    }

    #[inline(never)] // The callers are many, and Envoy compiles all of the module at its start.
    fn because(reason: Cow<'static, str>) -> Self {
        Self(Box::new(Parts {
            path: Path::default(),
            position: None,
            reason,
        }))
    }

    /// A fault at a place of a text that is not JSON, and so has no paths.
    pub(crate) fn with_position(mut self, line: usize, column: usize) -> Self {
        self.0.position = Some(Position { line, column });
        self
    }

    /// Puts a step in front of the path.
    pub(crate) fn at(self, step: impl Into<Step>) -> Self {
        self.after(step.into())
    }

    #[inline(never)]
    fn after(mut self, step: Step) -> Self {
        self.0.path.begin_with(step);
        self
    }

    /// Puts a name that the configuration's author chose in front of the path.
    #[inline(never)]
    pub(crate) fn at_name(self, name: &str) -> Self {
        self.at(Step::Field(name.to_owned().into()))
    }

    /// Where the fault is; no step when it is the whole configuration.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Where the text stops being JSON, if that is the fault.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// What is wrong, without the place. Unlike the `Display`, it may hold control characters of the configuration's.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path.to_string();
        let parts = if path.is_empty() {
            ["", "", &self.0.reason]
        } else {
            [&path, ": ", &self.0.reason]
        };
        // Both parts quote names and values of the configuration, which must not break the line.
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

/// What serde reports while it reads the wire form.
impl de::Error for InvalidConfig {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // Not by serde's own `Display`: its way to write a number with a fraction would be 11 KB of the module.
        let found = match unexpected {
            Unexpected::Unit => "null".to_owned(),
            Unexpected::Bool(value) => format!("boolean `{value}`"),
            Unexpected::Unsigned(value) => format!("integer `{value}`"),
            Unexpected::Signed(value) => format!("integer `{value}`"),
            Unexpected::Float(value) => {
                let value = serde_json::Number::from_f64(value).map(|value| value.to_string());
                format!("floating point `{}`", value.unwrap_or_default())
            }
            Unexpected::Str(value) => format!("string {value:?}"),
            Unexpected::Seq => "sequence".to_owned(),
            _ => "map".to_owned(),
        };
        Self::new(format!("invalid type: {found}, expected {expected}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        if STAYS.contains(&field) {
            return Self::new("stays in the VirtualService: a filter cannot carry it out");
        }
        let expected: Vec<_> = expected.iter().map(|field| format!("`{field}`")).collect();
        Self::new(format!(
            "unknown field `{field}`, expected one of {}",
            expected.join(", ")
        ))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("is given twice").at(field)
    }
}

impl Faults {
    /// Keeps one fault and ignores the others.
    pub(crate) fn first() -> Self {
        Self::at_most(1)
    }

    /// Keeps this many faults, in the order in which they are found.
    pub(crate) fn at_most(most: usize) -> Self {
        let found = Vec::new();
        Self { found, most }
    }

    /// Reports a fault.
    #[inline(never)] // Many callers, none of them on the way of a good configuration.
    pub(crate) fn report(&mut self, fault: InvalidConfig) {
        if !self.is_full() {
            self.found.push(fault);
        }
    }

    /// The value, or `None` once its fault is reported.
    pub(crate) fn keep<T>(&mut self, result: Result<T, InvalidConfig>) -> Option<T> {
        result.map_err(|fault| self.report(fault)).ok()
    }

    /// Builds a part of the configuration: its faults get this step in front of their paths.
    pub(crate) fn within<T>(
        &mut self,
        step: impl Into<Step>,
        part: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.found.len();
        let built = part(self);
        if self.found.len() > before {
            self.prefix(before, step.into());
        }
        built
    }

    #[inline(never)]
    fn prefix(&mut self, first: usize, step: Step) {
        for fault in self.found.iter_mut().skip(first) {
            fault.0.path.begin_with(step.clone());
        }
    }

    /// Builds each item of a list; `None` if any of them is refused, or could not be read.
    pub(crate) fn each<'w, W, T>(
        &mut self,
        field: &'static str,
        items: &'w [Option<W>],
        mut build: impl FnMut(usize, &'w W, &mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.within(field, |faults| {
            let mut built = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let Some(item) = item else { continue };
                built.extend(faults.within(index, |faults| build(index, item, faults)));
                if faults.is_full() {
                    break;
                }
            }
            (built.len() == items.len()).then_some(built)
        })
    }

    /// Whether it keeps no more faults.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= self.most
    }

    /// Whether none has been found.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many have been found.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Drops what the faults from `first` on report of a part that holds one of the earlier ones: a part that could not
    /// be read was left out, so its parent may seem incomplete.
    pub(crate) fn drop_consequences(&mut self, first: usize) {
        let causes = self.found.get(..first).unwrap_or_default().to_vec();
        let mut number = 0;
        self.found.retain(|fault| {
            number += 1;
            let follows = |cause: &InvalidConfig| cause.path().begins_with(fault.path());
            number <= first || !causes.iter().any(follows)
        });
    }

    /// The first one.
    pub(crate) fn into_first(self) -> InvalidConfig {
        let first = self.found.into_iter().next();
        first.unwrap_or_else(|| InvalidConfig::new("is refused"))
    }

    /// What has been found.
    pub(crate) fn into_found(self) -> Vec<InvalidConfig> {
        self.found
    }
}

#[cfg(test)]
mod tests;
