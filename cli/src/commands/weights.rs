//! `canary weights`: changes the weights in a file, or ends a rollback, and changes no other byte. The same change makes
//! the patch of a live object.

mod edit;
pub(crate) mod live;
mod retry;

use std::collections::BTreeSet;
use std::str::FromStr;

use canary_filter::{Policy, Ramp, Rule};
use similar::TextDiff;

use crate::commands::share::Shares;
use crate::document::Document;
use crate::document::configuration::Configuration;
use crate::document::splice::Splice;
use crate::fault::Fault;
use edit::Edit;

/// The largest weight: Istio's are 32-bit integers with a sign.
const HEAVIEST: u32 = i32::MAX.unsigned_abs();

/// `blue-sub=50`: a new weight for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The subset of the destination, or its cluster or host if it has no subset.
    pub label: String,
    /// The destination's share is its weight divided by the sum of the rule's weights.
    pub weight: u32,
}

/// New weights for one rule. Destinations that are not listed keep their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    rule: String,
    weights: Vec<Weight>,
    /// Whether `rollback.retry` gets a new text, too.
    retry: bool,
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The new content, or none if the file has these weights already.
    pub text: Option<String>,
    /// The split of the rule after the change.
    pub shares: Shares,
    /// The new text of `rollback.retry`, which ends a rollback.
    pub retry: Option<String>,
    /// The ramp of the rule, whose weights replace these from its start on.
    ramp: Option<Ramp>,
    /// The index of the rule in its configuration.
    rule: usize,
}

impl Changed {
    /// The split that the ramp puts in force at this time, in seconds since 1970; `None` for a rule without a ramp.
    pub fn ramp_at(&self, now: i64) -> Option<Shares> {
        Some(self.shares.at(self.ramp.as_ref()?, now))
    }

    /// The change as a unified diff of the file that has this name and had this content; empty if nothing changes.
    pub fn diff(&self, name: &str, before: &[u8]) -> String {
        let Some(after) = &self.text else {
            return String::new();
        };
        let before = String::from_utf8_lossy(before);
        let diff = TextDiff::from_lines(before.as_ref(), after.as_str());
        diff.unified_diff().header(name, name).to_string()
    }
}

impl FromStr for Weight {
    type Err = String;

    fn from_str(argument: &str) -> Result<Self, String> {
        // The name of a cluster may contain `=`, a number cannot.
        let (label, number) = argument
            .rsplit_once('=')
            .ok_or_else(|| format!("`{argument}` is not LABEL=WEIGHT"))?;
        let weight = Some(number)
            .filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        match weight
            .and_then(|number| number.parse().ok())
            .filter(|weight| *weight <= HEAVIEST)
        {
            Some(weight) if !label.is_empty() => Ok(Self {
                label: label.to_owned(),
                weight,
            }),
            Some(_) => Err(format!("`{argument}` is not LABEL=WEIGHT")),
            None => Err(format!(
                "`{number}` is not a valid weight: use an integer from 0 to {HEAVIEST}"
            )),
        }
    }
}

impl Change {
    /// Requires at least one weight, and at most one for each label.
    ///
    /// # Errors
    /// What is wrong with the request itself, without regard to the file.
    pub fn new(rule: impl Into<String>, weights: Vec<Weight>) -> Result<Self, String> {
        let mut labels = BTreeSet::new();
        match weights
            .iter()
            .find(|weight| !labels.insert(weight.label.as_str()))
        {
            Some(twice) => Err(format!("`{}` appears twice", twice.label)),
            None if weights.is_empty() => Err("missing LABEL=WEIGHT".to_owned()),
            None => Ok(Self {
                rule: rule.into(),
                weights,
                retry: false,
            }),
        }
    }

    /// A new `rollback.retry` for a rule, without new weights.
    pub fn only_retry(rule: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            weights: Vec::new(),
            retry: true,
        }
    }

    /// The same with a new `rollback.retry`.
    #[must_use]
    pub fn and_retry(self) -> Self {
        Self {
            retry: true,
            ..self
        }
    }

    /// The weights of the rule after the change, in the order of its destinations.
    fn targets(&self, rule: &Rule) -> Result<Vec<u32>, Fault> {
        let labels: Vec<_> = rule
            .destinations()
            .iter()
            .map(|destination| destination.label())
            .collect();
        if let Some(Weight { label, .. }) = self
            .weights
            .iter()
            .find(|weight| !labels.contains(&weight.label.as_str()))
        {
            return Err(Fault::new(format!(
                "rule `{}` has no destination `{label}`: its destinations are {}",
                rule.name(),
                labels.join(", ")
            )));
        }
        let target = |label| {
            self.weights
                .iter()
                .find(|weight| weight.label == label)
                .map(|weight| weight.weight)
        };
        Ok(rule
            .destinations()
            .iter()
            .zip(rule.weights())
            .map(|(destination, now)| target(destination.label()).unwrap_or(*now))
            .collect())
    }
}

/// Changes the weights of a rule, its `rollback.retry` or both. The result differs from `file` only in these, and the filter
/// accepts it.
///
/// # Errors
/// Why the change cannot be made. A file that the filter refuses already is not changed.
pub fn change_weights(file: &[u8], must_be_json: bool, change: &Change) -> Result<Changed, Fault> {
    let document = Document::parse(file, must_be_json)?;
    let (configurations, policies) = accepted(document.configurations()?).map_err(already)?;
    let (chosen, index) = choose(&configurations, &policies, &change.rule)?;
    let (configuration, policy) = configurations
        .get(chosen)
        .zip(policies.get(chosen))
        .ok_or_else(unsure)?;
    let rule = policy.rules().get(index).ok_or_else(unsure)?;

    let targets = change.targets(rule)?;
    let Edit {
        splices,
        expected,
        retry,
    } = Edit::new(configuration, (index, rule), &targets, change.retry)?;
    let ramp = rule.ramp().cloned();
    if splices.is_empty() {
        return Ok(Changed {
            text: None,
            shares: Shares::from(rule),
            retry,
            ramp,
            rule: index,
        });
    }
    let shared = splices.iter().find_map(Splice::shared).cloned();
    let unsure = || shared.clone().unwrap_or_else(unsure);
    let text = Splice::apply(splices, document.text()).ok_or_else(unsure)?;

    let after = Document::parse(text.as_bytes(), must_be_json).map_err(|_| unsure())?;
    let found: Vec<_> = after
        .configurations()?
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|_| unsure())?;
    let new = found
        .get(chosen)
        .filter(|_| found.len() == configurations.len())
        .ok_or_else(unsure)?;
    if *new.value().map_err(|_| unsure())? != expected
        || !document.same(&after, (configuration, new))
    {
        return Err(unsure());
    }
    let shares = verdict(new, index, &targets)?;
    Ok(Changed {
        shares,
        retry,
        ramp,
        rule: index,
        text: Some(text),
    })
}

/// The configurations of a file, as the filter reads them.
fn accepted(
    found: Vec<Result<Configuration<'_>, Fault>>,
) -> Result<(Vec<Configuration<'_>>, Vec<Policy>), Fault> {
    let configurations: Vec<_> = found.into_iter().collect::<Result<_, _>>()?;
    let policies = configurations.iter().map(Configuration::policy);
    let policies = policies.collect::<Result<_, _>>()?;
    Ok((configurations, policies))
}

/// Checks that the filter accepts the result and reads exactly these weights in it.
fn verdict(new: &Configuration<'_>, rule: usize, targets: &[u32]) -> Result<Shares, Fault> {
    let policy = new
        .policy()
        .map_err(|fault| fault.because("the filter would refuse these weights"))?;
    let rule = policy.rules().get(rule).ok_or_else(unsure)?;
    if rule.weights() == targets {
        Ok(Shares::from(rule))
    } else {
        Err(unsure())
    }
}

/// The index of the configuration that has the rule, and the index of the rule in it.
fn choose(
    configurations: &[Configuration<'_>],
    policies: &[Policy],
    rule: &str,
) -> Result<(usize, usize), Fault> {
    let position = |policy: &Policy| policy.rules().iter().position(|known| known.name() == rule);
    let having: Vec<_> = policies
        .iter()
        .enumerate()
        .filter_map(|(at, policy)| Some((at, position(policy)?)))
        .collect();
    match having.as_slice() {
        [only] => Ok(*only),
        [] => {
            let names = policies
                .iter()
                .flat_map(|policy| policy.rules())
                .map(Rule::name);
            Err(Fault::new(format!(
                "there is no rule `{rule}`: the rules are {}",
                names.collect::<Vec<_>>().join(", ")
            )))
        }
        several => {
            let line = |(at, _): &(usize, usize)| {
                configurations
                    .get(*at)
                    .map(|found| found.place().line.to_string())
            };
            let lines: Vec<_> = several.iter().filter_map(line).collect();
            Err(Fault::new(format!(
                "several configurations have a rule `{rule}`: those on lines {}",
                lines.join(", ")
            )))
        }
    }
}

fn already(fault: Fault) -> Fault {
    fault.because("nothing was changed, because the filter refuses it as it is")
}

/// The last check failed: the new content, read again, differs from what was asked for.
fn unsure() -> Fault {
    Fault::new(
        "nothing was changed: these weights cannot be edited without changing something else, so edit them by hand",
    )
}
