//! How long Envoy takes until it is ready, and how much memory it uses then: without the module, and with it and several
//! numbers of rules.

use std::fmt::Write;

use crate::Trouble;
use crate::server::Server;
use crate::table::quantile;
use crate::variant::Variant;
use crate::variants;

/// The numbers of rules; 0 means Envoy without the module.
const RULES: [usize; 5] = [0, 1, 100, 1_000, 10_000];

/// The measurements of the starts with one number of rules.
#[derive(Debug, Default)]
struct Starts {
    /// ms from the start until Envoy was ready.
    ready: Vec<f64>,
    /// ms of CPU time until then.
    used: Vec<f64>,
    /// MiB.
    resident: Vec<f64>,
}

/// Starts `rounds` Envoys of each kind, in turn. Returns the table of the medians.
pub(crate) fn measure(rounds: usize) -> Result<String, Trouble> {
    let variants: Vec<[Variant; 1]> = RULES
        .map(|count| {
            Ok([if count == 0 {
                Variant::plain()
            } else {
                variants::with_rules(count)?
            }])
        })
        .into_iter()
        .collect::<Result<_, Trouble>>()?;
    let mut starts: [Starts; RULES.len()] = Default::default();
    for round in 1..=rounds {
        for (variant, starts) in variants.iter().zip(&mut starts) {
            let server = Server::start(variant)?;
            starts.ready.push(server.ready_after.as_secs_f64() * 1e3);
            starts
                .used
                .push(server.meter.run_time()?.as_secs_f64() * 1e3);
            starts
                .resident
                .push(server.meter.resident()? as f64 / 1024.0);
        }
        eprint!("\rstarts: {round} of {rounds}");
    }
    eprintln!();
    render(&mut starts, rounds)
}

fn render(starts: &mut [Starts; RULES.len()], rounds: usize) -> Result<String, Trouble> {
    let mut text = format!(
        "| start, medians of {rounds} | ready, ms | beyond Envoy's own | spread | CPU, ms | resident, MiB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let own = starts[0].ready.clone();
    let mut resident = [0.0; RULES.len()];
    for (at, starts) in starts.iter_mut().enumerate() {
        let mut beyond: Vec<f64> = starts
            .ready
            .iter()
            .zip(&own)
            .map(|(this, own)| this - own)
            .collect();
        let [middle, low, high] = [0.5, 0.0, 1.0].map(|part| quantile(&mut beyond, part));
        let [ready, used] =
            [&mut starts.ready, &mut starts.used].map(|values| quantile(values, 0.5));
        resident[at] = quantile(&mut starts.resident, 0.5);
        let (name, beyond, spread) = match RULES[at] {
            0 => ("no module".to_owned(), String::new(), String::new()),
            1 => (
                "1 rule".to_owned(),
                format!("{middle:.0}"),
                format!("{low:.0} to {high:.0}"),
            ),
            many => (
                format!("{many} rules"),
                format!("{middle:.0}"),
                format!("{low:.0} to {high:.0}"),
            ),
        };
        let resident = resident[at];
        writeln!(
            text,
            "| {name} | {ready:.0} | {beyond} | {spread} | {used:.0} | {resident:.1} |"
        )?;
    }
    let per_rule = |at: usize| (resident[at] - resident[1]) * 1024.0 / (RULES[at] - 1) as f64;
    let [thousand, most] = [3, 4].map(per_rule);
    writeln!(
        text,
        "\nMemory: {thousand:.1} KiB a rule up to 1000 rules, {most:.1} KiB a rule up to 10000 (one worker, so two VMs)."
    )?;
    Ok(text)
}
