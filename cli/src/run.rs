//! The commands: each module has the arguments of one, and prints what the library says; `kubectl` is what two of them use.

use std::process::ExitCode;

use canary::Fault;

use crate::output::complain_of;

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod explain;
pub(crate) mod kubectl;
pub(crate) mod man;
pub(crate) mod schema;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod weights;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything that the user asked for was done; the exit status is 0.
    Well,
    /// A file was refused, or something could not be done; the exit status is 1.
    Badly,
}

impl Ended {
    /// Whether everything was done.
    pub(crate) fn of(done: bool) -> Self {
        if done { Self::Well } else { Self::Badly }
    }

    /// Well if both are.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::of(self == Self::Well && other == Self::Well)
    }
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Well => Self::SUCCESS,
            Ended::Badly => Self::FAILURE,
        }
    }
}

/// Arguments that do not fit together: one line. The exit status is 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage(pub(crate) String);

/// Prints why a file is refused, one line for each fault.
pub(crate) fn refused(file: &str, faults: &[Fault]) -> Ended {
    complain_of(file, faults);
    Ended::Badly
}

/// A time as an argument, in seconds since 1970.
pub(crate) fn time(text: &str) -> Result<i64, &'static str> {
    canary::parse_time(text).ok_or("write a time with its offset, such as 2026-12-01T09:00:00Z")
}
