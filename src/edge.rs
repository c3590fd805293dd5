//! What an edge needs beyond the decision: to judge answers, and to put weights in force.

pub use crate::policy::refusal::{ON_BAD_CONFIG, consequence};
pub use crate::policy::specifier::{beyond_specifier, stable_of_refused};
pub use crate::policy::steering::{
    Gauge, Now, Steering, WatchedRule, judge, period, report, watched,
};
pub use crate::policy::watch::Watch;
pub use crate::response::{Answer, is_cut_off, is_grpc_error};
pub use crate::rollback::{
    Answers, Change, Counts, End, Line, Record, Settings, Transition, Verdict,
};
