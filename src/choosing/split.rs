//! Chooses a destination by weight. The share of each is its weight over the sum of the weights.
//!
//! A random point below the sum of the weights falls into the range of one destination. So each destination gets exactly
//! its share, and no weight is ever expanded into a list.

use crate::config::invalid::InvalidConfig;

/// The weights of a rule's destinations, at least one of which gets requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    weights: Weights,
    /// The destination that gets all requests, because it is the only one or all others have weight 0.
    only: Option<u32>,
}

/// Nearly every rule has two destinations. Their weights are stored in the rule itself, so a choice reads no other memory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Weights {
    One([u32; 1]),
    Two([u32; 2]),
    Many(Box<[u32]>),
}

/// The splits that are currently in force instead of the rules' own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// By the number of the rule. The list may be shorter than that of the rules; the rules beyond it use their own split.
    changed: Vec<Option<Split>>,
}

impl Split {
    /// A single destination gets all requests, whatever its weight.
    ///
    /// # Errors
    /// There are no weights, or there are several and all of them are 0.
    pub fn new(weights: &[u32]) -> Result<Self, InvalidConfig> {
        let mut above_zero = (0..)
            .zip(weights)
            .filter(|(_, weight)| **weight > 0)
            .map(|(index, _)| index);
        let only = match (weights.len(), above_zero.next(), above_zero.next()) {
            (0, ..) => return Err(InvalidConfig::new("needs at least one destination")),
            (1, ..) => Some(0),
            (_, None, _) => return Err(InvalidConfig::new("the weights sum to 0")),
            (_, Some(only), None) => Some(only),
            (_, Some(_), Some(_)) => None,
        };
        let weights = match weights {
            [one] => Weights::One([*one]),
            [one, other] => Weights::Two([*one, *other]),
            many => Weights::Many(many.into()),
        };
        Ok(Self { weights, only })
    }

    /// The weights, in the order of the destinations.
    pub fn weights(&self) -> &[u32] {
        match &self.weights {
            Weights::One(weights) => weights,
            Weights::Two(weights) => weights,
            Weights::Many(weights) => weights,
        }
    }

    /// The share of this destination, in 1/10 000. Rounding never turns a share above 0 into 0, or one below 10 000 into
    /// 10 000.
    pub fn share(&self, destination: u32) -> u16 {
        if let Some(only) = self.only {
            return if only == destination { 10_000 } else { 0 };
        }
        let weights = self.weights();
        let weight = weights.get(destination as usize).copied().unwrap_or(0);
        if weight == 0 {
            return 0;
        }
        let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let rounded = (u64::from(weight) * 10_000 + sum / 2) / sum;
        u16::try_from(rounded.clamp(1, 9_999)).unwrap_or(9_999)
    }

    /// The index of the destination that gets all requests, if there is one. No random point is needed then.
    pub fn only(&self) -> Option<u32> {
        self.only
    }

    /// The index of the destination for this request. `draw(total)` returns a uniform random point in `0..total`.
    pub fn pick(&self, draw: impl FnOnce(u64) -> u64) -> u32 {
        if let Some(only) = self.only {
            return only;
        }
        let mut point = draw(self.weights().iter().map(|&weight| u64::from(weight)).sum());
        let mut index = 0;
        for &weight in self.weights() {
            match point.checked_sub(u64::from(weight)) {
                Some(rest) => point = rest,
                None => break,
            }
            index += 1;
        }
        index
    }
}

impl InForce {
    /// The split that replaces this rule's own one, if any.
    pub fn of(&self, rule: u32) -> Option<&Split> {
        self.changed.get(rule as usize)?.as_ref()
    }

    /// Puts a split in force. `None` restores the rule's own.
    pub fn set(&mut self, rule: u32, split: Option<Split>) {
        let rule = rule as usize;
        if rule >= self.changed.len() {
            self.changed.resize(rule + 1, None);
        }
        if let Some(changed) = self.changed.get_mut(rule) {
            *changed = split;
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
            counts[split.pick(|_| point) as usize] += 1;
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
    fn no_point_is_drawn_for_a_single_destination_or_share() {
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
                .pick(|_| unreachable!("no draw is needed")),
            0
        );
    }

    #[test]
    fn the_rules_own_split_is_in_force_unless_another_one_was_set() {
        let mut in_force = InForce::default();
        assert_eq!(in_force.of(3), None);
        let split = Split::new(&[1, 0]).unwrap();
        in_force.set(2, Some(split.clone()));
        assert_eq!(
            (in_force.of(1), in_force.of(2), in_force.of(3)),
            (None, Some(&split), None)
        );
        in_force.set(2, None);
        assert_eq!(in_force.of(2), None);
    }

    #[test]
    fn a_share_is_given_in_parts_of_ten_thousand() {
        for (weights, shares) in [
            (&[75, 25][..], &[7_500, 2_500][..]),
            (&[2, 1], &[6_667, 3_333]),
            (&[1, 1, 1], &[3_333, 3_333, 3_333]),
            (&[0], &[10_000]),
            (&[0, 9, 0], &[0, 10_000, 0]),
            (&[i32::MAX.unsigned_abs(), 1], &[9_999, 1]),
            (
                &[i32::MAX.unsigned_abs(), i32::MAX.unsigned_abs(), 0],
                &[5_000, 5_000, 0],
            ),
        ] {
            let split = Split::new(weights).unwrap();
            let found: Vec<_> = (0..)
                .zip(weights)
                .map(|(index, _)| split.share(index))
                .collect();
            assert_eq!(found, shares, "{weights:?}");
            assert_eq!(split.share(99), 0);
        }
    }

    #[test]
    fn weights_that_sum_to_zero_are_refused() {
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
            let picked = split.pick(|total| {
                point = ((total as f64 * part) as u64).min(total - 1);
                point
            });
            let picked = picked as usize;
            prop_assert_eq!(split.weights(), &weights);
            prop_assert!(weights[picked] > 0);
            if split.only().is_none() {
                let before: u64 = weights[..picked].iter().map(|&weight| u64::from(weight)).sum();
                prop_assert!(before <= point && point < before + u64::from(weights[picked]));
            }
        }
    }
}
