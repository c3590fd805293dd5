//! A pattern as it is written, when all of its syntax has been read.

use std::rc::Rc;

use super::byte_set::ByteSet;

/// A pattern, or a part of one.
#[derive(Debug)]
pub(super) enum Ast {
    Byte(u8),
    /// Shared by all the steps that a repetition makes of it.
    Set(Rc<ByteSet>),
    Look(Look),
    /// All of these, one behind the other.
    Concat(Vec<Ast>),
    /// Any of these.
    Alternatives(Vec<Ast>),
    Repeat {
        min: u32,
        max: Option<u32>,
        of: Box<Ast>,
    },
}

/// A condition on a place between two bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

impl From<ByteSet> for Ast {
    fn from(set: ByteSet) -> Self {
        Self::Set(Rc::new(set))
    }
}
