//! Weighted rendezvous hashing: every user has a score for every destination, and the smallest score wins.
//!
//! A score is an exponential variable with the weight as its rate, so the share of a destination is its weight over the
//! sum of the weights. The scores of a destination do not depend on the others: raising its weight moves exactly the users
//! that it gains, removing it moves only its own users, and the scale and order of the weights do not matter.
//! (Wang, Ravishankar: "Weighted distributed hash tables", 2009; Schindelhauer, Schomaker: "Weighted distributed hash
//! tables", SPAA 2005.)

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// `STEP` is the distance between two neighbors among the 2^53 numbers in 0..1, and `HALF` is half of a step.
const HALF: f64 = 0.5;
const STEP: f64 = 1.0 / (1_u64 << 53) as f64;

/// The seed of a destination: `XXH3_64(salt ‖ 0x00 ‖ label)`.
pub(crate) fn seed(salt: &str, label: &str) -> u64 {
    xxh3_64(&[salt.as_bytes(), &[0], label.as_bytes()].concat())
}

/// The hash of a key, which is the same for all rules.
pub(crate) fn user(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// The index of the destination with the smallest score. A destination of weight 0 is never picked.
pub(crate) fn pick(key: &[u8], destinations: impl Iterator<Item = (u64, u32)>) -> Option<usize> {
    scores(key, destinations)
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(index, _)| index)
}

/// The index and the score of each destination that has a weight above 0.
pub(super) fn scores(
    key: &[u8],
    destinations: impl Iterator<Item = (u64, u32)>,
) -> impl Iterator<Item = (usize, f64)> {
    let weighted = destinations
        .enumerate()
        .filter(|(_, (_, weight))| *weight > 0);
    weighted
        .map(move |(index, (seed, weight))| (index, score(xxh3_64_with_seed(key, seed), weight)))
}

/// `-ln(u) / weight`, where `u` is the hash as a uniform number between 0 and 1, both excluded.
fn score(hash: u64, weight: u32) -> f64 {
    // The 53 bits fit a double exactly.
    let u = ((hash >> 11) as f64 + HALF) * STEP;
    // `libm` gives the same result to the last bit on every platform, because native tools must agree with the module.
    -libm::log(u) / f64::from(weight)
}

#[cfg(test)]
mod tests;
