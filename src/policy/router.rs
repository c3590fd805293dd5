//! The compiled rules: the first one that matches a request decides where it goes.

use std::collections::BTreeSet;

use crate::choosing::destination::Completion;
use crate::choosing::rule::Rule;
use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::matching::index::Index;
use crate::matching::regex::Budget;
use crate::request::{Fields, Request};

/// All rules, in the order of the configuration.
#[derive(Debug)]
pub struct Router {
    rules: Box<[Rule]>,
    index: Index,
}

impl Router {
    pub(crate) fn new(
        wire: &[wire::Rule],
        completion: Completion<'_>,
    ) -> Result<Self, InvalidConfig> {
        if wire.is_empty() {
            return Err(InvalidConfig::new("needs at least one rule").at("http"));
        }
        let mut budget = Budget::default();
        let rule = |(index, wire): (usize, &wire::Rule)| {
            Rule::new(wire, index, completion, &mut budget)
                .map_err(|fault| fault.item("http", index))
        };
        let rules: Box<[Rule]> = wire
            .iter()
            .enumerate()
            .map(rule)
            .collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        match rules.iter().position(|rule| !names.insert(rule.name())) {
            Some(index) => Err(InvalidConfig::new("is the name of an earlier rule")
                .at("name")
                .item("http", index)),
            None => Ok(Self {
                index: Index::new(
                    rules
                        .iter()
                        .zip(0..)
                        .flat_map(|(rule, number)| rule.entries(number)),
                ),
                rules,
            }),
        }
    }

    /// The first rule that matches.
    pub fn route<'r, F: Fields>(&'r self, request: &Request<'r, F>) -> Option<&'r Rule> {
        let found = self.index.first(request, |entry| {
            let rule = self.rules.get(entry.rule as usize);
            rule.is_some_and(|rule| rule.matches(entry, request))
        });
        self.rules.get(found? as usize)
    }

    /// The rules in the order of the configuration.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

#[cfg(test)]
mod tests;
