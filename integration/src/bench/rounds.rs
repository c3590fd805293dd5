//! The measurement: slices of all variants in turn.

use std::thread;
use std::time::Duration;

use super::load::{Load, Tally};
use super::server::Server;
use super::variants::Variant;
use super::{Sizes, Trouble};

/// What was seen of one variant.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// Envoy's CPU time per request in µs, one number for each round.
    pub(super) micros: Vec<f64>,
    pub(super) tally: Tally,
}

/// After a slice Envoy has this long to go to sleep: Linux counts a thread's time when it leaves the CPU.
const PAUSE: Duration = Duration::from_micros(500);

/// Every round has one slice of each variant, in an order of its own that is the same in every run. What is seen goes to
/// the columns, behind what other servers have shown.
pub(super) fn measure(
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
fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        order.swap(last, xorshift(random) % (last + 1));
    }
}

/// Marsaglia's generator: the same numbers in every run.
pub(super) fn xorshift(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}
