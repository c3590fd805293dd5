//! The syntax tree of a pattern.

use std::sync::Arc;

use super::byte_set::ByteSet;

/// A pattern, or a part of one.
#[derive(Debug)]
pub(super) enum Ast {
    Byte(u8),
    /// Shared, since a repetition compiles to several copies of what it repeats.
    Set(Arc<ByteSet>),
    Look(Look),
    /// All of these, one after the other.
    Concat(Vec<Ast>),
    /// Any of these.
    Alternatives(Vec<Ast>),
    Repeat {
        min: u32,
        max: Option<u32>,
        of: Box<Ast>,
    },
}

/// A condition on a position between two bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

impl Ast {
    /// Whether this is the empty text, which compiles to no step.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Concat(parts) if parts.is_empty())
    }
}

impl From<ByteSet> for Ast {
    fn from(set: ByteSet) -> Self {
        Self::Set(Arc::new(set))
    }
}
