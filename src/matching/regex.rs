//! Regular expressions as Envoy has them: RE2's syntax, over bytes, and the whole value must match.
//!
//! Envoy hands paths and header values to RE2 in Latin-1, so `.` is one byte and `é` in UTF-8 is two. The engines of
//! the Rust world read several constructs in another way (`\s`, `[a&&b]`, `\<`, `{,5}` …), so [`parser`] reads the pattern
//! by RE2's grammar. What is left to do for an engine is little, and [`program`] does it in a fifth of the module size
//! and less time than the smallest one that works on bytes (docs/performance.md); that one is the oracle of its tests.

mod ast;
mod byte_set;
mod class;
mod cursor;
mod parser;
mod program;

use std::cell::RefCell;

use crate::config::invalid::InvalidConfig;
use program::{Program, Threads};

/// The steps of all patterns of a configuration, of at most 56 bytes each: a wasm memory that is full is a crash.
const MOST_STEPS: usize = 1_000_000;

/// A pattern that has to match a whole value.
#[derive(Debug)]
pub(crate) struct Regex(Program);

thread_local! {
    /// The scratch memory of all patterns: only one of them runs at a time.
    static THREADS: RefCell<Threads> = RefCell::default();
}

impl Regex {
    /// Compiles a pattern in RE2's syntax.
    ///
    /// # Errors
    /// What RE2 refuses, what has no meaning over bytes, and what is too large.
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

    /// The bytes that every value begins with that matches.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.0.prefix()
    }
}

/// How many steps the patterns of a configuration may still have.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    /// Takes what this pattern has.
    ///
    /// # Errors
    /// There is not so much left.
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
