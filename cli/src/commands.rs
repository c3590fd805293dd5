//! The commands, and the split of a rule that both of them print.

pub(crate) mod accepted;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod explain;
pub(crate) mod schema;
pub(crate) mod share;
pub(crate) mod simulate;
pub mod status;
pub(crate) mod table;
pub(crate) mod weights;
