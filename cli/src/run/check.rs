//! `canary check`.

use std::path::{Path, PathBuf};

use canary::{Accepted, check};

use crate::output::{complain, content, is_json, print, shown};
use crate::run::Ended;

/// Check whether the filter accepts a configuration
///
/// Reads every configuration of the filter in each FILE with the filter's own code. Prints the rules with their shares, or
/// every fault as FILE:LINE:COLUMN: PATH: REASON.
///
/// A FILE is what you give to Envoy or Kubernetes, in YAML or JSON: an ECDS file, a listener, a bootstrap or an EnvoyFilter
/// with the Wasm filter; a WasmPlugin or TrafficExtension of Istio, or an EnvoyExtensionPolicy of Envoy Gateway, among other
/// documents if you like; or the bare configuration. Aliases and merge keys are followed as Kubernetes' tools do. Render a
/// template (Helm, Jinja) first. A file whose name ends in .json must be JSON.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example:\n  $ canary check envoy/canary.yaml\n  envoy/canary.yaml: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %"
)]
pub(crate) struct Arguments {
    /// The files to check; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Ended {
    // A refused file does not keep the next ones from being checked.
    arguments
        .files
        .iter()
        .map(|file| check_file(file))
        .fold(Ended::Well, Ended::and)
}

fn check_file(path: &Path) -> Ended {
    let name = shown(path);
    let checked = content(path)
        .map_err(|fault| vec![fault])
        .and_then(|content| check(&content, is_json(path)));
    match checked {
        Ok(checked) => {
            for warning in &checked.warnings {
                complain(&warning.in_file(&name));
            }
            Ended::of(match checked.configurations.as_slice() {
                [only] => print(&format!("{name}: {}\n", only.report())),
                several => {
                    let line = |accepted: &Accepted| {
                        format!("{name}:{}: {}\n", accepted.line, accepted.report())
                    };
                    print(&several.iter().map(line).collect::<String>())
                }
            })
        }
        Err(faults) => {
            for fault in &faults {
                complain(&fault.in_file(&name));
            }
            Ended::Badly
        }
    }
}
