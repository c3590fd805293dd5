//! One entry of `http`: what it matches, and where its requests go.

use std::collections::BTreeSet;

use crate::choosing::choice::Choice;
use crate::choosing::destination::{Completion, Destination, is_name};
use crate::choosing::random::Random;
use crate::choosing::reason::Reason;
use crate::choosing::split::Split;
use crate::choosing::sticky::Sticky;
use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::matching::index::Entry;
use crate::matching::matcher::Matcher;
use crate::matching::regex::Budget;
use crate::request::{Fields, Request};

/// One entry of `http`.
#[derive(Debug)]
pub struct Rule {
    name: Box<str>,
    /// Any of these; none at all stands for every request.
    matches: Box<[Matcher]>,
    destinations: Box<[Destination]>,
    split: Split,
    /// In a box: few rules have it, and small rules lie close together.
    sticky: Option<Box<Sticky>>,
}

impl Rule {
    pub(crate) fn new(
        wire: &wire::Rule,
        index: usize,
        completion: Completion<'_>,
        budget: &mut Budget,
    ) -> Result<Self, InvalidConfig> {
        let name = match &wire.name {
            Some(name) if is_name(name) => name.clone(),
            Some(_) => {
                return Err(InvalidConfig::new(
                    "is no name: 1 to 63 letters, digits, `-`, `_`, `.`",
                )
                .at("name"));
            }
            None => format!("http-{index}"),
        };
        let matcher = |(index, wire): (usize, &wire::Match)| {
            Matcher::new(wire, budget).map_err(|fault| fault.item("match", index))
        };
        let mut matches: Vec<Matcher> = wire
            .r#match
            .iter()
            .enumerate()
            .map(matcher)
            .collect::<Result<_, _>>()?;
        if matches.iter().any(|matcher| matcher.conditions() == 0) {
            matches.clear();
        }
        let destination = |(index, wire): (usize, &wire::Route)| {
            Destination::new(wire, completion).map_err(|fault| fault.item("route", index))
        };
        let destinations: Vec<_> = wire
            .route
            .iter()
            .enumerate()
            .map(destination)
            .collect::<Result<_, _>>()?;
        let mut labels = BTreeSet::new();
        if let Some(index) = destinations
            .iter()
            .position(|destination| !labels.insert(destination.label()))
        {
            return Err(InvalidConfig::new(
                "has the same subset, cluster or host as an earlier one",
            )
            .item("route", index));
        }
        let weights: Vec<_> = destinations.iter().map(Destination::weight).collect();
        let split = Split::new(&weights).map_err(|fault| fault.at("route"))?;
        let sticky = Sticky::of(wire, &destinations)?.map(Box::new);
        Ok(Self {
            name: name.into(),
            matches: matches.into(),
            destinations: destinations.into(),
            split,
            sticky,
        })
    }

    /// Decides about a request of this rule.
    pub fn choose<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Choice<'r>> {
        let by_key = self
            .sticky
            .as_deref()
            .and_then(|sticky| self.choose_by_key(sticky, request, random));
        by_key.or_else(|| {
            let (index, reason) = match self.split.only() {
                Some(only) => (only, Reason::Only),
                None => (
                    self.split.pick(self.weights(), |total| random.below(total)),
                    Reason::Weighted,
                ),
            };
            self.choice(index, reason)
        })
    }

    /// Decides by the user's key; `None` for a request that has none.
    #[inline(never)] // Rules without a key do not carry its code through the processor's cache.
    fn choose_by_key<'r, F: Fields>(
        &'r self,
        sticky: &'r Sticky,
        request: &Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Choice<'r>> {
        let only = self.split.only();
        if only.is_some() && !sticky.issues() {
            return None;
        }
        let key = sticky.key(request, random)?;
        let choice = match only {
            Some(only) => self.choice(only, Reason::Only)?,
            None => {
                let index = sticky.pick(&key.value, self.weights())?;
                Choice {
                    key: Some(key.kind),
                    ..self.choice(index, Reason::Sticky)?
                }
            }
        };
        Some(Choice {
            set_cookie: key.set_cookie,
            ..choice
        })
    }

    fn choice(&self, index: usize, reason: Reason) -> Option<Choice<'_>> {
        Some(Choice {
            rule: &self.name,
            destination: self.destinations.get(index)?,
            reason,
            key: None,
            set_cookie: None,
        })
    }

    fn weights(&self) -> impl Iterator<Item = u32> {
        self.destinations.iter().map(Destination::weight)
    }

    /// The name as given, or `http-<index>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The destinations in the order of the configuration.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// The `match` entries under their numbers, or the one that stands for none.
    pub(crate) fn entries(&self, rule: u32) -> impl Iterator<Item = (Entry, Option<&Matcher>)> {
        let always = self
            .matches
            .is_empty()
            .then_some((Entry::new(rule, None), None));
        let numbered = self.matches.iter().zip(0..);
        always.into_iter().chain(
            numbered.map(move |(matcher, number)| (Entry::new(rule, Some(number)), Some(matcher))),
        )
    }

    pub(crate) fn matches<'r, F: Fields>(&'r self, entry: Entry, request: &Request<'r, F>) -> bool {
        let Some(number) = entry.matcher else {
            return true;
        };
        self.matches
            .get(number as usize)
            .is_some_and(|matcher| matcher.matches(request, entry.settled))
    }
}
