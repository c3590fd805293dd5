//! `canary check`.

use std::path::{Path, PathBuf};

use canary::{Checked, Circumstances, Fault, Report, Severity, Surroundings, check};
use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::output::{
    Output, complain_of, content, is_json, print, print_json, shown, unix_seconds,
};
use crate::run::{Ended, time};

/// Check whether the filter accepts a configuration, and warn of likely mistakes
///
/// Reads every configuration of the filter in each FILE with the filter's own code. Prints the rules with their shares, or
/// every fault as FILE:LINE:COLUMN: PATH: REASON.
///
/// A FILE is what you give to Envoy or Kubernetes, in YAML or JSON: an ECDS file, a listener, a bootstrap or an EnvoyFilter
/// with the filter, as wasm or native module; a WasmPlugin or TrafficExtension of Istio, or an EnvoyExtensionPolicy of
/// Envoy Gateway, among other documents if you like; or the bare configuration. Aliases and merge keys are followed as
/// Kubernetes' tools do. Render a template (Helm, Jinja) first. A file whose name ends in .json must be JSON.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example:\n  $ canary check canary.yaml\n  canary.yaml: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %"
)]
pub(crate) struct Arguments {
    /// The files to check; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Files around the filter: EnvoyFilter, VirtualService, HTTPRoute, DestinationRule, Service, Gateway,
    /// the policies of Envoy Gateway, or Envoy's configuration. Routes and services that do not fit the configuration are
    /// reported
    #[arg(long, value_name = "FILE", num_args = 1..)]
    with: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    /// Exit with status 1 if there are warnings, too
    #[arg(long)]
    strict: bool,
    /// The time at which ramps are looked at, such as 2026-12-01T09:00:00Z; by default the present
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<i64>,
}

/// What is printed: as every reading command, and annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    For(Output),
    Github,
    Gitlab,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::For(Output::Text),
            Self::For(Output::Json),
            Self::Github,
            Self::Gitlab,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::For(output) => output.to_possible_value()?,
            Self::Github => PossibleValue::new("github").help("Annotations of GitHub Actions"),
            Self::Gitlab => PossibleValue::new("gitlab").help("A Code Quality report of GitLab"),
        })
    }
}

/// A file with what it has, or why it cannot be read.
struct Input {
    name: String,
    is_json: bool,
    content: Result<Vec<u8>, Fault>,
}

/// The outcome for a file with this name.
type Outcome = (String, Checked);

pub(crate) fn run(arguments: &Arguments) -> Ended {
    let around: Vec<_> = arguments.with.iter().map(Input::read).collect();
    let mut surroundings = Surroundings::default();
    let mut around_checked: Vec<Outcome> = around
        .iter()
        .map(|input| input.add_to(&mut surroundings))
        .collect();
    let circumstances = Circumstances {
        now: arguments.at.unwrap_or_else(unix_seconds),
        surroundings: (!around.is_empty()).then_some(&surroundings),
    };
    let mut done = Ended::Well;
    let mut checked = Vec::new();
    // A refused file does not keep the next ones from being checked.
    for input in arguments.files.iter().map(Input::read) {
        let outcome = input.check(circumstances);
        if arguments.output == Format::For(Output::Text) {
            done = done.and(print_text(&outcome));
        }
        checked.push(outcome);
    }
    let headers = checked.iter().flat_map(|(_, outcome)| outcome.headers());
    for (number, fault) in surroundings.problems(headers) {
        if let Some((_, outcome)) = around_checked.get_mut(number) {
            outcome.problems.push(fault);
        }
    }
    if arguments.output == Format::For(Output::Text) {
        for (name, outcome) in &around_checked {
            complain_of(name, &outcome.problems);
        }
    }
    checked.append(&mut around_checked);
    done.and(print_report(&checked, arguments.output))
        .and(verdict(&checked, arguments.strict))
}

impl Input {
    fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self {
            name: shown(path),
            is_json: is_json(path),
            content: content(path),
        }
    }

    fn check(self, circumstances: Circumstances<'_, '_>) -> Outcome {
        let outcome = match self.content {
            Ok(content) => check(&content, self.is_json, circumstances),
            Err(fault) => Checked::refused(fault),
        };
        (self.name, outcome)
    }

    fn add_to<'i>(&'i self, surroundings: &mut Surroundings<'i>) -> Outcome {
        let content = self.content.as_deref().unwrap_or_default();
        let added = surroundings.add(content, self.is_json);
        let outcome = match self.content.as_ref().err().cloned().or(added.err()) {
            Some(fault) => Checked::refused(fault),
            None => Checked::default(),
        };
        (self.name.clone(), outcome)
    }
}

/// Prints the outcome in a format for programs.
fn print_report(checked: &[Outcome], format: Format) -> Ended {
    let files = checked
        .iter()
        .map(|(name, outcome)| (name.as_str(), outcome));
    let report = Report::new(files);
    Ended::of(match format {
        Format::For(Output::Text) => true,
        Format::For(Output::Json) => print_json(&report),
        Format::Github => print(&report.for_github()),
        Format::Gitlab => print_json(&report.for_gitlab()),
    })
}

fn print_text((name, outcome): &Outcome) -> Ended {
    complain_of(name, &outcome.problems);
    if !outcome.is_accepted() {
        return Ended::Badly;
    }
    Ended::of(match outcome.configurations.as_slice() {
        [only] => print(&format!("{name}: {}\n", only.report())),
        several => {
            let lines = several
                .iter()
                .map(|accepted| format!("{name}:{}: {}\n", accepted.line, accepted.report()));
            print(&lines.collect::<String>())
        }
    })
}

fn verdict(checked: &[Outcome], strict: bool) -> Ended {
    let mut problems = checked.iter().flat_map(|(_, outcome)| &outcome.problems);
    let is_bad = |fault: &Fault| strict || fault.severity() == Severity::Error;
    Ended::of(!problems.any(is_bad))
}
