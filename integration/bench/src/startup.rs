//! How long Envoy takes until it is ready, and how much memory it uses then: without a module, and with each module and
//! several numbers of rules.

use std::fmt::Write;

use crate::Trouble;
use crate::parts::is_wanted;
use crate::policies::MANY;
use crate::rounds::shuffle;
use crate::server::{Server, settle};
use crate::table::quantile;
use crate::variant::{Form, Variant};
use crate::variants::{native_with_rules, with_rules};

/// The measurements of one kind of start.
#[derive(Clone, Debug, Default)]
struct Starts {
    /// ms from the start until Envoy was ready.
    ready: Vec<f64>,
    /// ms of CPU time until then.
    used: Vec<f64>,
    /// MiB, once Envoy has nothing left to do.
    resident: Vec<f64>,
}

/// Starts `rounds` Envoys of each kind, in turn. Returns the table of the medians.
pub(crate) fn measure(rounds: usize) -> Result<String, Trouble> {
    let kinds = kinds()?;
    let mut starts = vec![Starts::default(); kinds.len()];
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    let mut random = 0x2545_F491_4F6C_DD1D;
    for round in 1..=rounds {
        shuffle(&mut order, &mut random);
        for &at in &order {
            let server = Server::start(&kinds[at..=at])?;
            let starts = &mut starts[at];
            starts.ready.push(server.ready_after.as_secs_f64() * 1e3);
            let used = server.meter.run_time()?;
            starts.used.push(used.as_secs_f64() * 1e3);
            settle(&server.meter)?;
            let resident = server.meter.resident()?;
            starts.resident.push(resident as f64 / 1024.0);
        }
        eprint!("\rstarts: {round} of {rounds}");
    }
    eprintln!();
    render(&kinds, &starts, rounds)
}

/// What is started, without a module first.
fn kinds() -> Result<Vec<Variant>, Trouble> {
    let mut kinds = vec![Variant::plain()];
    for count in [1, 100, 1_000, MANY] {
        kinds.push(with_rules(count)?);
    }
    for form in [Form::Filter, Form::Both] {
        kinds.extend([1, MANY].map(|count| native_with_rules(form, count)));
    }
    let own = Variant::plain().name;
    kinds.retain(|kind| kind.name == own || is_wanted(&kind.name));
    Ok(kinds)
}

fn render(kinds: &[Variant], starts: &[Starts], rounds: usize) -> Result<String, Trouble> {
    let mut text = format!(
        "| start, medians of {rounds} | ready, ms | beyond Envoy's own | spread | CPU, ms | resident, MiB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let own = &starts[0].ready;
    for (at, (kind, starts)) in kinds.iter().zip(starts).enumerate() {
        let [ready, used, resident] =
            [&starts.ready, &starts.used, &starts.resident].map(|values| median(values));
        let (name, beyond) = if at == 0 {
            ("no module", " | ".to_owned())
        } else {
            (kind.name.as_str(), beyond(&starts.ready, own))
        };
        writeln!(
            text,
            "| {name} | {ready:.0} | {beyond} | {used:.0} | {resident:.1} |"
        )?;
    }
    Ok(text)
}

/// The median of the differences to Envoy's own start in the same round, and the range of the middle half of them.
fn beyond(ready: &[f64], own: &[f64]) -> String {
    let mut beyond: Vec<f64> = ready
        .iter()
        .zip(own)
        .map(|(this, own)| this - own)
        .collect();
    let [middle, low, high] = [0.5, 0.25, 0.75].map(|part| quantile(&mut beyond, part));
    format!("{middle:.0} | {low:.0} to {high:.0}")
}

fn median(values: &[f64]) -> f64 {
    quantile(&mut values.to_vec(), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_compared_with_envoys_own_of_the_same_round() {
        let (ready, own) = (
            [110.0, 260.0, 90.0, 500.0, 131.0],
            [100.0, 200.0, 70.0, 100.0, 91.0],
        );
        assert_eq!(beyond(&ready, &own), "40 | 20 to 60");
    }
}
