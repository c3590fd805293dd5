//! How long the command `canary` takes for its largest inputs.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use harness::Scratch;
use launch::{root, target};
use serde_json::json;

use crate::Trouble;
use crate::policies::{MANY, rules};
use crate::table::quantile;

/// Runs each command `rounds` times, in turn. Returns the table of the medians.
pub(crate) fn measure(rounds: usize) -> Result<String, Trouble> {
    let dir = Scratch::new();
    let many = dir.join("many.json");
    fs::write(&many, json!({"http": rules(MANY)}).to_string())?;
    let demo = root().join("envoy/canary.yaml");
    let commands: [(String, Vec<&OsStr>); 3] = [
        ("`canary --version`".to_owned(), vec!["--version".as_ref()]),
        (
            format!("`canary check`, {MANY} rules"),
            vec!["check".as_ref(), many.as_ref()],
        ),
        (
            "`canary simulate`, 1000000 users".to_owned(),
            vec![
                "simulate".as_ref(),
                demo.as_ref(),
                "--users".as_ref(),
                "1000000".as_ref(),
            ],
        ),
    ];
    let mut taken = commands.each_ref().map(|_| Vec::new());
    for _ in 0..rounds {
        for ((_, arguments), taken) in commands.iter().zip(&mut taken) {
            taken.push(run(arguments)?);
        }
    }
    let mut text = format!("| command, medians of {rounds} | ms |\n| --- | ---: |\n");
    for ((name, _), taken) in commands.iter().zip(&mut taken) {
        writeln!(text, "| {name} | {:.0} |", quantile(taken, 0.5))?;
    }
    Ok(text)
}

/// The milliseconds from the start of the command to its end.
fn run(arguments: &[&OsStr]) -> Result<f64, Trouble> {
    let started = Instant::now();
    let status = Command::new(target().join("release/canary"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let taken = started.elapsed();
    if !status.success() {
        return Err(format!("canary {arguments:?} failed: {status}").into());
    }
    Ok(taken.as_secs_f64() * 1e3)
}
