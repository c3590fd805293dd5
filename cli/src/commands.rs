//! One room for each command, and what their answers have in common.

pub(crate) mod check;
pub(crate) mod share;
pub(crate) mod weights;
