//! The split of a rule as it is printed: `blue-sub 75 %, green-sub 25 %`.

use std::fmt;

use canary_filter::{Destination, Ramp, Rule};

/// The destinations of a rule with their weights and their shares of the sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    rule: String,
    weights: Vec<(String, u32)>,
}

impl Shares {
    /// Each share with its weight: `blue-sub 3 (75 %), green-sub 1 (25 %)`.
    pub fn with_weights(&self) -> String {
        self.join(|weight, share| format!("{weight} ({share})"))
    }

    /// The shares of this ramp at a time, in seconds since 1970; before its start they are these.
    pub(crate) fn at(&self, ramp: &Ramp, now: i64) -> Self {
        let own: Vec<_> = self.weights.iter().map(|(_, weight)| *weight).collect();
        let weights = ramp.weights(&own, now).into_owned();
        let labels = self.weights.iter().map(|(label, _)| label.clone());
        Self {
            rule: self.rule.clone(),
            weights: labels.zip(weights).collect(),
        }
    }

    fn join(&self, shown: impl Fn(u32, String) -> String) -> String {
        let total: u64 = self
            .weights
            .iter()
            .map(|(_, weight)| u64::from(*weight))
            .sum();
        let item = |(label, weight): &(String, u32)| {
            let share = of_destination(*weight, total, self.weights.len());
            format!("{label} {}", shown(*weight, share))
        };
        format!(
            "{}: {}",
            self.rule,
            self.weights.iter().map(item).collect::<Vec<_>>().join(", ")
        )
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(|_, share| share))
    }
}

impl From<&Rule> for Shares {
    fn from(rule: &Rule) -> Self {
        let labels = rule.destinations().iter().map(Destination::label);
        let weights = rule.weights().iter().copied();
        Self {
            rule: rule.name().to_owned(),
            weights: labels.map(str::to_owned).zip(weights).collect(),
        }
    }
}

/// The share of one of this many destinations, whose weights have this total.
pub(crate) fn of_destination(weight: u32, total: u64, destinations: usize) -> String {
    // "One destination gets everything whatever its weight."
    if destinations == 1 {
        percent(1, 1)
    } else {
        percent(u64::from(weight), total)
    }
}

/// At most two decimals. A share is shown as 0 % or 100 % only if it is exactly that.
pub(crate) fn percent(weight: u64, total: u64) -> String {
    let hundredths =
        (u128::from(weight) * 10_000 + u128::from(total) / 2) / u128::from(total.max(1));
    match hundredths {
        0 if weight > 0 => "< 0.01 %".to_owned(),
        10_000 if weight < total => "> 99.99 %".to_owned(),
        _ => {
            let digits = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shares_that_are_nothing_or_everything_are_shown_as_such() {
        for (weight, total, shown) in [
            (75, 100, "75 %"),
            (1, 3, "33.33 %"),
            (2, 3, "66.67 %"),
            (1, 8, "12.5 %"),
            (100, 100, "100 %"),
            (0, 100, "0 %"),
            (1, 1_000_000, "< 0.01 %"),
            (999_999, 1_000_000, "> 99.99 %"),
            (2_147_483_647, 4_294_967_294, "50 %"),
            (0, 0, "0 %"),
        ] {
            assert_eq!(percent(weight, total), shown, "{weight} of {total}");
        }
    }

    #[test]
    fn the_only_destination_gets_everything_whatever_its_weight() {
        let shares = Shares {
            rule: "r".to_owned(),
            weights: vec![("a".to_owned(), 0)],
        };
        assert_eq!(
            (shares.to_string(), shares.with_weights()),
            ("r: a 100 %".to_owned(), "r: a 0 (100 %)".to_owned())
        );
    }
}
