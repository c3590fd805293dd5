//! What the command `canary` does, as values in and values out; `main` reads the arguments and prints.
//!
//! ```text
//! check     bytes -> Document -> its Configurations -> Policy (the filter's own) -> the shares
//! weights   bytes -> Document -> the Configuration that has the rule -> splices -> bytes, read again and compared
//!                                                                                  -> Replacement, by rename
//! ```
//!
//! A file is never written out from what was parsed: only the numbers are replaced, so comments and layout stay.

#![forbid(unsafe_code)]

mod check;
mod configuration;
mod document;
mod embedded;
mod fault;
mod json;
mod replace;
mod share;
mod splice;
mod tree;
mod weights;

pub use check::{Checked, check};
pub use fault::Fault;
pub use replace::{Replacement, read};
pub use share::Shares;
pub use weights::{Change, Changed, Weight, change_weights};
