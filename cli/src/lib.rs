//! The command `canary` as functions from values to values; `main` reads the arguments and prints.
//!
//! ```text
//! check     bytes -> Document -> its Configurations -> Policy (the filter's own) -> the shares, the warnings -> Report
//! explain   bytes -> its Policies, a request -> Policy::explain -> Explained, with names and lines of the file
//! simulate  bytes -> its Policies, users from a seed -> who gets what, and a model of a proxy that judges
//! convert   bytes -> Documents -> VirtualServices -> rules, and the routes that read their header
//! weights   bytes -> Document -> the Configuration that has the rule -> splices -> bytes, read again and compared
//!                                                                                  -> Replacement, by rename
//!           the bytes of a WasmPlugin in a cluster -> the same change -> LiveChange, a JSON patch for kubectl
//! ```
//!
//! A file is never written from its parsed form: only the numbers are replaced, so comments and layout stay.

#![forbid(unsafe_code)]

mod commands;
mod document;
mod fault;

pub use canary_filter::parse_time;
pub use commands::accepted::{Refused, Unusable};
pub use commands::check::report::Report;
pub use commands::check::surroundings::Surroundings;
pub use commands::check::{Accepted, Checked, Circumstances, check};
pub use commands::convert::{Converted, Input, Left, Refusal, convert};
pub use commands::explain::answer::{
    Candidate, Chosen, Explained, FailedCondition, KeyTried, PassedRule, Written,
};
pub use commands::explain::request::HttpRequest;
pub use commands::explain::{Question, explain};
pub use commands::schema::{schema, wasm_plugin_schema};
pub use commands::share::Shares;
pub use commands::simulate::ramp::Moment;
pub use commands::simulate::rollback::{Detection, Failing, Spread, percent};
pub use commands::simulate::users::{Moves, Seen};
pub use commands::simulate::{NotSimulated, Progress, Scenario, SimulatedRule, Source, simulate};
pub use commands::status;
pub use commands::weights::live::{LiveChange, change_live};
pub use commands::weights::{Change, Changed, Weight, change_weights};
pub use document::replace::{Replacement, read};
pub use fault::{Fault, Severity, one_line};
