//! One entry of `http`: what it matches, and where its requests go.

use std::collections::BTreeSet;

use crate::InvalidConfig;
use crate::choice::{Choice, Reason};
use crate::config;
use crate::destination::{Completion, Destination, is_name};
use crate::index::Entry;
use crate::matcher::Matcher;
use crate::random::Random;
use crate::request::{Fields, Request};
use crate::split::Split;
use crate::sticky::Sticky;

/// One entry of `http`.
#[derive(Debug)]
pub struct Rule {
    name: Box<str>,
    /// Any of these; none at all stands for every request.
    matches: Vec<Matcher>,
    destinations: Vec<Destination>,
    /// The number of destinations in the rules before this one.
    first_id: usize,
    split: Split,
    sticky: Option<Sticky>,
}

impl Rule {
    pub(crate) fn new(
        wire: &config::Rule,
        index: usize,
        first_id: usize,
        completion: Completion<'_>,
    ) -> Result<Self, InvalidConfig> {
        let name = match &wire.name {
            Some(name) if is_name(name) => name.clone(),
            Some(_) => {
                return Err(
                    InvalidConfig::new("is no name: 1 to 63 letters, digits, `-`, `_`, `.`").at("name")
                );
            }
            None => format!("http-{index}"),
        };
        let matcher = |(index, wire): (usize, &config::Object<config::Match>)| {
            Matcher::try_from(&**wire).map_err(|fault| fault.item("match", index))
        };
        let mut matches: Vec<Matcher> =
            wire.r#match.iter().enumerate().map(matcher).collect::<Result<_, _>>()?;
        if matches.iter().any(|matcher| matcher.conditions() == 0) {
            matches.clear();
        }
        let destination = |(index, wire): (usize, &config::Object<config::Route>)| {
            Destination::new(wire, completion).map_err(|fault| fault.item("route", index))
        };
        let destinations: Vec<_> =
            wire.route.iter().enumerate().map(destination).collect::<Result<_, _>>()?;
        let mut labels = BTreeSet::new();
        if let Some(index) = destinations.iter().position(|destination| !labels.insert(destination.label())) {
            return Err(InvalidConfig::new("has the same subset, cluster or host as an earlier one")
                .item("route", index));
        }
        let weights: Vec<_> = destinations.iter().map(Destination::weight).collect();
        let split = Split::new(&weights).map_err(|fault| fault.at("route"))?;
        let sticky = Sticky::of(wire, &destinations)?;
        Ok(Self { name: name.into(), matches, destinations, first_id, split, sticky })
    }

    /// Decides about a request of this rule.
    pub fn choose<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Choice<'r>> {
        let key = self.sticky.as_ref().filter(|sticky| self.split.only().is_none() || sticky.issues());
        let key = key.and_then(|sticky| Some((sticky, sticky.key(request, random)?)));
        let (index, reason) = match (self.split.only(), &key) {
            (Some(only), _) => (only, Reason::Only),
            (None, Some((sticky, key))) => {
                (sticky.pick(&key.value, self.destinations.iter().map(Destination::weight))?, Reason::Sticky)
            }
            (None, None) => (self.split.pick(|total| random.below(total)), Reason::Weighted),
        };
        let kind = key.as_ref().filter(|_| reason == Reason::Sticky).map(|(_, key)| key.kind);
        Some(Choice {
            rule: &self.name,
            destination: self.destinations.get(index)?,
            id: self.first_id + index,
            reason,
            key: kind,
            set_cookie: key.and_then(|(_, key)| key.set_cookie),
        })
    }

    /// The number of the destinations of this rule and of all before it.
    pub(crate) fn end_id(&self) -> usize {
        self.first_id + self.destinations.len()
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
        let always = self.matches.is_empty().then_some((Entry::new(rule, None), None));
        let numbered = self.matches.iter().zip(0..);
        always
            .into_iter()
            .chain(numbered.map(move |(matcher, number)| (Entry::new(rule, Some(number)), Some(matcher))))
    }

    pub(crate) fn matches<'r, F: Fields>(&'r self, entry: Entry, request: &Request<'r, F>) -> bool {
        let Some(number) = entry.matcher else { return true };
        self.matches.get(number as usize).is_some_and(|matcher| matcher.matches(request, entry.settled))
    }
}
