//! `canary weights`.

use std::path::{Path, PathBuf};

use canary::{Change, Fault, Replacement, Weight, change_weights};

use crate::output::{complain, is_json, print, shown, unix_seconds};
use crate::run::{Ended, Usage};

/// Change the weights of a rule in a file and leave every other byte unchanged
///
/// Destinations that you do not name keep their weights. Comments and layout stay, and the command writes nothing that the
/// filter would refuse. It replaces FILE by rename, which a running Envoy notices.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example:\n  $ canary weights envoy/canary.yaml color blue-sub=50 green-sub=50\n  color: blue-sub 50 (50 %), green-sub 50 (50 %)"
)]
pub(crate) struct Arguments {
    /// The file to change
    file: PathBuf,
    /// The name of the rule
    rule: String,
    /// The new weight of a destination; LABEL is its subset, or its cluster or host if it has no subset
    #[arg(required = true, value_name = "LABEL=WEIGHT")]
    weights: Vec<Weight>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Ended, Usage> {
    let Arguments {
        file,
        rule,
        weights,
    } = arguments;
    if file.as_os_str() == "-" {
        return Err(Usage(
            "weights: cannot change standard input: name a file".to_owned(),
        ));
    }
    let change = Change::new(rule, weights).map_err(|error| Usage(format!("weights: {error}")))?;
    Ok(match set_weights(&file, &change) {
        Ok(line) => Ended::of(print(&line)),
        Err(fault) => {
            complain(&fault.in_file(&shown(&file)));
            Ended::Badly
        }
    })
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
