//! What many rules need in memory, by the number of workers: each worker of the wasm module has a virtual machine with all
//! rules, and the native module has them once.

use std::fmt::Write;

use crate::Trouble;
use crate::parts::is_wanted;
use crate::policies::MANY;
use crate::server::{Server, settle};
use crate::table::quantile;
use crate::variant::{Form, Variant};
use crate::variants::{SHIPPED, native_with_rules, with_rules};

const WORKERS: [usize; 3] = [1, 2, 8];

/// The MiB that [`MANY`] rules add to one, one number for each round, by the number of workers.
type Growth = [Vec<f64>; WORKERS.len()];

/// What is measured of one module.
#[derive(Debug)]
struct Grown {
    module: &'static str,
    resident: Growth,
    /// The heap, in which are the native module's rules, Envoy's copies of the configuration, and the metrics. The memory of
    /// virtual machines is not.
    heap: Growth,
}

/// Starts `rounds` Envoys with one rule and with many, for each module and number of workers, in turn. Returns the table of
/// the medians.
pub(crate) fn measure(rounds: usize) -> Result<String, Trouble> {
    let native = |form: Form| {
        (
            form.name(),
            [1, MANY].map(|count| native_with_rules(form, count)),
        )
    };
    let mut modules = vec![
        (SHIPPED, [with_rules(1)?, with_rules(MANY)?]),
        native(Form::Filter),
        native(Form::Both),
    ];
    modules.retain(|(module, _)| is_wanted(module));
    let mut grown: Vec<Grown> = modules
        .iter()
        .map(|(module, _)| Grown {
            module,
            resident: Growth::default(),
            heap: Growth::default(),
        })
        .collect();
    for round in 1..=rounds {
        for ((_, variants), grown) in modules.iter().zip(&mut grown) {
            for (at, workers) in WORKERS.into_iter().enumerate() {
                let [one, many] = variants.each_ref().map(|variant| memory(variant, workers));
                let ([one, one_heap], [many, many_heap]) = (one?, many?);
                grown.resident[at].push(many - one);
                grown.heap[at].push(many_heap - one_heap);
            }
        }
        eprint!("\rmemory: {round} of {rounds}");
    }
    eprintln!();
    render(&mut grown, rounds)
}

/// The resident memory and the heap of an Envoy that has taken its configuration, in MiB.
fn memory(variant: &Variant, workers: usize) -> Result<[f64; 2], Trouble> {
    let server = Server::with_workers(std::slice::from_ref(variant), workers)?;
    settle(&server.meter)?;
    let resident = server.meter.resident()? as f64 / 1024.0;
    Ok([resident, server.heap()? as f64 / (1024.0 * 1024.0)])
}

fn render(grown: &mut [Grown], rounds: usize) -> Result<String, Trouble> {
    let mut text = format!("| {MANY} rules instead of 1 add, MiB, medians of {rounds} |");
    for workers in WORKERS {
        write!(
            text,
            " {workers} worker{} |",
            if workers == 1 { "" } else { "s" }
        )?;
    }
    writeln!(
        text,
        " each further worker |\n| --- |{}",
        " ---: |".repeat(WORKERS.len() + 1)
    )?;
    for grown in grown {
        for (what, growth) in [
            ("resident", &mut grown.resident),
            ("heap, without virtual machines", &mut grown.heap),
        ] {
            let medians = growth.each_mut().map(|values| quantile(values, 0.5));
            write!(text, "| {}, {what} |", grown.module)?;
            for median in medians {
                write!(text, " {median:.1} |")?;
            }
            writeln!(text, " {:.2} |", per_worker(medians))?;
        }
    }
    Ok(text)
}

/// What each worker beyond the fewest adds, up to the most.
fn per_worker(growth: [f64; WORKERS.len()]) -> f64 {
    let last = WORKERS.len() - 1;
    (growth[last] - growth[0]) / (WORKERS[last] - WORKERS[0]) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_adds_the_slope_from_the_fewest_to_the_most() {
        assert_eq!(per_worker([30.0, 45.0, 135.0]), 15.0);
        assert_eq!(per_worker([30.0, 31.0, 30.0]), 0.0);
    }
}
