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

use crate::InvalidConfig;
use program::{Program, Threads};

/// The longest pattern, in bytes: more than any value, for Envoy takes no header above 60 KiB unless told to. Reading a
/// pattern takes some 300 times its length, and wasm memory that was taken once is not given back.
const LONGEST: usize = 64 << 10;

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
        let too_large = || InvalidConfig::new("the pattern is too large");
        if pattern.len() > LONGEST {
            return Err(too_large());
        }
        let parsed = parser::parse(pattern.as_bytes()).map_err(InvalidConfig::new)?;
        Program::new(&parsed).map(Self).map_err(|_| too_large())
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

#[cfg(test)]
#[path = "regex_tests.rs"]
mod tests;
