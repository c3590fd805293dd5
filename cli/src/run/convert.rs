//! `canary convert`.

use std::path::{Path, PathBuf};

use canary::{Converted, Input, convert};

use crate::output::{Output, complain, content, is_json, print, print_json, shown};
use crate::run::Ended;

/// Convert an Istio canary to the filter's configuration and the VirtualService that goes with it
///
/// Reads VirtualServices, and the DestinationRules and Services of their destinations, each FILE with one or several
/// documents of any of these kinds. Prints the configuration (`spec.pluginConfig` of a WasmPlugin) and the VirtualServices
/// to apply with it. What stays in the VirtualServices is listed with the reason on standard error.
///
/// The result means the same as the original. What cannot be converted so is refused.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example:\n  $ canary convert virtual-service.yaml destination-rule.yaml --service service.yaml > canary.yaml"
)]
pub(crate) struct Arguments {
    /// The files to convert; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A file with Services, which give the ports of destinations that name none; can be repeated
    #[arg(long = "service", value_name = "FILE")]
    services: Vec<PathBuf>,
    /// The port of destinations that name none and whose Service is not known or has several
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// What to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

pub(crate) fn run(arguments: &Arguments) -> Ended {
    let mut files = Vec::new();
    for path in arguments.files.iter().chain(&arguments.services) {
        match content(path) {
            Ok(content) => files.push((shown(path), content, path)),
            Err(fault) => {
                complain(&fault.in_file(&shown(path)));
                return Ended::Badly;
            }
        }
    }
    let inputs: Vec<_> = files
        .iter()
        .map(
            |(name, content, path): &(String, Vec<u8>, &PathBuf)| Input {
                name,
                content,
                must_be_json: is_json(Path::new(path)),
            },
        )
        .collect();
    match convert(&inputs, arguments.port) {
        Ok(converted) => Ended::of(report(&converted, arguments.output)),
        Err(refusal) => {
            complain(&refusal.to_string());
            Ended::Badly
        }
    }
}

fn report(converted: &Converted, output: Output) -> bool {
    match output {
        Output::Json => print_json(&converted.json()),
        Output::Text => {
            let printed = print(&converted.yaml());
            for left in &converted.left {
                complain(&format!(
                    "note: {}: {}: stays: {}",
                    left.object, left.path, left.reason
                ));
            }
            for note in &converted.notes {
                complain(&format!("note: {note}"));
            }
            printed
        }
    }
}
