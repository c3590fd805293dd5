//! A proxy in this process: the ABI's imports as native functions, and a driver of the filter's real exports.
//!
//! ```text
//! test ──► Vm, Stream (vm.rs, stream.rs) ──► exports of the filter ──► SDK ──► imports (imports.rs) ──┐
//! test ◄── Proxy of this thread (proxy.rs), Shared by all threads (shared.rs) ◄───────────────────────┘
//! ```
//!
//! The SDK and the filter keep their state in thread-locals, and every test runs on its own thread, so each test has a new
//! virtual machine. A proxy with several worker threads is one `Shared` and a `Worker` for each thread.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod counting;
mod exports;
mod imports;
mod proxy;
mod root;
mod shared;
mod stream;
mod vm;
mod worker;

pub(crate) use proxy::{Lines, Proxy, lines};
pub(crate) use shared::{CasMismatch, START, Shared};
pub(crate) use stream::{Exchange, Stream};
pub(crate) use vm::{Vm, set_environment};
pub(crate) use worker::Worker;
