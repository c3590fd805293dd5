//! A whole configuration that has been accepted, compiled: which rule takes a request, then which version it gets.

pub(crate) mod answer;
pub(crate) mod changes;
mod description;
#[cfg(not(feature = "proxy"))]
pub(crate) mod explanation;
mod fingerprint;
pub(crate) mod gauges;
pub mod metrics;
pub(crate) mod outputs;
pub(crate) mod refusal;
pub(crate) mod specifier;
pub(crate) mod steering;
pub(crate) mod watch;
#[cfg(not(feature = "proxy"))]
pub(crate) mod what_if;

use std::collections::BTreeSet;

use crate::choosing::decision::Decision;
use crate::choosing::destination::Naming;
use crate::choosing::random::Random;
use crate::choosing::rule::Rule;
use crate::choosing::split::InForce;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire::{self, Config};
use crate::matching::index::Index;
use crate::matching::matcher::Matcher;
use crate::matching::regex::Budget;
use crate::policy::outputs::Outputs;
use crate::policy::watch::Watch;
use crate::request::{Fields, Request};

pub use crate::policy::description::Description;

/// The most faults that are looked for in one configuration.
const MOST_FAULTS: usize = 100;

/// The rules, and where a decision is written. `S` is what an edge keeps with each destination.
#[derive(Debug)]
pub struct Policy<S = ()> {
    rules: Box<[Rule<S>]>,
    /// The `match` entries of the rules.
    index: Index,
    /// The rules with `rollback`, in their order.
    watches: Box<[Watch]>,
    outputs: Outputs,
}

impl Policy {
    /// Reads and compiles a configuration, whole or not at all. The outcome depends on the bytes alone.
    ///
    /// # Errors
    /// The first fault, with its path.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        Self::with_slots(bytes)
    }

    /// All faults of a configuration, up to 100. The first one is that of [`from_json`](Self::from_json); none is left
    /// out, except for what a part that could not be read may hold.
    pub fn faults(bytes: &[u8]) -> Vec<InvalidConfig> {
        let mut faults = Faults::at_most(MOST_FAULTS);
        if let Some(wire) = Config::read_all(bytes, &mut faults) {
            let unread = faults.len();
            Self::from_wire(&wire, &mut faults);
            faults.drop_consequences(unread);
        }
        faults.into_found()
    }
}

impl<S: Default> Policy<S> {
    /// [`from_json`](Policy::from_json) for an edge, which keeps something of its own with each destination.
    ///
    /// # Errors
    /// The first fault, with its path.
    pub fn with_slots(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        Self::compile(&Config::read(bytes)?)
    }

    fn compile(wire: &Config) -> Result<Self, InvalidConfig> {
        let mut faults = Faults::first();
        let policy = Self::from_wire(wire, &mut faults);
        policy.ok_or_else(|| faults.into_first())
    }

    fn from_wire(wire: &Config, faults: &mut Faults) -> Option<Self> {
        let outputs = Outputs::from_wire(wire, faults);
        let naming = faults.keep(Naming::new(
            wire.namespace.as_deref(),
            wire.domain.as_deref(),
            Outputs::names_cluster(wire),
        ));
        let naming = naming.unwrap_or(Naming::UNKNOWN);
        let http = wire.http.as_deref();
        let reason = match http {
            None => Some("is required"),
            Some([]) => Some("needs at least one rule"),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            faults.report(InvalidConfig::new(reason).at("http"));
            return None;
        }
        let mut budget = Budget::default();
        let mut names = BTreeSet::new();
        let mut watches = Vec::new();
        let rules = faults.each("http", http?, |index, wire, faults| {
            let matchers = matchers(wire, &mut budget, faults);
            let rule = Rule::from_wire(wire, index, naming, faults)?;
            if !names.insert(rule.name().to_owned()) {
                let reason = "is the name of an earlier rule";
                faults.report(InvalidConfig::new(reason).at("name"));
                return None;
            }
            let number = u32::try_from(index).ok()?;
            let watch = faults.within("rollback", |faults| {
                Watch::from_wire(&rule, number, wire, faults)
            });
            watches.extend(watch?);
            Some((rule, matchers?))
        })?;
        let (rules, matchers): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        let outputs = outputs?;
        // Nothing but an empty list of faults makes a policy.
        faults.is_empty().then(|| Self {
            rules: rules.into(),
            index: Index::new(matchers),
            watches: watches.into(),
            outputs,
        })
    }
}

impl<S> Policy<S> {
    /// Decides about a request, with the splits in force; `None` when no rule matches.
    pub fn decide<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        in_force: &InForce,
        random: &mut impl Random,
    ) -> Option<Decision> {
        self.choose(self.index.first(request)?, request, in_force, random)
    }

    /// Decides as if the rule of this number had matched; `None` if there is no such rule.
    pub fn choose<'r, F: Fields>(
        &'r self,
        rule: u32,
        request: &Request<'r, F>,
        in_force: &InForce,
        random: &mut impl Random,
    ) -> Option<Decision> {
        let chosen = self.rules.get(rule as usize)?;
        Some(chosen.choose(rule, in_force.of(rule), request, random))
    }

    /// The decision about a request that has already been sent to this cluster; `None` when no rule matches, or when the
    /// one that does has no such cluster.
    pub fn adopt<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        in_force: &InForce,
        cluster: &[u8],
        random: &mut impl Random,
    ) -> Option<Decision> {
        let rule = self.index.first(request)?;
        let adopting = self.rules.get(rule as usize)?;
        adopting.adopt(rule, in_force.of(rule), cluster, request, random)
    }

    /// The first rule that matches.
    pub fn route<'r, F: Fields>(&'r self, request: &Request<'r, F>) -> Option<&'r Rule<S>> {
        self.rules.get(self.index.first(request)? as usize)
    }

    /// The rules in the order of the configuration.
    pub fn rules(&self) -> &[Rule<S>] {
        &self.rules
    }

    /// The place of the destination that the others of this rule are compared with, if its answers are judged.
    pub fn stable_of(&self, rule: u32) -> Option<usize> {
        let watch = self.watches.get(self.watch_of(rule)?)?;
        Some(watch.settings.stable())
    }

    /// The rules whose answers are judged, in their order.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// The place among [`watches`](Self::watches) of the rule with this number, if its answers are judged.
    pub fn watch_of(&self, rule: u32) -> Option<usize> {
        self.watches
            .binary_search_by_key(&rule, |watch| watch.rule)
            .ok()
    }

    /// Where a decision is written.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// What a decision of this policy means, in texts; `None` for the decision of another policy that has no such rule
    /// or destination here.
    pub fn describe<'p>(&'p self, decision: &Decision) -> Option<Description<'p, S>> {
        let rule = self.rules.get(decision.rule as usize)?;
        let destination = rule.destinations().get(decision.destination as usize)?;
        Some(Description::new(rule, destination, *decision))
    }
}

/// The entries of `match`; none stands for every request.
fn matchers(wire: &wire::Rule, budget: &mut Budget, faults: &mut Faults) -> Option<Vec<Matcher>> {
    let mut matchers = faults.each("match", &wire.r#match, |_, wire, faults| {
        Matcher::from_wire(wire, budget, faults)
    })?;
    if matchers.iter().any(|matcher| matcher.conditions() == 0) {
        matchers.clear();
    }
    Some(matchers)
}

#[cfg(test)]
mod tests;
