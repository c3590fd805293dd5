//! A proxy of one thread: the ABI's imports as native functions, and a driver of the filter's real exports.
//!
//! ```text
//! test ──► Vm (vm.rs) ──► exports of the filter ──► SDK ──► imports (imports.rs) ──► Proxy (proxy.rs) ──► test
//! ```
//!
//! The SDK and the filter keep their state in thread-locals, and every test has a thread of its own: a new virtual
//! machine each.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod counting;
mod imports;
mod proxy;
mod vm;

pub(crate) use proxy::{Lines, Proxy, Shared, lines};
pub(crate) use vm::{Exchange, Vm, set_environment};
