//! Why a request goes where it goes. Only tools ask this, so the module does not contain it.
//!
//! [`Policy::explain`] decides as [`Policy::decide`] does, with a random source that notes whether it was asked. Where it
//! was, the decision is open, and the explanation has every decision that is possible.

use crate::choosing::decision::{Decision, KeyKind};
use crate::choosing::random::Random;
use crate::choosing::reason::Reason;
use crate::choosing::rule::Rule;
use crate::choosing::split::{InForce, Split};
use crate::choosing::sticky::trace::LookedUp;
use crate::config::path::{Path, Step};
use crate::matching::matcher::trace::Unmet;
use crate::policy::Policy;
use crate::request::{Fields, Request};

/// Why a request goes where it goes.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The rules before the one that matches, or all rules if none does.
    pub passed: Vec<Passed>,
    /// The choice of the rule that matches.
    pub choice: Option<Choice>,
}

/// A rule that does not match.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Its number.
    pub rule: u32,
    /// For each entry of its `match`, the first condition that does not hold.
    pub failures: Vec<Failure>,
}

/// A condition that does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where the configuration has it: `http[0].match[1].headers.x-user`.
    pub path: Path,
    /// What the request has there: nothing, one value, or every value of a header.
    pub found: Vec<Vec<u8>>,
}

/// How a rule chooses a destination for a request.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The rule's number.
    pub rule: u32,
    /// The entry of its `match` that holds, from 0; `None` if the rule matches every request.
    pub entry: Option<usize>,
    /// The keys that were looked for, up to the one that was found. None are if only one destination has a share and no
    /// cookie is issued.
    pub keys: Vec<LookedUp>,
    /// The name of the cookie that a new user gets, with a random key.
    pub issued: Option<String>,
    /// The weights in force, in the order of the destinations.
    pub weights: Vec<u32>,
    /// The score of each destination for the key that was found; none at a weight of 0. The smallest one wins.
    pub scores: Option<Vec<Option<f64>>>,
    /// The decision, or all that are possible if chance decides. Their `cookie` and `user` are empty where the key is
    /// random.
    pub decisions: Vec<Decision>,
}

/// Notes what it was asked for.
#[derive(Default)]
struct Asked {
    point: bool,
    key: bool,
}

impl Random for Asked {
    fn below(&mut self, _: u64) -> u64 {
        self.point = true;
        0
    }

    fn key(&mut self) -> u128 {
        self.key = true;
        0
    }
}

impl<S> Policy<S> {
    /// Why a request goes where it goes, with the splits in force.
    pub fn explain<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        in_force: &InForce,
    ) -> Explanation {
        let mut asked = Asked::default();
        let decision = self.decide(request, in_force, &mut asked);
        let rules = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        let before = decision.map_or(rules, |decision| decision.rule);
        let passed = (0..before).map(|rule| Passed {
            rule,
            failures: self.failures(rule, request),
        });
        Explanation {
            passed: passed.collect(),
            choice: decision.and_then(|decision| self.choice(decision, &asked, request, in_force)),
        }
    }

    fn failures<'r, F: Fields>(&'r self, rule: u32, request: &Request<'r, F>) -> Vec<Failure> {
        let entries = self.index.entries(rule).enumerate();
        let failures = entries.filter_map(|(entry, matcher)| {
            let Unmet { written, found } = matcher.unmet(request)?;
            let (field, name) = written;
            let mut path = Path::default();
            if let Some(name) = name {
                path.begin_with(Step::Field(String::from(name).into()));
            }
            let steps = [field.into(), entry.into(), "match".into()];
            let outer = [Step::Item(rule as usize), "http".into()];
            steps
                .into_iter()
                .chain(outer)
                .for_each(|step| path.begin_with(step));
            Some(Failure { path, found })
        });
        failures.collect()
    }

    fn choice<'r, F: Fields>(
        &'r self,
        decision: Decision,
        asked: &Asked,
        request: &Request<'r, F>,
        in_force: &InForce,
    ) -> Option<Choice> {
        let rule = self.rules.get(decision.rule as usize)?;
        let split = in_force.of(decision.rule).unwrap_or(rule.split());
        let mut entries = self.index.entries(decision.rule);
        let looks = split.only().is_none() || rule.issued_cookie().is_some();
        let sticky = rule.sticky().filter(|_| looks);
        let keys = sticky.map(|sticky| sticky.looked_up(request));
        let found = keys.iter().flatten().find(|key| key.is_found());
        let value = found.and_then(|key| key.value.as_deref());
        let scored = sticky.zip(value).filter(|_| split.only().is_none());
        let issued = rule.issued_cookie().filter(|_| asked.key);
        Some(Choice {
            rule: decision.rule,
            entry: entries.position(|matcher| matcher.unmet(request).is_none()),
            issued: issued.map(|cookie| cookie.name().to_owned()),
            weights: split.weights().to_vec(),
            scores: scored.map(|(sticky, value)| sticky.scores(value, split.weights())),
            decisions: possible(decision, asked, split),
            keys: keys.unwrap_or_default(),
        })
    }
}

/// Every decision that is possible where this one was made.
fn possible(decision: Decision, asked: &Asked, split: &Split) -> Vec<Decision> {
    let decision = if asked.key {
        Decision {
            cookie: None,
            user: None,
            ..decision
        }
    } else {
        decision
    };
    let is_open = asked.point || (asked.key && decision.reason == Reason::Sticky);
    if !is_open {
        return vec![decision];
    }
    let weighted = (0..)
        .zip(split.weights())
        .filter(|(_, weight)| **weight > 0);
    let decisions = weighted.map(|(destination, _)| Decision {
        destination,
        share: split.share(destination),
        ..decision
    });
    decisions.collect()
}

impl<S> Rule<S> {
    /// The destination of the user with this key at these weights, whichever kind of key carries it; `None` if the rule
    /// is not sticky.
    pub fn destination_of(&self, key: &[u8], weights: &[u32]) -> Option<u32> {
        self.sticky()?.pick(key, weights)
    }

    /// The keys by which the rule knows its users, in their order: kinds and names. An address has no name.
    pub fn keys(&self) -> Vec<(KeyKind, Option<String>)> {
        let keys = self.sticky().map(|sticky| sticky.names());
        keys.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
