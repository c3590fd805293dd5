//! Rules that are never reached, wholly or in part, because an earlier rule takes their requests.
//!
//! "Wholly" is proven condition by condition ([`Entry::implies`]). In part, a rule is hidden if one of its entries is, or if
//! an earlier rule takes every request of some paths that would go to the same versions: the rule for testers stands after
//! the rule that it is an exception from. An earlier rule that takes less than a later one is how rules are meant to be
//! written, and no reason for a warning.

mod candidates;

use std::collections::BTreeMap;
use std::ops::Bound;

use canary_filter::{Destination, Step};

use super::conditions::{Entry, Is, On, Words};
use super::subject::{Subject, in_rule};
use crate::fault::Fault;
use candidates::{Candidates, Rarity};

/// The entries of a rule; a rule without any takes every request.
struct Rule<'s> {
    number: usize,
    name: &'s str,
    entries: Vec<Entry>,
    /// Whether the rule has a `match`, so that its entries have places.
    is_listed: bool,
    /// The clusters, or the labels of destinations without a cluster.
    targets: Vec<&'s str>,
}

pub(super) fn warnings(subject: &Subject<'_>) -> Vec<Fault> {
    let rules: Vec<_> = subject
        .rules()
        .map(|(number, name)| Rule::read(subject, number, name))
        .collect();
    let rarity = Rarity::of(rules.iter().flat_map(|rule| &rule.entries));
    let mut earlier = Candidates::new(rarity);
    let mut exceptions = Exceptions::default();
    let mut warnings = Vec::new();
    for rule in &rules {
        let hiding: Vec<_> = rule
            .entries
            .iter()
            .map(|entry| earlier.first_that_covers(entry))
            .collect();
        if let Some(all) = hiding.iter().copied().collect::<Option<Vec<_>>>() {
            warnings.push(wholly(subject, rule, &rules, all));
        } else {
            warnings.extend(entries(subject, rule, &rules, &hiding));
            warnings.extend(exceptions.hidden(subject, rule, &rules));
        }
        for entry in &rule.entries {
            earlier.add(rule.number, entry);
            exceptions.add(rule, entry);
        }
    }
    warnings
}

impl<'s> Rule<'s> {
    fn read(subject: &'s Subject<'_>, number: usize, name: &'s str) -> Self {
        let mut entries: Vec<_> = subject
            .items(number, "match")
            .map(|(_, entry)| Entry::read(entry))
            .collect();
        let is_listed = !entries.is_empty();
        if !is_listed {
            entries.push(Entry::default());
        }
        let rule = subject.policy.rules().get(number);
        let destinations = rule.map_or(&[][..], |rule| rule.destinations());
        let target = |it: &'s Destination| it.cluster().unwrap_or(it.label());
        Self {
            number,
            name,
            entries,
            is_listed,
            targets: destinations.iter().map(target).collect(),
        }
    }

    fn shown(&self) -> String {
        format!("`{}` (http[{}])", self.name, self.number)
    }
}

fn wholly(subject: &Subject<'_>, rule: &Rule<'_>, rules: &[Rule<'_>], mut by: Vec<usize>) -> Fault {
    by.sort_unstable();
    by.dedup();
    let shown: Vec<_> = by
        .iter()
        .filter_map(|number| rules.get(*number))
        .map(Rule::shown)
        .collect();
    let (noun, verb) = match shown.len() {
        1 => ("rule", "takes"),
        _ => ("rules", "take"),
    };
    let reason = format!(
        "the rule `{}` is never reached: the earlier {noun} {} {verb} all of its requests",
        rule.name,
        shown.join(", ")
    );
    let warning = subject.warning(in_rule(rule.number, []), reason);
    warning.and("move it before that rule, or remove it")
}

/// The warnings about single entries of a rule that is still reached by others.
fn entries(
    subject: &Subject<'_>,
    rule: &Rule<'_>,
    rules: &[Rule<'_>],
    hiding: &[Option<usize>],
) -> Vec<Fault> {
    let warning = |(place, by): (usize, &Option<usize>)| {
        let by = rules.get((*by)?)?;
        let reason = format!(
            "a part of the rule `{}` is never reached: the earlier rule {} takes all requests of this entry",
            rule.name,
            by.shown()
        );
        let steps = in_rule(rule.number, ["match".into(), Step::Item(place)]);
        Some(subject.warning(steps, reason))
    };
    let hiding = hiding.iter().enumerate();
    hiding
        .filter(|_| rule.is_listed)
        .filter_map(warning)
        .collect()
}

/// Entries that have a condition on the path and no other, by the versions that their rules lead to and by that path.
#[derive(Default)]
struct Exceptions<'e>(BTreeMap<&'e str, BTreeMap<&'e str, (usize, &'e Words)>>);

impl<'e> Exceptions<'e> {
    fn add(&mut self, rule: &'e Rule<'_>, entry: &'e Entry) {
        if let [(On::Uri, Is::Like(words))] = entry.tests.as_slice()
            && let Words::Exact {
                text,
                folded: false,
            }
            | Words::Prefix {
                text,
                folded: false,
            } = words
        {
            for target in &rule.targets {
                let paths = self.0.entry(target).or_default();
                paths.entry(text).or_insert((rule.number, words));
            }
        }
    }

    /// A warning if an earlier rule takes all requests of some path that this one has other conditions for.
    fn hidden(&self, subject: &Subject<'_>, rule: &Rule<'_>, rules: &[Rule<'_>]) -> Option<Fault> {
        rule.entries.iter().enumerate().find_map(|(place, entry)| {
            let start = match entry.uri() {
                None => "",
                Some(Words::Prefix {
                    text,
                    folded: false,
                }) => text,
                Some(_) => return None,
            };
            if entry.tests.iter().all(|(on, _)| *on == On::Uri) {
                return None;
            }
            let (by, words) = self.below(start, &rule.targets)?;
            let (kind, text) = match words {
                Words::Exact { text, .. } => ("is", text),
                Words::Prefix { text, .. } | Words::Regex { text, .. } => ("begins with", text),
            };
            let reason = format!(
                "a part of the rule `{}` is never reached: the earlier rule {} takes all requests whose path {kind} `{text}`, and leads to the same version",
                rule.name,
                rules.get(by)?.shown()
            );
            let steps = in_rule(rule.number, ["match".into(), Step::Item(place)]);
            let warning = subject.warning(steps, reason);
            Some(warning.and("move the rule with more conditions before the other one"))
        })
    }

    /// The first path that begins with this text, among those that lead to one of these versions.
    fn below(&self, start: &str, targets: &[&str]) -> Option<(usize, &'e Words)> {
        let from = (Bound::Included(start), Bound::Unbounded);
        targets.iter().find_map(|target| {
            let (text, found) = self.0.get(target)?.range::<str, _>(from).next()?;
            text.starts_with(start).then_some(*found)
        })
    }
}
