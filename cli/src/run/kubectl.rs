//! `kubectl`, by which the commands reach a cluster. It knows the cluster and the user's rights.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Runs it to its end and returns what it prints.
///
/// # Errors
/// One line: it cannot be run, or what it complains of.
pub(crate) fn kubectl<A: AsRef<OsStr>>(
    what: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Vec<u8>, String> {
    let mut command = Command::new("kubectl");
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().map_err(|error| not_run(&error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("kubectl {what}: {}", joined(&output.stderr)))
    }
}

pub(crate) fn not_run(error: &std::io::Error) -> String {
    format!("kubectl cannot be run: {error}")
}

/// What a program has said, in one line.
pub(crate) fn joined(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}
