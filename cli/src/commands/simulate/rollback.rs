//! What happens when a version begins to fail, and how often a good one would be taken out.

mod trials;

use std::str::FromStr;

use serde::Serialize;

use crate::commands::simulate::rollback::trials::Case;
use crate::commands::simulate::{OfPolicy, Progress, Scenario};

pub(super) use crate::commands::simulate::rollback::trials::steps;

/// A version that begins to fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// Its label.
    pub label: String,
    /// The share of its answers that are errors then, from 0 to 1.
    pub errors: f64,
}

/// What happens when a version fails.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detection {
    /// Its label.
    pub label: String,
    /// The share of its answers that are errors.
    pub errors: f64,
    /// Why nothing is judged.
    pub unjudged: Option<String>,
    /// Whether the rollback is only observed, so that the version keeps its share.
    pub observes: bool,
    /// How many times the failure was simulated.
    pub trials: u64,
    /// In how many of these the version was rolled back within an hour.
    pub rolled_back: u64,
    /// Seconds from the first failure to the rollback.
    pub seconds: Option<Spread>,
    /// The errors of the version until no worker sends it requests.
    pub failed_requests: Option<Spread>,
    /// The users who saw at least one of these errors.
    pub failed_users: Option<Spread>,
    /// How often the version would be rolled back in a week if it were as good as the others.
    pub good_rolled_back_in_a_week: u64,
}

/// The middle of the trials, and the bounds of the middle 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// A tenth is less.
    pub low: f64,
    /// Half is less.
    pub median: f64,
    /// A tenth is more.
    pub high: f64,
}

impl FromStr for Failing {
    type Err = String;

    /// `green-sub=20%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text.rsplit_once('=').filter(|(label, _)| !label.is_empty());
        let (label, errors) = pair.ok_or("write LABEL=PERCENT, such as green-sub=20%")?;
        Ok(Self {
            label: label.to_owned(),
            errors: percent(errors)?,
        })
    }
}

/// `20%`, `20` or `0.5 %` as a share from 0 to 1.
///
/// # Errors
/// It is not a number from 0 to 100.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    match number {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        _ => Err("write a percentage from 0 to 100, such as 20%".to_owned()),
    }
}

/// The place of the destination in a rule that can take it out.
fn place(it: &OfPolicy<'_>, failing: &Failing) -> Option<usize> {
    let mut destinations = it.rule.destinations().iter();
    let place = destinations.position(|destination| destination.label() == failing.label)?;
    let stable = it.policy.stable_of(it.number)?;
    (place != stable).then_some(place)
}

pub(super) fn detections(
    it: &OfPolicy<'_>,
    scenario: &Scenario,
    progress: &Progress,
) -> Vec<Detection> {
    let failing = scenario.failing.iter();
    let found = failing.filter_map(|failing| {
        let case = Case::new(it, place(it, failing)?, failing, scenario);
        Some(case.detection(failing, progress))
    });
    found.collect()
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |tenths: usize| {
            values
                .get((values.len().checked_sub(1)?) * tenths / 10)
                .copied()
        };
        Some(Self {
            low: at(1)?,
            median: at(5)?,
            high: at(9)?,
        })
    }
}

#[cfg(test)]
mod tests;
