//! The commands: each module has the arguments of one, and prints what the library says.

use std::process::ExitCode;

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod man;
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
