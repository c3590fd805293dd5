//! Regular expressions as Envoy runs them: they have RE2's syntax, work on bytes, and must match the whole value.
//!
//! Envoy hands paths and header values to RE2 as Latin-1, so `.` is one byte and `é` in UTF-8 is two. Rust's engines read
//! several constructs differently (`\s`, `[a&&b]`, `\<`, `{,5}` …), so [`parser`] reads the pattern by RE2's grammar. This
//! leaves little to do for an engine: [`program`] needs a fifth of the module size and less time than the smallest Rust
//! engine that works on bytes (docs/performance.md). The tests use that engine as their oracle.

mod ast;
mod byte_set;
mod class;
mod cursor;
mod parser;
#[cfg(any(test, not(feature = "proxy")))]
pub(crate) mod pattern;
mod program;

use std::cell::RefCell;

use crate::config::invalid::InvalidConfig;
use program::{Program, Threads};

/// The most steps of all patterns of a configuration together. A step takes at most 56 bytes, and a module crashes when its
/// memory is full.
const MOST_STEPS: usize = 1_000_000;

/// A pattern that has to match a whole value.
#[derive(Debug)]
pub(crate) struct Regex(Program);

thread_local! {
    /// Scratch memory that all patterns share, since only one of them runs at a time.
    static THREADS: RefCell<Threads> = RefCell::default();
}

impl Regex {
    /// Compiles a pattern in RE2's syntax.
    ///
    /// # Errors
    /// RE2 refuses the pattern, or the pattern has no meaning over bytes or is too large.
    pub(crate) fn new(pattern: &str) -> Result<Self, InvalidConfig> {
        let parsed = parser::parse(pattern.as_bytes()).map_err(InvalidConfig::new)?;
        Program::new(&parsed)
            .map(Self)
            .map_err(|_| InvalidConfig::new("the pattern is too large"))
    }

    /// Whether the whole value matches.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        THREADS.with_borrow_mut(|threads| self.0.matches(value, threads))
    }

    /// The bytes that every matching value begins with.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.0.prefix()
    }
}

/// The number of steps that the patterns of a configuration may still have.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    /// Takes the steps of this pattern from the budget.
    ///
    /// # Errors
    /// The pattern has more steps than are left.
    pub(crate) fn take(&mut self, regex: &Regex) -> Result<(), InvalidConfig> {
        let left = self.0.checked_sub(regex.0.size());
        self.0 = left.ok_or_else(|| {
            InvalidConfig::new(format!(
                "the patterns have more than {MOST_STEPS} steps together"
            ))
        })?;
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(MOST_STEPS)
    }
}

#[cfg(test)]
mod tests;
