//! The binary as it runs: started, asked over TCP, ended by signals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test and its support fail by a panic"
)]

mod answers;
mod health;
mod shutdown;
mod support;
