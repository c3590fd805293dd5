//! What the commands share of reading files, printing lines and the formats that they print.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use canary::{Fault, Severity, one_line};
use clap::ValueEnum;
use serde::Serialize;

/// What a command that reads prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Lines for people
    #[default]
    Text,
    /// One JSON document for programs; later versions may add fields to it
    Json,
}

/// The content of a file; `-` is standard input.
///
/// # Errors
/// It cannot be read.
pub(crate) fn content(path: &Path) -> Result<Vec<u8>, Fault> {
    Ok(if path.as_os_str() == "-" {
        canary::read(io::stdin().lock())?
    } else {
        canary::read(File::open(path)?)?
    })
}

/// Envoy also chooses the parser by the name of the file.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// A file's name in messages, without control characters, which would break the line.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "<stdin>".to_owned();
    }
    one_line(&path.display().to_string())
}

/// Prints to standard output and returns whether all of it was written. `println!` would panic if the reader has closed
/// the pipe.
pub(crate) fn print(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

/// Prints text with ANSI styles, which are left out where standard output is not a terminal or `NO_COLOR` is set. Returns
/// whether all of it was written.
pub(crate) fn print_styled(text: &str) -> bool {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

/// Prints one JSON document, with the fields in the order of the type, and returns whether all of it was written.
pub(crate) fn print_json(document: &impl Serialize) -> bool {
    serde_json::to_string_pretty(document).is_ok_and(|text| print(&format!("{text}\n")))
}

/// Prints a line to standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints the problems of a file to standard error, a line each. On a terminal, the colour shows how bad each of them is.
pub(crate) fn complain_of(file: &str, problems: &[Fault]) {
    let mut lines = String::new();
    for fault in problems {
        let style = Style::new().bold().fg_color(Some(match fault.severity() {
            Severity::Error => AnsiColor::Red.into(),
            Severity::Warning => AnsiColor::Yellow.into(),
        }));
        let position = fault.position_in(file);
        lines += &format!("{style}{position}:{style:#} {fault}\n");
    }
    let _ = anstream::stderr().lock().write_all(lines.as_bytes());
}

/// The present, in seconds since 1970.
#[allow(
    clippy::disallowed_methods,
    reason = "the command is not the core, which is given the time"
)]
pub(crate) fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
