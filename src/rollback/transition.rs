//! What a step has changed, and the log lines for it.

use std::fmt;

use super::evidence::Counts;

/// A rollback or its end. The worker whose write succeeds logs and counts it; nobody else has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Position of the destination in the rule.
    pub destination: usize,
    /// The rollback is only observed: it does not change any weight.
    pub observed: bool,
    /// What has happened.
    pub change: Change,
}

/// What has happened to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is out from now on; logged at `warn`.
    RolledBack(Verdict),
    /// It gets its share again, at most that of before for one interval; logged at `info`.
    Ended {
        /// Why.
        reason: End,
        /// For how long it was out, in milliseconds.
        out_ms: u64,
    },
}

/// Why a rollback has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `retryAfter`, or the longer wait that followed from it, is over.
    Waited,
    /// The configuration gives the destination no weight, in `route` and `ramp`.
    Unweighted,
    /// The rule's match, its destinations or its `rollback` have changed.
    Reconfigured,
}

/// The answers that condemned a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The destination's answers in the window.
    pub canary: Counts,
    /// Stable's answers in the same window.
    pub stable: Counts,
    /// Length of the window in milliseconds.
    pub window_ms: u64,
}

impl Verdict {
    pub(super) fn bounded(self) -> Self {
        Self {
            canary: self.canary.bounded(),
            stable: self.stable.bounded(),
            ..self
        }
    }
}

impl Transition {
    /// Whether a destination is out from now on; such a transition is logged at `warn`, and its end at `info`.
    pub fn is_rollback(&self) -> bool {
        matches!(self.change, Change::RolledBack(_))
    }

    /// The log line, without a line end. `rule` is the rule's name; the others are the labels of this transition's
    /// destination and of stable.
    pub fn line<'a>(&'a self, rule: &'a str, label: &'a str, stable: &'a str) -> Line<'a> {
        Line {
            transition: self,
            rule,
            label,
            stable,
        }
    }
}

/// A transition as a line of the log.
#[derive(Debug)]
pub struct Line<'a> {
    transition: &'a Transition,
    rule: &'a str,
    label: &'a str,
    stable: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            transition,
            rule,
            label,
            stable,
        } = self;
        write!(f, "rule {rule}: {label} ")?;
        match &transition.change {
            Change::RolledBack(verdict) => {
                let would = if transition.observed { "would be " } else { "" };
                let Counts { requests, errors } = verdict.canary;
                write!(
                    f,
                    "{would}rolled back: {errors} of {requests} answers were errors ("
                )?;
                percent(f, verdict.canary)?;
                let Counts { requests, errors } = verdict.stable;
                write!(f, "), stable {stable} {errors} of {requests} (")?;
                percent(f, verdict.stable)?;
                f.write_str("), in the last ")?;
                seconds(f, verdict.window_ms)
            }
            Change::Ended { reason, out_ms } => {
                let would = if transition.observed {
                    "would no longer be"
                } else {
                    "is no longer"
                };
                write!(f, "{would} rolled back after ")?;
                seconds(f, *out_ms / 1000 * 1000)?;
                f.write_str(match reason {
                    End::Waited => ": retryAfter gives its share back",
                    End::Unweighted => ": the configuration gives it no weight",
                    End::Reconfigured => ": the rule has changed",
                })
            }
        }
    }
}

/// The share of errors with one decimal, rounded half up: `13.8 %`.
fn percent(f: &mut fmt::Formatter<'_>, counts: Counts) -> fmt::Result {
    let twice = counts.requests.saturating_mul(2).max(1);
    let per_mille = (counts
        .errors
        .saturating_mul(2000)
        .saturating_add(counts.requests))
        / twice;
    write!(f, "{}.{} %", per_mille / 10, per_mille % 10)
}

/// Whole seconds as `8 s`, others as `1.25 s`.
fn seconds(f: &mut fmt::Formatter<'_>, ms: u64) -> fmt::Result {
    write!(f, "{}", ms / 1000)?;
    match ms % 1000 {
        0 => {}
        part if part % 100 == 0 => write!(f, ".{}", part / 100)?,
        part if part % 10 == 0 => write!(f, ".{:02}", part / 10)?,
        part => write!(f, ".{part:03}")?,
    }
    f.write_str(" s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(observed: bool, change: Change) -> String {
        let transition = Transition {
            destination: 1,
            observed,
            change,
        };
        transition
            .line("color", "green-sub", "blue-sub")
            .to_string()
    }

    fn verdict(window_ms: u64) -> Change {
        Change::RolledBack(Verdict {
            canary: Counts {
                requests: 412,
                errors: 57,
            },
            stable: Counts {
                requests: 1240,
                errors: 9,
            },
            window_ms,
        })
    }

    #[test]
    fn a_rollback_is_one_line_with_its_numbers() {
        let numbers = "57 of 412 answers were errors (13.8 %), stable blue-sub 9 of 1240 (0.7 %), in the last";
        assert_eq!(
            line(false, verdict(8_000)),
            format!("rule color: green-sub rolled back: {numbers} 8 s")
        );
        assert_eq!(
            line(true, verdict(1_250)),
            format!("rule color: green-sub would be rolled back: {numbers} 1.25 s")
        );
        assert!(line(false, verdict(500)).ends_with("0.5 s"));
        assert!(line(false, verdict(1_033)).ends_with("1.033 s"));
    }

    #[test]
    fn the_end_of_a_rollback_is_one_line_with_its_reason() {
        let ended = |reason| Change::Ended {
            reason,
            out_ms: 600_120,
        };
        assert_eq!(
            line(false, ended(End::Waited)),
            "rule color: green-sub is no longer rolled back after 600 s: retryAfter gives its share back"
        );
        assert_eq!(
            line(true, ended(End::Unweighted)),
            "rule color: green-sub would no longer be rolled back after 600 s: the configuration gives it no weight"
        );
        assert!(line(false, ended(End::Reconfigured)).ends_with("600 s: the rule has changed"));
    }
}
