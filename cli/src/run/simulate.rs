//! `canary simulate`.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use canary::{
    Failing, Fault, NotSimulated, Progress, Scenario, SimulatedRule, Source, percent, simulate,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::output::{Output, content, is_json, print_json, print_styled, shown, unix_seconds};
use crate::run::{Ended, Usage, refused, time};

/// A simulation that takes longer shows its progress.
const PATIENCE: Duration = Duration::from_secs(1);
const REFRESH: Duration = Duration::from_millis(100);

/// Simulate users: the shares, who moves with a new file, and what a rollback would do
///
/// The users' keys come from a fixed seed, so that two runs give the same result. The filter's own code chooses for them and
/// judges their answers. A rule with a ramp has the weights of the time that you give, and its shares over time are drawn.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Examples:\n  $ canary simulate canary.yaml --to new.yaml\n  $ canary simulate canary.yaml --errors green-sub=20% --background 1% --rate 100"
)]
pub(crate) struct Arguments {
    /// The file with the configuration; `-` reads standard input
    file: PathBuf,
    /// How many users there are
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    users: u32,
    /// When, as 2026-12-01T09:00:00Z; a ramp has the weights of this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<i64>,
    /// The file that will replace it: shows who moves to another version
    #[arg(long, value_name = "NEW_FILE")]
    to: Option<PathBuf>,
    /// Simulate only the rule of this name
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// A version that begins to fail, and how many of its answers are errors then
    #[arg(long, value_name = "LABEL=PERCENT")]
    errors: Vec<Failing>,
    /// How many answers of every other version are errors
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent)]
    background: f64,
    /// Requests a second of each rule
    #[arg(long, value_name = "N", default_value = "100", value_parser = rate)]
    rate: f64,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Report {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    at: i64,
    users: u32,
    rules: Vec<SimulatedRule>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Ended, Usage> {
    let name = shown(&arguments.file);
    let to = arguments.to.as_deref().map(shown);
    if to.as_ref() == Some(&name) && name == "<stdin>" {
        return Err(Usage(
            "simulate: only one of the two files can be standard input".to_owned(),
        ));
    }
    let scenario = Scenario {
        users: arguments.users,
        at: arguments.at.unwrap_or_else(unix_seconds),
        rule: arguments.rule,
        failing: arguments.errors,
        background: arguments.background,
        rate: arguments.rate,
    };
    let read = |path: &Path| content(path).map_err(|fault: Fault| refused(&shown(path), &[fault]));
    let old = match read(&arguments.file) {
        Ok(content) => content,
        Err(ended) => return Ok(ended),
    };
    let new = match arguments.to.as_deref().map(read).transpose() {
        Ok(content) => content,
        Err(ended) => return Ok(ended),
    };
    let new = new.as_deref().zip(arguments.to.as_deref());
    let source = |(content, path)| Source {
        content,
        must_be_json: is_json(path),
    };
    let (old, new) = (
        source((old.as_slice(), arguments.file.as_path())),
        new.map(source),
    );
    let rules = match with_progress(|progress| simulate(old, new, &scenario, progress)) {
        Ok(rules) => rules,
        Err(NotSimulated::File(faults)) => return Ok(refused(&name, &faults)),
        Err(NotSimulated::NewFile(faults)) => {
            return Ok(refused(to.as_deref().unwrap_or_default(), &faults));
        }
        Err(NotSimulated::Argument(reason)) => return Err(Usage(format!("simulate: {reason}"))),
    };
    Ok(Ended::of(match arguments.output {
        Output::Text => {
            let texts = rules
                .iter()
                .map(|rule| rule.text(&name, to.as_deref(), &scenario));
            print_styled(&texts.collect::<Vec<_>>().join("\n"))
        }
        Output::Json => print_json(&Report {
            file: name,
            to,
            at: scenario.at,
            users: scenario.users,
            rules,
        }),
    }))
}

/// Shows the progress on standard error, if that is a terminal and it takes long. The cursor is never hidden, so Ctrl-C
/// leaves the terminal as it was.
fn with_progress<R>(work: impl FnOnce(&Progress) -> R) -> R {
    let progress = Progress::default();
    let (ended, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Moved here, so that it does not outlive the thread.
            let wait = wait;
            if wait.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new(progress.get().1);
            let template = "{percent:>3} % {bar:40} {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            loop {
                let (done, total) = progress.get();
                bar.set_length(total);
                bar.set_position(done);
                if wait.recv_timeout(REFRESH) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            bar.finish_and_clear();
        });
        let result = work(&progress);
        drop(ended);
        result
    })
}

fn rate(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e6 => Ok(rate),
        _ => Err("write a number of requests a second, above 0 and at most 1000000"),
    }
}
