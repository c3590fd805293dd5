//! `make bench`, the part in a real Envoy: the CPU time per request that the filter adds to a plain route, compared with
//! its alternatives.
//!
//! ```text
//! Load ──► one Envoy, one worker, a listener per Variant ──► two Upstreams, blue and green
//! ```
//!
//! The variants take turns in short slices, in a new order every round, and are compared within the round: a disturbance
//! of the machine that lasts longer than a round affects all of them alike. The client and the upstreams are in this
//! process, so Envoy's CPU time is that of its own process.

#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    reason = "a measurement for developers: tables and columns have fixed lengths, and a mistake may end it"
)]
#![allow(clippy::disallowed_methods, reason = "not the core: it measures time")]

mod bootstrap;
mod command;
mod load;
mod rounds;
mod server;
mod startup;
mod table;
mod upstream;
mod variants;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use load::Tally;
use rounds::Column;
use server::Server;
use variants::Variant;

/// Why there is no result, as a sentence.
type Trouble = Box<dyn Error>;

/// How much is measured. Environment variables change the numbers.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Envoys, one after the other: the layout of code and data in memory differs from start to start, and with it what
    /// the caches keep.
    servers: usize,
    /// Requests to each variant before the measurement, which also check its split.
    warm_up: usize,
    /// Rounds with each of these Envoys.
    rounds: usize,
    /// Requests to one variant in one round.
    requests: usize,
    /// The number of starts of Envoy with the module and without it.
    starts: usize,
}

impl Sizes {
    fn from_environment() -> Result<Self, Trouble> {
        Ok(Self {
            servers: number("BENCH_SERVERS", 8)?,
            warm_up: number("BENCH_WARM_UP", 8_000)?,
            rounds: number("BENCH_ROUNDS", 30)?,
            requests: number("BENCH_REQUESTS", 1_000)?,
            starts: number("BENCH_STARTS", 5)?,
        })
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints the tables.
fn run() -> Result<(), Trouble> {
    let sizes = Sizes::from_environment()?;
    let variants = variants::all()?;
    let machine = table::machine(sizes)?;
    let mut measured = vec![Column::default(); variants.len()];
    for number in 1..=sizes.servers {
        let server = Server::start(&variants)?;
        for variant in &variants {
            let tally = server.load(variant)?.send(sizes.warm_up)?;
            check(variant, tally)?;
            if number == 1 {
                eprintln!(
                    "{}: {} to blue, {} to green",
                    variant.name, tally.blue, tally.green
                );
            }
        }
        rounds::measure(&server, &variants, sizes, &mut measured)?;
        eprint!("\rEnvoys: {number} of {}", sizes.servers);
    }
    eprintln!();
    for (variant, column) in variants.iter().zip(&measured) {
        check(variant, column.tally)?;
    }
    // One after the other, so that a failure loses nothing that was measured before.
    println!("{machine}\n\n{}", table::render(&variants, &measured)?);
    println!("{}", startup::measure(sizes.starts)?);
    println!("{}", command::measure(sizes.starts)?);
    Ok(())
}

/// Checks that three quarters went to blue, within five standard deviations.
fn check(variant: &Variant, tally: Tally) -> Result<(), Trouble> {
    let blue = if variant.splits { 0.75 } else { 1.0 };
    let requests = tally.requests() as f64;
    let tolerance = 5.0 * (requests * blue * (1.0 - blue)).sqrt();
    if (tally.blue as f64 - requests * blue).abs() <= tolerance {
        return Ok(());
    }
    Err(format!(
        "{}: {} to blue and {} to green",
        variant.name, tally.blue, tally.green
    )
    .into())
}

fn number(variable: &str, usual: usize) -> Result<usize, Trouble> {
    let Ok(text) = env::var(variable) else {
        return Ok(usual);
    };
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{variable} is `{text}`, but it must be a whole number above 0").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_accepted_within_five_standard_deviations() {
        let variant = |splits| Variant {
            splits,
            ..Variant::plain()
        };
        for (splits, blue, green, fine) in [
            (true, 7500, 2500, true),
            (true, 7700, 2300, true),
            (true, 7720, 2280, false),
            (true, 2500, 7500, false),
            (false, 10000, 0, true),
            (false, 9999, 1, false),
        ] {
            assert_eq!(
                check(&variant(splits), Tally { blue, green }).is_ok(),
                fine,
                "{blue} {green}"
            );
        }
    }
}
