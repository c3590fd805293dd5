//! Starts Envoy and Color as child processes and asks them over HTTP/1.1.
//!
//! The demo, the benchmark and the harness of the tests share this. The demo is for users, so nothing here panics: every
//! failure is a value.

#![forbid(unsafe_code)]

mod binary;
mod color;
pub mod envoy;
mod file;
pub mod http1;
mod process;

pub use binary::{Binary, MissingBinary, root, target};
pub use color::start_color;
pub use file::replace;
pub use process::{Ended, Process};
