//! The weights in force: those of the hour without what is out, and with a cap on what has just come back.

use super::settings::Settings;
use super::state::State;

/// Weights are scaled up until they sum to this before one of them is lowered, so that a share of 1 % does not round
/// to nothing where the weights are 1 and 9.
const FINE_SUM: u64 = 1 << 16;

/// Each round lowers one weight. Destinations that came back together lower each other, by less in each round. If they had
/// nearly all of the traffic together, the last round leaves them somewhat above their caps.
const ROUNDS: usize = 64;

/// The weights in force, one for each of `hour`, the weights that `route` and `ramp` give now.
///
/// A destination that is out gets 0. The others keep their weights, since rounding would move users between them. If
/// nothing is left, stable gets everything.
pub(super) fn in_force(
    settings: &Settings,
    states: &[State],
    hour: &[u32],
    now_ms: u64,
) -> Vec<u32> {
    let mut weights = hour.to_vec();
    if !states.iter().any(|state| state.acts(settings, now_ms)) {
        return weights;
    }
    for (weight, _) in weights
        .iter_mut()
        .zip(states)
        .filter(|(_, state)| state.out)
    {
        *weight = 0;
    }
    if let Some(first) = excess(settings, states, &weights, now_ms) {
        cap(settings, states, &mut weights, now_ms, first);
    }
    if sum(&weights) == 0
        && let Some(stable) = weights.get_mut(settings.stable)
    {
        *stable = 1;
    }
    weights
}

/// Lowers weights until nobody that came back has more than the share at which it was rolled back.
fn cap(
    settings: &Settings,
    states: &[State],
    weights: &mut [u32],
    now_ms: u64,
    first: (usize, u32),
) {
    let mut next = Some(first);
    // A power of two changes no user's choice: it scales all scores by an exact factor.
    if let Some(shift) = (1..=16).find(|shift| sum(weights) << shift >= FINE_SUM)
        && sum(weights) < FINE_SUM
    {
        weights.iter_mut().for_each(|weight| *weight <<= shift);
        next = excess(settings, states, weights, now_ms);
    }
    for _ in 0..ROUNDS {
        let Some((destination, most)) = next else {
            return;
        };
        if let Some(weight) = weights.get_mut(destination) {
            *weight = most;
        }
        next = excess(settings, states, weights, now_ms);
    }
}

/// The first destination that has more than its cap, and the cap: with the share at which it was rolled back,
/// `share · others / (1 - share)` for the others' weights of now.
fn excess(
    settings: &Settings,
    states: &[State],
    weights: &[u32],
    now_ms: u64,
) -> Option<(usize, u32)> {
    let sum = sum(weights);
    let capped = weights.iter().zip(states).enumerate();
    let mut capped =
        capped.filter(|(_, (_, state))| state.is_capped(settings, now_ms) && state.others > 0);
    capped.find_map(|(destination, (&weight, state))| {
        let others = sum - u64::from(weight);
        let most = u128::from(state.weight) * u128::from(others) / u128::from(state.others);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        (most < weight).then_some((destination, most))
    })
}

fn sum(weights: &[u32]) -> u64 {
    weights.iter().map(|&weight| u64::from(weight)).sum()
}

#[cfg(test)]
mod tests;
