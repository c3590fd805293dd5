//! Which rule takes a request: the conditions of `match`, and an index over those of all rules.

pub(crate) mod index;
pub(crate) mod matcher;
pub(crate) mod regex;
pub(crate) mod string_match;
