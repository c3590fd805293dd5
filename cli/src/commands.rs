//! The commands, and the split of a rule that both of them print.

pub(crate) mod check;
pub(crate) mod share;
pub(crate) mod weights;
