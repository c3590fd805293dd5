//! `canary weights`.

use std::path::{Path, PathBuf};

use canary::{Change, Changed, Fault, LiveChange, Replacement, Weight, change_weights};

use crate::output::{complain, complain_of, content, is_json, print, shown, unix_seconds};
use crate::run::{Ended, Usage};

mod live;

use live::Live;

/// Change the weights of a rule in a file or in a cluster and leave everything else unchanged
///
/// Destinations that you do not name keep their weights. Comments and layout stay, and the command writes nothing that the
/// filter would refuse. It replaces FILE by rename, which a running Envoy notices.
///
/// kube:NAMESPACE/WASMPLUGIN instead of FILE changes a WasmPlugin in the cluster of kubectl's current context. If somebody
/// else changes the rule at the same time, the command changes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example:\n  $ canary weights envoy/canary.yaml color blue-sub=50 green-sub=50\n  color: blue-sub 50 (50 %), green-sub 50 (50 %)\n  $ canary weights kube:istio-system/canary color blue-sub=50 green-sub=50"
)]
pub(crate) struct Arguments {
    /// The file to change, or kube:NAMESPACE/WASMPLUGIN
    file: PathBuf,
    /// The name of the rule
    rule: String,
    /// The new weight of a destination; LABEL is its subset, or its cluster or host if it has no subset
    #[arg(required_unless_present = "retry", value_name = "LABEL=WEIGHT")]
    weights: Vec<Weight>,
    /// End a rollback of the rule: give its `rollback.retry` a new text
    #[arg(long)]
    retry: bool,
    /// Print the change as a diff, or as the JSON patch for a WasmPlugin in a cluster, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Ended, Usage> {
    let Arguments {
        file,
        rule,
        weights,
        retry,
        dry_run,
    } = arguments;
    if file.as_os_str() == "-" {
        return Err(Usage(
            "weights: cannot change standard input: name a file".to_owned(),
        ));
    }
    let change = if weights.is_empty() {
        Change::only_retry(rule)
    } else {
        let change = Change::new(rule, weights);
        let change = change.map_err(|error| Usage(format!("weights: {error}")))?;
        if retry { change.and_retry() } else { change }
    };
    if let Some(live) = file.to_str().and_then(|text| text.strip_prefix("kube:")) {
        let live = live.parse();
        let live = live.map_err(|reason| Usage(format!("weights: {}: {reason}", shown(&file))))?;
        return Ok(run_live(&live, &change, dry_run));
    }
    let done = if dry_run {
        try_change(&file, &change)
    } else {
        carry_out(&file, &change)
    };
    Ok(match done {
        Ok(text) => Ended::of(print(&text)),
        Err(fault) => {
            complain_of(&shown(&file), &[fault]);
            Ended::Badly
        }
    })
}

fn carry_out(path: &Path, change: &Change) -> Result<String, Fault> {
    let replacement = Replacement::of(path)?;
    let changed = change_weights(replacement.content(), is_json(path), change)?;
    if let Some(text) = &changed.text {
        replacement.replace_with(text.as_bytes())?;
    }
    mind_the_ramp(&changed);
    Ok(summary(&changed))
}

fn try_change(path: &Path, change: &Change) -> Result<String, Fault> {
    let content = content(path)?;
    let changed = change_weights(&content, is_json(path), change)?;
    mind_the_ramp(&changed);
    Ok(changed.diff(&shown(path), &content) + &summary(&changed))
}

fn run_live(live: &Live, change: &Change, dry_run: bool) -> Ended {
    match carry_out_live(live, change, dry_run) {
        Ok(text) => Ended::of(print(&text)),
        Err(reason) => {
            complain(&format!("{}: {reason}", live.shown()));
            Ended::Badly
        }
    }
}

fn carry_out_live(live: &Live, change: &Change, dry_run: bool) -> Result<String, String> {
    let LiveChange { patch, changed } = live.change(change)?;
    let mut text = String::new();
    match patch {
        Some(patch) if dry_run => text = patch,
        Some(patch) => live.patch(&patch, change)?,
        None => {}
    }
    mind_the_ramp(&changed);
    Ok(text + &summary(&changed))
}

/// The rule's split after the change.
fn summary(changed: &Changed) -> String {
    let retry = changed.retry.iter().map(|text| format!("; retry: {text}"));
    let unchanged = if changed.text.is_none() {
        " (unchanged)"
    } else {
        ""
    };
    format!(
        "{}{}{unchanged}\n",
        changed.shares.with_weights(),
        retry.collect::<String>()
    )
}

fn mind_the_ramp(changed: &Changed) {
    if let Some(now) = changed.ramp_at(unix_seconds()) {
        complain(&format!(
            "note: the rule has a ramp; from its start on, the weights of the ramp apply instead of these. Now it is {now}"
        ));
    }
}
