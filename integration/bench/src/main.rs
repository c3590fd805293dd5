//! `make bench`, the part in a real Envoy: what the filter costs, compared with its alternatives.
//!
//! ```text
//! Load ──► one Envoy, one worker, a listener per Variant ──► two Upstreams, blue and green
//! ```
//!
//! The largest [`Part`] is the CPU time per request that the filter adds to a plain route. The variants take turns in short
//! slices, in a new order every round, and are compared within the round: a disturbance of the machine that lasts longer
//! than a round affects all of them alike. The client and the upstreams are in this process, so Envoy's CPU time is that of
//! its own process. The other parts are about Envoy's start, its memory, updates under load, and the command.

#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    reason = "a measurement for developers: tables and columns have fixed lengths, and a mistake may end it"
)]
#![allow(clippy::disallowed_methods, reason = "not the core: it measures time")]

mod bootstrap;
mod command;
mod cost;
mod floor;
mod load;
mod machine;
mod memory;
mod open_loop;
mod parts;
mod policies;
mod rounds;
mod server;
mod startup;
mod table;
mod updates;
mod upstream;
mod variant;
mod variants;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use parts::Part;

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
    /// The number of starts of Envoy with each module and without one.
    starts: usize,
    /// The number of updates of each module under load.
    updates: usize,
    /// The time from one of them to the next. Each has to be in force then.
    period: Duration,
}

impl Sizes {
    fn from_environment() -> Result<Self, Trouble> {
        Ok(Self {
            servers: number("BENCH_SERVERS", 8)?,
            warm_up: number("BENCH_WARM_UP", 8_000)?,
            rounds: number("BENCH_ROUNDS", 30)?,
            requests: number("BENCH_REQUESTS", 1_000)?,
            starts: number("BENCH_STARTS", 5)?,
            updates: number("BENCH_UPDATES", 10)?,
            period: Duration::from_secs(number("BENCH_PERIOD", 6)? as u64),
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

/// Measures and prints the tables, one after the other, so that a failure loses nothing that was measured before.
fn run() -> Result<(), Trouble> {
    let sizes = Sizes::from_environment()?;
    let parts = Part::wanted()?;
    println!("{}\n", machine::describe()?);
    for part in parts {
        println!("{}", part.measure(sizes)?);
    }
    Ok(())
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
