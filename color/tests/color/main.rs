//! The running binary: started, requested over TCP, ended by signals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test and its support fail by a panic"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for the process"
)]

mod answers;
mod faults;
mod health;
mod shutdown;
mod support;
mod wall;
