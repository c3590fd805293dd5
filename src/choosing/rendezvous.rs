//! Weighted rendezvous hashing: every user has a score for every destination, and the best score wins.
//!
//! A score is an exponential variable with the weight as its rate, so the share of a destination is its weight over the
//! sum. The scores of one destination do not depend on the others: raising its weight by some moves exactly those
//! users that it gains, taking it out moves only its own, and scale and order of the weights are nothing.
//! (Wang, Ravishankar: "Weighted distributed hash tables", 2009; Schindelhauer, Schomaker: "Weighted distributed hash
//! tables", SPAA 2005.)

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Half of the distance between two numbers that 53 bits can tell apart in 0..1, and that distance.
const HALF: f64 = 0.5;
const STEP: f64 = 1.0 / (1_u64 << 53) as f64;

/// The seed of a destination: `XXH3_64(salt ‖ 0x00 ‖ label)`.
pub(crate) fn seed(salt: &str, label: &str) -> u64 {
    xxh3_64(&[salt.as_bytes(), &[0], label.as_bytes()].concat())
}

/// A hash of a key that depends on no rule.
pub(crate) fn user(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// The index of the destination with the smallest score; one of weight 0 takes no part.
pub(crate) fn pick(key: &[u8], destinations: impl Iterator<Item = (u64, u32)>) -> Option<usize> {
    let scores = destinations
        .enumerate()
        .filter(|(_, (_, weight))| *weight > 0);
    let scores =
        scores.map(|(index, (seed, weight))| (index, score(xxh3_64_with_seed(key, seed), weight)));
    scores
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(index, _)| index)
}

/// `-ln(u) / weight`, where `u` is the hash as an even number in 0..1, both ends left out.
fn score(hash: u64, weight: u32) -> f64 {
    // The 53 bits fit a double exactly.
    let u = ((hash >> 11) as f64 + HALF) * STEP;
    // The same logarithm to the last bit on every platform: a native tool must agree with the module.
    -libm::log(u) / f64::from(weight)
}

#[cfg(test)]
mod tests;
