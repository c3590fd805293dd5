//! Shares between two steps, as weights.
//!
//! At the part `f` of the way from weights `a` to weights `b` a destination's share is
//! `(1 - f) · a_i / Σa + f · b_i / Σb`. As `f` grows, the ratio of any two shares rises all the way or falls all the way.
//!
//! Rounded shares would disturb these ratios and move sticky users to and fro. So the *time* is rounded where possible:
//! both lists of weights are brought to the same sum, and `f` becomes a fraction `k / parts`, with few enough parts for
//! the whole numbers `(parts - k) · a_i + k · b_i` to be within the limit of a weight. For usual weights, whose sums are
//! 100 or 10,000, a part is a second long, or there are at least [`FINE`] parts. Only where two lists have no small
//! common sum are the shares rounded, to a part in 2^30.

/// Parts of the way that are fine enough: a share is then wrong by less than 1 in 100,000.
const FINE: u128 = 100_000;

/// The largest weight, as in Istio, whose weights are `int32`.
const LARGEST: u128 = i32::MAX as u128;

/// The weights `elapsed` milliseconds after `from` held, where `to` holds after `length` milliseconds; `elapsed` is above 0
/// and below `length`. The weights are asked for once a second, so that two values of `elapsed` on one way differ by whole
/// seconds. Both lists are equally long. No share that is above 0 becomes a weight of 0.
pub(super) fn between(from: &[u32], to: &[u32], elapsed: u64, length: u64) -> Vec<u32> {
    let sum = |weights: &[u32]| weights.iter().map(|weight| u64::from(*weight)).sum();
    let (sum_from, sum_to): (u64, u64) = (sum(from), sum(to));
    if sum_from == 0 || sum_to == 0 {
        // There is one destination, which gets everything whatever its weight.
        return to.to_vec();
    }
    // The same all the way: a second, unless a step begins at a fraction of one.
    let unit = gcd(gcd(elapsed, 1_000), length);
    let (elapsed, length) = (u128::from(elapsed / unit), u128::from(length / unit));
    let divisor = u128::from(gcd(sum_from, sum_to));
    let (sum_from, sum_to) = (u128::from(sum_from), u128::from(sum_to));
    let sum = sum_from / divisor * sum_to;
    let most = match LARGEST / sum {
        most if most >= length.min(FINE) => most,
        _ => LARGEST,
    };
    let parts = length.min(most);
    // Neither end is reached before its time: a destination whose share leaves 0 has a weight at once.
    let part = (elapsed * parts / length).min(parts - 1).max(1);
    // Only here shares are rounded, and not if all weights together are within the limit.
    let divisor = divisor * (sum * parts).div_ceil(LARGEST);
    let weight = |(&from, &to): (&u32, &u32)| {
        let share = (parts - part) * u128::from(from) * sum_to + part * u128::from(to) * sum_from;
        let weight = u32::try_from(share / divisor).unwrap_or(u32::MAX);
        weight.max(u32::from(share > 0))
    };
    from.iter().zip(to).map(weight).collect()
}

fn gcd(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests;
