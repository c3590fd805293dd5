//! The arguments of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use canary::{Change, Weight};
use lexopt::{Arg, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
canary checks a configuration of canary-filter and changes its weights in place.

Usage:
  canary check FILE...                      check whether the filter accepts the configuration
  canary weights FILE RULE LABEL=WEIGHT...  set weights and leave every other byte unchanged

FILE is what you give to Envoy or Kubernetes, in YAML or JSON: an ECDS file, a listener or a
bootstrap with the Wasm filter; a WasmPlugin, TrafficExtension or EnvoyExtensionPolicy; or the bare
configuration.

Options:
  -h, --help     print this text, or that of a command with `canary COMMAND --help`
  -V, --version  print the version

Exit status: 0 success, 1 the file was refused or could not be changed, 2 wrong usage.
";

pub(crate) const CHECK: &str = "\
canary check FILE...

Reads every configuration of the filter in each FILE with the filter's own code. Prints the rules
with their shares, or every fault as FILE:LINE:COLUMN: PATH: REASON. `-` reads standard input.

  $ canary check envoy/canary.yaml
  envoy/canary.yaml: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %

A FILE has the configuration of the filter
  - as a StringValue of an Envoy Wasm filter (ECDS, listener, bootstrap, EnvoyFilter),
  - in a WasmPlugin or TrafficExtension of Istio, or an EnvoyExtensionPolicy of Envoy Gateway,
    among other documents if you like, or
  - as the whole file.
Aliases and merge keys are followed as Kubernetes' tools do. Render a template (Helm, Jinja) first.
A file whose name ends in .json must be JSON.

Warnings do not change the exit status: two plugins with the same name or the same responseHeader.
";

pub(crate) const WEIGHTS: &str = "\
canary weights FILE RULE LABEL=WEIGHT...

Sets the weights of a rule's destinations. LABEL is the subset of a destination, or its cluster or
host if it has no subset. Destinations that you do not name keep their weights. Comments and layout
stay, and the command writes nothing that the filter would refuse. It replaces FILE by rename, which
a running Envoy notices. FILE cannot be standard input.

  $ canary weights envoy/canary.yaml color blue-sub=50 green-sub=50
  color: blue-sub 50 (50 %), green-sub 50 (50 %)
";

/// What the user asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Print(String),
    Check(Vec<PathBuf>),
    Weights(PathBuf, Change),
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_args(arguments);
    match next(&mut parser, USAGE)? {
        Next::Print(text) => Ok(Command::Print(text)),
        Next::Value(command) if command == "check" => check(&mut parser),
        Next::Value(command) if command == "weights" => weights(&mut parser),
        Next::Value(command) if command == "help" => Ok(Command::Print(USAGE.to_owned())),
        Next::Value(command) => Err(format!("unknown command `{}`", command.to_string_lossy())),
        Next::End => Err("missing command: use check or weights".to_owned()),
    }
}

enum Next {
    Print(String),
    Value(OsString),
    End,
}

fn next(parser: &mut Parser, help: &str) -> Result<Next, String> {
    match parser.next().map_err(|error| error.to_string())? {
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Next::Print(help.to_owned())),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Next::Print(format!(
            "canary {}\n",
            env!("CARGO_PKG_VERSION")
        ))),
        Some(Arg::Value(value)) => Ok(Next::Value(value)),
        Some(option) => Err(option.unexpected().to_string()),
        None => Ok(Next::End),
    }
}

fn check(parser: &mut Parser) -> Result<Command, String> {
    let mut files = Vec::new();
    loop {
        match next(parser, CHECK)? {
            Next::Print(text) => return Ok(Command::Print(text)),
            Next::Value(file) => files.push(file.into()),
            Next::End if files.is_empty() => return Err("check: missing FILE".to_owned()),
            Next::End => return Ok(Command::Check(files)),
        }
    }
}

fn weights(parser: &mut Parser) -> Result<Command, String> {
    let (mut file, mut rule, mut weights) = (None, None, Vec::new());
    loop {
        match next(parser, WEIGHTS)? {
            Next::Print(text) => return Ok(Command::Print(text)),
            Next::Value(value) if file.is_none() => file = Some(PathBuf::from(value)),
            Next::Value(value) => {
                let value = value
                    .string()
                    .map_err(|error| format!("weights: {error}"))?;
                match rule {
                    None => rule = Some(value),
                    Some(_) => weights.push(
                        value
                            .parse::<Weight>()
                            .map_err(|error| format!("weights: {error}"))?,
                    ),
                }
            }
            Next::End => break,
        }
    }
    match (file, rule) {
        (Some(file), _) if file.as_os_str() == "-" => {
            Err("weights: cannot change standard input: name a file".to_owned())
        }
        (Some(file), Some(rule)) => {
            let change = Change::new(rule, weights).map_err(|error| format!("weights: {error}"))?;
            Ok(Command::Weights(file, change))
        }
        (Some(_), None) => Err("weights: missing RULE".to_owned()),
        (None, _) => Err("weights: missing FILE".to_owned()),
    }
}
