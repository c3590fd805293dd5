//! What an edge needs beyond the decision: to judge answers, and to put weights in force.

pub use crate::policy::answer::{Answer, Credit};
pub use crate::policy::changes::{AnswerChanges, Own, RequestChanges};
pub use crate::policy::gauges::Gauges;
pub use crate::policy::refusal::{ON_BAD_CONFIG, consequence};
pub use crate::policy::specifier::stable_of_refused;
pub use crate::policy::steering::{
    Now, Round, Steering, Task, WatchedRule, judge, period, report, watched,
};
pub use crate::policy::watch::Watch;
pub use crate::rollback::{
    Answers, Change, Counts, End, Line, Record, Settings, Transition, Verdict,
};
