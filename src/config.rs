//! From bytes to the wire form of a configuration, and what is said of one that is refused.
//!
//! ```text
//! bytes -> json (a tree) -> wire (serde) -> the run-time types of the other groups, which report into Faults
//! ```

pub(crate) mod duration;
pub(crate) mod header_name;
pub(crate) mod invalid;
pub(crate) mod json;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod timestamp;
pub(crate) mod wire;
