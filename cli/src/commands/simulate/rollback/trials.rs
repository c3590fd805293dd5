//! The trials of a failure, and a week without one, in models of a proxy.

use std::collections::BTreeSet;

use canary_filter::{Model, Traffic};

use crate::commands::simulate::rollback::{Detection, Failing, Spread, place};
use crate::commands::simulate::users::parts;
use crate::commands::simulate::{OfPolicy, Progress, Scenario, workers};

/// The version is as good as the others for this long.
const HEALTHY_MS: u64 = 60_000;
/// A rollback that has not come by then does not come.
const PATIENCE_MS: u64 = 3_600_000;
const TRIALS: u64 = 51;
const WORKERS: usize = 4;
const DAYS: u64 = 7;
const DAY_MS: u64 = 86_400_000;
/// A worker's tick comes so often, on average.
const TICK_MS: u64 = 263;
/// How many steps of [`Progress`] a tick is.
const TICK_STEPS: u64 = 15;
/// How many ticks a trial has if no rollback comes.
const TRIAL_TICKS: u64 = (HEALTHY_MS + PATIENCE_MS) / TICK_MS * WORKERS as u64;
/// How many steps the trials and the week of one failure are, if no rollback comes.
const CASE_STEPS: u64 = (TRIALS * TRIAL_TICKS + DAYS * DAY_MS / TICK_MS) * TICK_STEPS;
/// The progress is reported once in so many ticks.
const BATCH: u64 = 1024;

/// A failure, and a week without one.
pub(super) struct Case<'c> {
    it: &'c OfPolicy<'c>,
    place: usize,
    good: Traffic,
    bad: Traffic,
    /// How many users can get each destination.
    users: Vec<u64>,
}

#[derive(Clone, Copy)]
enum Run {
    Trial(u64),
    Day(u64),
}

#[derive(Default)]
struct Outcome {
    at_ms: Option<u64>,
    requests: u32,
    users: u32,
    /// Rollbacks in a day without a failure.
    wrong: u64,
}

/// How much work the failures of this rule are, if no rollback comes.
pub(in crate::commands::simulate) fn steps(it: &OfPolicy<'_>, scenario: &Scenario) -> u64 {
    let failing = scenario.failing.iter();
    let cases = failing
        .filter(|failing| place(it, failing).is_some())
        .count();
    cases as u64 * CASE_STEPS
}

impl<'c> Case<'c> {
    pub(super) fn new(
        it: &'c OfPolicy<'c>,
        place: usize,
        failing: &Failing,
        scenario: &Scenario,
    ) -> Self {
        let weights = it.rule.weights_at(scenario.at).into_owned();
        let shares = parts(&weights);
        // Users stay with their versions, or every one of them may get any version.
        let users = shares.iter().map(|share| {
            let share = if it.rule.keys().is_empty() {
                1.0
            } else {
                *share
            };
            whole(f64::from(scenario.users) * share)
        });
        let users = users.collect();
        let good = Traffic {
            rate: scenario.rate,
            errors: vec![scenario.background; weights.len()],
            weights,
        };
        let mut bad = good.clone();
        if let Some(errors) = bad.errors.get_mut(place) {
            *errors = failing.errors;
        }
        Self {
            it,
            place,
            good,
            bad,
            users,
        }
    }

    pub(super) fn detection(&self, failing: &Failing, progress: &Progress) -> Detection {
        let unjudged = self.unjudged();
        let trials = (0..TRIALS).map(Run::Trial);
        let runs: Vec<_> = match unjudged {
            Some(_) => Vec::new(),
            None => (0..DAYS).map(Run::Day).chain(trials).collect(),
        };
        let outcomes = workers::map(&runs, |run| match *run {
            Run::Trial(seed) => self.trial(seed, progress),
            Run::Day(seed) => self.day(seed, progress),
        });
        if unjudged.is_some() {
            progress.add(CASE_STEPS);
        }
        let out: Vec<_> = outcomes.iter().filter(|it| it.at_ms.is_some()).collect();
        let spread = |value: fn(&Outcome) -> f64| Spread::of(out.iter().map(|it| value(it)));
        Detection {
            label: failing.label.clone(),
            errors: failing.errors,
            observes: self.it.policy.only_observes(self.it.number),
            trials: if unjudged.is_some() { 0 } else { TRIALS },
            rolled_back: out.len() as u64,
            seconds: spread(|it| seconds(it.at_ms.unwrap_or(0))),
            failed_requests: spread(|it| it.requests.into()),
            failed_users: spread(|it| it.users.into()),
            good_rolled_back_in_a_week: outcomes.iter().map(|it| it.wrong).sum(),
            unjudged,
        }
    }

    fn unjudged(&self) -> Option<String> {
        let weight = |place: usize| self.good.weights.get(place).copied();
        let stable = self.it.policy.stable_of(self.it.number)?;
        let label = |place: usize| self.it.rule.destinations().get(place);
        [self.place, stable]
            .into_iter()
            .find(|place| weight(*place) == Some(0))
            .and_then(label)
            .map(|it| format!("{} has the weight 0 then, so nothing is judged", it.label()))
    }

    fn model(&self, workers: usize, seed: u64) -> Option<Model> {
        self.it.policy.model(self.it.number, workers, seed)
    }

    /// From a healthy minute until the rollback has reached every worker.
    fn trial(&self, seed: u64, progress: &Progress) -> Outcome {
        let traffic = |at_ms| {
            if at_ms < HEALTHY_MS {
                &self.good
            } else {
                &self.bad
            }
        };
        let mut outcome = Outcome::default();
        let (mut hurt, mut is_failing) = (BTreeSet::new(), false);
        let keyed = !self.it.rule.keys().is_empty();
        let mut left = None;
        let Some(mut model) = self.model(WORKERS, seed) else {
            return outcome;
        };
        let mut ticks = 0;
        while left != Some(0) {
            let tick = model.tick(traffic, |destination, rng| {
                let users = self.users.get(destination).copied().unwrap_or(0);
                // Users of one version are not those of another one.
                let user = rng.u64(..users.max(1)) << 8 | destination as u64;
                if is_failing && destination == self.place {
                    outcome.requests = outcome.requests.saturating_add(1);
                    hurt.insert(user);
                }
                keyed.then_some(user)
            });
            let Some(tick) = tick.filter(|tick| tick.at_ms < HEALTHY_MS + PATIENCE_MS) else {
                break;
            };
            // The next ticks bring the answers from then on.
            is_failing = tick.at_ms + TICK_MS >= HEALTHY_MS;
            if left.is_none() && tick.rolled_back.contains(&self.place) {
                outcome.at_ms = Some(tick.at_ms.saturating_sub(HEALTHY_MS));
                left = Some(2 * WORKERS);
            }
            left = left.map(|left| left.saturating_sub(1));
            ticks += 1;
            if ticks % BATCH == 0 {
                progress.add(BATCH * TICK_STEPS);
            }
        }
        progress.add(TRIAL_TICKS.saturating_sub(ticks / BATCH * BATCH) * TICK_STEPS);
        outcome.users = u32::try_from(hurt.len()).unwrap_or(u32::MAX);
        outcome
    }

    /// A day in which the version is as good as the others. A proxy that has rolled it back is replaced by a new one.
    fn day(&self, seed: u64, progress: &Progress) -> Outcome {
        let mut outcome = Outcome::default();
        let mut gone_ms = 0;
        while gone_ms < DAY_MS {
            let Some(mut model) = self.model(1, DAYS * (1 + outcome.wrong) + seed) else {
                break;
            };
            let keyed = !self.it.rule.keys().is_empty();
            let mut ticks = 0;
            loop {
                let tick = model.tick(
                    |_| &self.good,
                    |destination, rng| {
                        let users = self.users.get(destination).copied().unwrap_or(0);
                        keyed.then(|| rng.u64(..users.max(1)) << 8 | destination as u64)
                    },
                );
                let Some(tick) = tick else { return outcome };
                ticks += 1;
                if ticks % BATCH == 0 {
                    progress.add(BATCH * TICK_STEPS);
                }
                let wrong = tick.rolled_back.contains(&self.place);
                outcome.wrong += u64::from(wrong);
                if wrong || gone_ms + tick.at_ms >= DAY_MS {
                    gone_ms += tick.at_ms.max(1);
                    break;
                }
            }
        }
        outcome
    }
}

#[allow(clippy::cast_precision_loss, reason = "an hour has 3,600,000 ms")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// A number of users, which is at most `u32::MAX`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative and fits"
)]
fn whole(users: f64) -> u64 {
    users.round() as u64
}
