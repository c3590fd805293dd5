//! `canary simulate`: who gets which version, who moves when the configuration changes, and what a rollback would do.
//!
//! Users are keys like those that the filter issues, made from a fixed seed, so that two runs see the same users. The
//! filter's own code chooses for them and judges their answers.

pub(crate) mod ramp;
pub(crate) mod rollback;
mod text;
pub(crate) mod users;
pub(crate) mod workers;

use std::sync::atomic::{AtomicU64, Ordering};

use canary_filter::{Policy, Rule};
use serde::Serialize;

use crate::commands::accepted::Unusable;
use crate::commands::accepted::{accepted, can_be_out};
use crate::commands::simulate::ramp::Moment;
use crate::commands::simulate::rollback::{Detection, Failing};
use crate::commands::simulate::users::{Moves, Seen};
use crate::document::Document;
use crate::document::configuration::Configuration;
use crate::fault::Fault;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many users there are.
    pub users: u32,
    /// When, in seconds since 1970: a ramp has the weights of this time.
    pub at: i64,
    /// The name of the only rule that is simulated; all are without it.
    pub rule: Option<String>,
    /// The versions that begin to fail.
    pub failing: Vec<Failing>,
    /// The share of errors of every other version.
    pub background: f64,
    /// Requests a second of each rule.
    pub rate: f64,
}

/// A file, as far as a simulation needs it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'f> {
    /// Its content.
    pub content: &'f [u8],
    /// Its name says that it is JSON, not YAML.
    pub must_be_json: bool,
}

/// What goes on while a simulation runs, in steps of about 0.1 µs.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

/// The result for one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedRule {
    /// The rule's name.
    pub rule: String,
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// The keys by which its users are known: `header x-user-id`. Without any, each request is drawn by weight.
    pub keys: Vec<String>,
    /// Every destination with the share that it should have and the users that it has.
    pub destinations: Vec<Seen>,
    /// The shares over time, if the rule has a ramp.
    pub ramp: Vec<Moment>,
    /// Who moves to another version with the new file.
    pub moves: Option<Moves>,
    /// What happens when a version fails.
    pub rollbacks: Vec<Detection>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSimulated {
    /// The file is refused.
    File(Vec<Fault>),
    /// The new file is refused.
    NewFile(Vec<Fault>),
    /// An argument does not fit the files.
    Argument(Unusable),
}

/// Simulates the rules of a file; `to` is what it is replaced by.
///
/// # Errors
/// See [`NotSimulated`].
pub fn simulate(
    file: Source<'_>,
    to: Option<Source<'_>>,
    scenario: &Scenario,
    progress: &Progress,
) -> Result<Vec<SimulatedRule>, NotSimulated> {
    let old = document(file).map_err(NotSimulated::File)?;
    let old = accepted(&old).map_err(NotSimulated::File)?;
    let new = to.map(document).transpose();
    let new = new.map_err(NotSimulated::NewFile)?;
    let new = new.as_ref().map(accepted).transpose();
    let new = new.map_err(NotSimulated::NewFile)?;
    let rules = rules(&old, scenario)?;
    // A version can fail only where a rule could take it out.
    can_be_out(&old, scenario.failing.iter().map(|it| &it.label))
        .map_err(NotSimulated::Argument)?;
    let work: Vec<_> = rules
        .iter()
        .map(|it| {
            let new = new.as_ref();
            let other = new.map(|new| counterpart(new, it));
            Work { it, other }
        })
        .collect();
    for work in &work {
        progress.expect(work.steps(scenario));
    }
    Ok(workers::map(&work, |work| work.run(scenario, progress)))
}

fn document(source: Source<'_>) -> Result<Document<'_>, Vec<Fault>> {
    Document::parse(source.content, source.must_be_json).map_err(|fault| vec![fault])
}

/// A rule with its policy.
#[derive(Clone, Copy)]
pub(crate) struct OfPolicy<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) number: u32,
    pub(crate) rule: &'p Rule,
    /// Its line in the file.
    line: usize,
}

/// A rule to simulate; `other` is that of the new file, `Some(None)` if it has none of this name.
struct Work<'p> {
    it: &'p OfPolicy<'p>,
    other: Option<Option<OfPolicy<'p>>>,
}

fn all<'p>(accepted: &'p [(Configuration<'p>, Policy)]) -> impl Iterator<Item = OfPolicy<'p>> {
    accepted.iter().flat_map(|(configuration, policy)| {
        let rules = (0..).zip(policy.rules());
        rules.map(move |(number, rule)| OfPolicy {
            policy,
            number,
            rule,
            line: configuration.line_of_rule(number),
        })
    })
}

fn rules<'p>(
    accepted: &'p [(Configuration<'p>, Policy)],
    scenario: &Scenario,
) -> Result<Vec<OfPolicy<'p>>, NotSimulated> {
    let is_wanted = |rule: &OfPolicy<'_>| {
        let name = scenario.rule.as_deref();
        name.is_none_or(|name| name == rule.rule.name())
    };
    let rules: Vec<_> = all(accepted).filter(is_wanted).collect();
    match &scenario.rule {
        Some(name) if rules.is_empty() => {
            let reason = format!("`{name}` is not the name of a rule");
            Err(NotSimulated::Argument(Unusable::new(reason)))
        }
        _ => Ok(rules),
    }
}

/// The rule of the same name in the new file.
fn counterpart<'p>(
    new: &'p [(Configuration<'p>, Policy)],
    rule: &OfPolicy<'_>,
) -> Option<OfPolicy<'p>> {
    all(new).find(|it| it.rule.name() == rule.rule.name())
}

impl Work<'_> {
    fn steps(&self, scenario: &Scenario) -> u64 {
        users::steps(scenario, self.other.is_some()) + rollback::steps(self.it, scenario)
    }

    fn run(&self, scenario: &Scenario, progress: &Progress) -> SimulatedRule {
        let OfPolicy { rule, .. } = *self.it;
        SimulatedRule {
            rule: rule.name().to_owned(),
            line: self.it.line,
            keys: users::keys(rule),
            destinations: users::shares(rule, scenario, progress),
            ramp: ramp::over_time(rule),
            moves: self
                .other
                .as_ref()
                .map(|other| users::moves(self.it, other.as_ref(), scenario, progress)),
            rollbacks: rollback::detections(self.it, scenario, progress),
        }
    }
}

impl Progress {
    /// The steps so far, and all that are expected.
    pub fn get(&self) -> (u64, u64) {
        let [done, total] = [&self.done, &self.total].map(|it| it.load(Ordering::Relaxed));
        (done, total)
    }

    pub(crate) fn expect(&self, steps: u64) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }
}
