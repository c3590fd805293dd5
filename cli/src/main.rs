//! The command `canary`: arguments in, lines and an exit status out.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use canary::{Accepted, Change, Fault, Replacement, change_weights, check};

use crate::args::Command;

mod args;

fn main() -> ExitCode {
    let done = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Print(text)) => print(&text),
        Ok(Command::Check(files)) => {
            // A refused file does not keep the next ones from being checked.
            let ok: Vec<_> = files.iter().map(|file| check_file(file)).collect();
            ok.into_iter().all(|ok| ok)
        }
        Ok(Command::Weights(file, change)) => match set_weights(&file, &change) {
            Ok(line) => print(&line),
            Err(fault) => complain(&fault.in_file(&shown(&file))),
        },
        Err(usage) => {
            complain(&format!("canary: {usage} (see canary --help)"));
            return ExitCode::from(2);
        }
    };
    if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check_file(path: &Path) -> bool {
    let name = shown(path);
    let checked = content(path)
        .map_err(|fault| vec![fault])
        .and_then(|content| check(&content, is_json(path)));
    match checked {
        Ok(checked) => {
            for warning in &checked.warnings {
                complain(&warning.in_file(&name));
            }
            match checked.configurations.as_slice() {
                [only] => print(&format!("{name}: {}\n", only.report())),
                several => {
                    let line = |accepted: &Accepted| {
                        format!("{name}:{}: {}\n", accepted.line, accepted.report())
                    };
                    print(&several.iter().map(line).collect::<String>())
                }
            }
        }
        Err(faults) => {
            for fault in &faults {
                complain(&fault.in_file(&name));
            }
            false
        }
    }
}

fn set_weights(path: &Path, change: &Change) -> Result<String, Fault> {
    let replacement = Replacement::of(path)?;
    let changed = change_weights(replacement.content(), is_json(path), change)?;
    let line = match &changed.text {
        Some(text) => {
            replacement.replace_with(text.as_bytes())?;
            format!("{}\n", changed.shares.with_weights())
        }
        None => format!("{} (unchanged)\n", changed.shares.with_weights()),
    };
    if let Some(now) = changed.ramp_at(unix_seconds()) {
        complain(&format!(
            "note: the rule has a ramp; from its start on, the weights of the ramp apply instead of these. Now it is {now}"
        ));
    }
    Ok(line)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the command is not the core, which is given the time"
)]
fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn content(path: &Path) -> Result<Vec<u8>, Fault> {
    Ok(if path.as_os_str() == "-" {
        canary::read(io::stdin().lock())?
    } else {
        canary::read(File::open(path)?)?
    })
}

/// Envoy also chooses the parser by the name of the file.
fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}

/// `println!` would panic if the reader has closed the pipe.
fn print(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

fn complain(line: &str) -> bool {
    let _ = writeln!(io::stderr().lock(), "{line}");
    false
}
