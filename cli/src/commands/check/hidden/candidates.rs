//! Finds the entries that may cover another one, without comparing all of them.
//!
//! An entry with an exact condition on a header can only cover entries with the same condition, so it is kept under the
//! rarest of its own. Below that, an entry is kept under its path: it can only cover entries whose paths begin with that.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::commands::check::conditions::{Entry, Is, On, Words};

/// An exact condition on something else than the path.
type Exact<'e> = (&'e On, &'e str);

/// How often each exact condition occurs.
pub(super) struct Rarity<'e>(BTreeMap<Exact<'e>, usize>);

/// The entries that have been added so far.
pub(super) struct Candidates<'e> {
    rarity: Rarity<'e>,
    by_condition: BTreeMap<Option<Exact<'e>>, ByPath<'e>>,
}

/// Entries with the numbers of their rules.
type Added<'e> = Vec<(usize, &'e Entry)>;

#[derive(Default)]
struct ByPath<'e> {
    /// By the text that the path begins with.
    as_is: BTreeMap<Vec<u8>, Added<'e>>,
    /// The same for conditions that ignore case, in lower case.
    folded: BTreeMap<Vec<u8>, Added<'e>>,
    anywhere: Added<'e>,
}

impl<'e> Rarity<'e> {
    pub(super) fn of(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut counts = BTreeMap::new();
        for condition in entries.into_iter().flat_map(exact) {
            *counts.entry(condition).or_default() += 1;
        }
        Self(counts)
    }
}

impl<'e> Candidates<'e> {
    pub(super) fn new(rarity: Rarity<'e>) -> Self {
        Self {
            rarity,
            by_condition: BTreeMap::new(),
        }
    }

    /// The number of the first rule that has an entry which takes everything that this one takes.
    pub(super) fn first_that_covers(&self, entry: &Entry) -> Option<usize> {
        let conditions = exact(entry).map(Some).chain([None]);
        let found = conditions.filter_map(|condition| {
            // The map's keys live longer than this one.
            let by_path = self.by_condition.get(&condition)?;
            by_path.first_that_covers(entry)
        });
        found.min()
    }

    pub(super) fn add(&mut self, rule: usize, entry: &'e Entry) {
        let count = |condition: &Exact<'_>| self.rarity.0.get(condition).copied();
        let rarest = exact(entry).min_by_key(count);
        let by_path = self.by_condition.entry(rarest).or_default();
        by_path.at(entry).push((rule, entry));
    }
}

impl<'e> ByPath<'e> {
    fn at(&mut self, entry: &Entry) -> &mut Added<'e> {
        match entry.uri() {
            None => &mut self.anywhere,
            Some(words) => {
                let (start, folded) = start(words);
                if folded {
                    self.folded.entry(start.to_ascii_lowercase()).or_default()
                } else {
                    self.as_is.entry(start.to_owned()).or_default()
                }
            }
        }
    }

    fn first_that_covers(&self, entry: &Entry) -> Option<usize> {
        let covering = |added: &Added<'e>| {
            let mut added = added.iter();
            added
                .find(|(_, earlier)| entry.implies(earlier))
                .map(|(rule, _)| *rule)
        };
        let mut first = covering(&self.anywhere);
        let mut take = |added: &Added<'e>| {
            first = first.into_iter().chain(covering(added)).min();
        };
        if let Some(words) = entry.uri() {
            let (start, _) = start(words);
            each_prefix(&self.as_is, start, &mut take);
            if !self.folded.is_empty() {
                each_prefix(&self.folded, &start.to_ascii_lowercase(), &mut take);
            }
        }
        first
    }
}

fn exact(entry: &Entry) -> impl Iterator<Item = Exact<'_>> {
    entry.tests.iter().filter_map(|(on, is)| match (on, is) {
        (On::Uri, _) => None,
        (on, Is::Like(Words::Exact { text, .. })) => Some((on, text.as_str())),
        _ => None,
    })
}

/// The text that every path begins with, and whether its case is ignored.
fn start(words: &Words) -> (&[u8], bool) {
    match words {
        Words::Exact { text, folded } | Words::Prefix { text, folded } => {
            (text.as_bytes(), *folded)
        }
        Words::Regex { pattern, .. } => (pattern.prefix(), false),
    }
}

/// Visits the values whose keys the text begins with.
fn each_prefix<'m, V>(map: &'m BTreeMap<Vec<u8>, V>, text: &[u8], mut visit: impl FnMut(&'m V)) {
    let mut rest = text;
    // A key that is not a prefix still bounds the length of those that are: they cannot lie between it and the text.
    while let Some((key, value)) = map
        .range::<[u8], _>((Bound::Unbounded, Bound::Included(rest)))
        .next_back()
    {
        let common = key.iter().zip(rest).take_while(|(a, b)| a == b).count();
        let mut length = common;
        if common == key.len() {
            visit(value);
            let Some(shorter) = common.checked_sub(1) else {
                return;
            };
            length = shorter;
        }
        rest = rest.get(..length).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_the_prefixes_of_a_text_are_visited(
            keys in prop::collection::btree_set("[ab]{0,4}", 0..12),
            text in "[ab]{0,6}",
        ) {
            let map = keys.iter().map(|key| (key.clone().into_bytes(), key.clone())).collect();
            let mut visited = Vec::new();
            each_prefix(&map, text.as_bytes(), |key: &String| visited.push(key.clone()));
            visited.reverse();
            let expected: Vec<_> = keys.into_iter().filter(|key| text.starts_with(key)).collect();
            prop_assert_eq!(visited, expected);
        }
    }
}
