//! The measurement: slices of all variants in turn.

use std::thread;
use std::time::Duration;

use crate::load::{Load, Tally};
use crate::server::Server;
use crate::variant::Variant;
use crate::{Sizes, Trouble};

/// The measurements of one variant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// Envoy's CPU time per request in µs, one number for each round.
    pub(crate) micros: Vec<f64>,
    pub(crate) tally: Tally,
}

/// The time after a slice in which Envoy's threads go to sleep: Linux counts a thread's time when it leaves the CPU.
const PAUSE: Duration = Duration::from_micros(500);

/// Every round has one slice of each variant, in an order that differs from round to round but not from run to run. The
/// measurements are appended to the columns.
pub(crate) fn measure(
    server: &Server,
    variants: &[Variant],
    sizes: Sizes,
    columns: &mut [Column],
) -> Result<(), Trouble> {
    let mut loads: Vec<Load> = variants
        .iter()
        .map(|variant| server.load(variant))
        .collect::<Result<_, _>>()?;
    let mut order: Vec<usize> = (0..variants.len()).collect();
    let done = columns.first().map_or(0, |column| column.micros.len());
    let mut random = 0x2545_F491_4F6C_DD1D ^ done as u64;
    for _ in 0..sizes.rounds {
        shuffle(&mut order, &mut random);
        for &at in &order {
            let before = server.meter.run_time()?;
            let tally = loads[at].send(sizes.requests)?;
            thread::sleep(PAUSE);
            let used = server.meter.run_time()? - before;
            columns[at]
                .micros
                .push(used.as_secs_f64() * 1e6 / tally.requests() as f64);
            columns[at].tally += tally;
        }
    }
    Ok(())
}

/// Fisher and Yates.
pub(crate) fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        order.swap(last, xorshift(random) % (last + 1));
    }
}

/// Marsaglia's generator: the same numbers in every run.
pub(crate) fn xorshift(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}
