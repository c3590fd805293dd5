//! Automatic rollback: a canary that answers with more errors than stable loses its share within seconds.
//!
//! ```text
//! each answer    Answers::add                     in one worker's memory
//! each tick      Record::read -> add -> step      what all workers have counted, and what follows from it
//!                Record::write                    by compare-and-swap: exactly one worker gets a transition through
//!                Record::in_force                 the weights that requests then see
//! ```
//!
//! Nothing here knows a proxy or a clock. Times are arguments: milliseconds of a monotonic clock that all workers of
//! a proxy share, so that a jump of the wall clock moves neither windows nor waits.
//!
//! The edge keeps the deltas of `Answers` until a write has succeeded. If the compare-and-swap fails, it drops the
//! record and the transitions, reads again, and repeats: [`Record`] is a value, and nothing has happened before it is
//! written.

mod answers;
mod evidence;
mod frozen;
mod keys;
#[cfg(any(test, not(feature = "proxy")))]
pub(crate) mod model;
mod record;
mod rings;
mod settings;
#[cfg(test)]
mod simulation;
mod state;
mod transition;
mod weights;
mod windows;
mod wire;

pub use answers::Answers;
pub use evidence::Counts;
pub use record::Record;
pub use settings::Settings;
pub(crate) use settings::{Given, InvalidSettings};
pub use transition::{Change, End, Line, Transition, Verdict};

/// How often a worker judges while it has traffic, in milliseconds; also the length of the shortest window.
pub(crate) const TICK_MS: u64 = 250;
