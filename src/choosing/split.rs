//! Weights become one destination: the share of each is its weight over the sum.
//!
//! A point is drawn evenly below the sum of the weights and falls into one destination's stretch, so each gets exactly
//! its share, and no weight is ever expanded into a list. The weights themselves stay with the destinations.

use crate::config::invalid::InvalidConfig;

/// Weights, of which at least one is above zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split(Shares);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shares {
    /// This one gets everything: it is alone, or all others have the weight 0.
    Only(usize),
    /// The sum of the weights.
    Sum(u64),
}

impl Split {
    /// A destination that is alone gets everything, whatever its weight.
    ///
    /// # Errors
    /// No weight, or several of which none is above zero.
    pub fn new(weights: &[u32]) -> Result<Self, InvalidConfig> {
        let mut above_zero = (0..)
            .zip(weights)
            .filter(|(_, weight)| **weight > 0)
            .map(|(index, _)| index);
        match (weights.len(), above_zero.next(), above_zero.next()) {
            (0, ..) => Err(InvalidConfig::new("needs at least one destination")),
            (1, ..) => Ok(Self(Shares::Only(0))),
            (_, None, _) => Err(InvalidConfig::new("the weights sum to 0")),
            (_, Some(only), None) => Ok(Self(Shares::Only(only))),
            (_, Some(_), Some(_)) => Ok(Self(Shares::Sum(
                weights.iter().map(|&weight| u64::from(weight)).sum(),
            ))),
        }
    }

    /// The index of the destination that gets everything, if one does; then no point need be drawn.
    pub fn only(&self) -> Option<usize> {
        match self.0 {
            Shares::Only(index) => Some(index),
            Shares::Sum(_) => None,
        }
    }

    /// The index of the destination for this request, at the weights that this was made of. `draw(total)` gives an even
    /// random point in `0..total`.
    pub fn pick(&self, weights: impl Iterator<Item = u32>, draw: impl FnOnce(u64) -> u64) -> usize {
        match self.0 {
            Shares::Only(index) => index,
            Shares::Sum(sum) => {
                let mut point = draw(sum);
                let in_front = weights.map(u64::from).take_while(|weight| {
                    let behind = point.checked_sub(*weight);
                    point = behind.unwrap_or(point);
                    behind.is_some()
                });
                in_front.count()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(weights: &[u32]) -> Vec<u32> {
        let split = Split::new(weights).unwrap();
        let total = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut counts = vec![0; weights.len()];
        for point in 0..total {
            counts[split.pick(weights.iter().copied(), |_| point)] += 1;
        }
        counts
    }

    #[test]
    fn every_destination_gets_exactly_its_weight_of_the_points() {
        for weights in [
            &[75, 25][..],
            &[25, 75],
            &[0, 3, 0, 1, 0],
            &[1, 1, 1],
            &[100, 0],
            &[0, 100],
        ] {
            assert_eq!(counts(weights), weights);
        }
    }

    #[test]
    fn a_lone_destination_or_share_is_not_drawn() {
        for (weights, only) in [
            (&[0][..], Some(0)),
            (&[7], Some(0)),
            (&[0, 9, 0], Some(1)),
            (&[1, 1], None),
        ] {
            assert_eq!(Split::new(weights).unwrap().only(), only);
        }
        assert_eq!(
            Split::new(&[100, 0])
                .unwrap()
                .pick([].into_iter(), |_| unreachable!("no draw is needed")),
            0
        );
    }

    #[test]
    fn weights_without_a_share_are_refused() {
        assert!(Split::new(&[]).is_err());
        assert!(Split::new(&[0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn a_point_falls_where_the_running_sum_says(
            weights in prop::collection::vec(0..=i32::MAX.unsigned_abs(), 2..20),
            part in 0.0..1.0_f64,
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let split = Split::new(&weights).unwrap();
            let mut point = 0;
            let picked = split.pick(weights.iter().copied(), |total| {
                point = ((total as f64 * part) as u64).min(total - 1);
                point
            });
            prop_assert!(weights[picked] > 0);
            if split.only().is_none() {
                let before: u64 = weights[..picked].iter().map(|&weight| u64::from(weight)).sum();
                prop_assert!(before <= point && point < before + u64::from(weights[picked]));
            }
        }
    }
}
