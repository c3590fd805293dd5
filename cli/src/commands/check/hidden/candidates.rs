//! Finds the entries that may cover another one, without comparing all of them.
//!
//! An entry only covers entries that imply each of its conditions. So it is kept under one of them, the rarest, and is
//! compared with entries that have a condition on the same thing and with a text that begins with its own.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::commands::check::conditions::{Entry, Is, On, Words};

/// What an entry is kept under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'e> {
    /// A text that the value is or begins with.
    Text(&'e On, &'e str),
    /// The same without regard to case.
    Folded(&'e On, &'e str),
    Regex(&'e On, &'e str),
    /// A condition without a text that the value must have.
    Bare(&'e On),
}

/// How often each condition occurs.
pub(super) struct Rarity<'e>(BTreeMap<Key<'e>, usize>);

/// The entries that have been added so far.
pub(super) struct Candidates<'e> {
    rarity: Rarity<'e>,
    by_thing: BTreeMap<&'e On, ByText<'e>>,
    /// Those that take every request.
    unconditional: Added<'e>,
    /// How many entries have been compared.
    #[cfg(test)]
    compared: std::cell::Cell<usize>,
}

/// Entries with the numbers of their rules.
type Added<'e> = Vec<(usize, &'e Entry)>;

/// Entries with a condition on the same thing.
#[derive(Default)]
struct ByText<'e> {
    as_is: BTreeMap<Vec<u8>, Added<'e>>,
    /// In lower case.
    folded: BTreeMap<Vec<u8>, Added<'e>>,
    /// Patterns by their text: one pattern covers another one only if they are the same.
    patterns: BTreeMap<&'e str, Added<'e>>,
    /// Patterns by what all of their values begin with, for texts that they may match.
    matching: BTreeMap<Vec<u8>, Added<'e>>,
    bare: Added<'e>,
}

impl<'e> Rarity<'e> {
    pub(super) fn of(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut counts = BTreeMap::new();
        for (on, is) in entries.into_iter().flat_map(|entry| &entry.tests) {
            *counts.entry(Key::of(on, is)).or_default() += 1;
        }
        Self(counts)
    }
}

impl<'e> Key<'e> {
    fn of(on: &'e On, is: &'e Is) -> Self {
        match is {
            Is::Like(Words::Exact { text, folded } | Words::Prefix { text, folded }) => {
                if *folded {
                    Self::Folded(on, text)
                } else {
                    Self::Text(on, text)
                }
            }
            Is::Like(Words::Regex { text, .. }) => Self::Regex(on, text),
            Is::Present | Is::Absent | Is::Unlike(_) => Self::Bare(on),
        }
    }
}

impl<'e> Candidates<'e> {
    pub(super) fn new(rarity: Rarity<'e>) -> Self {
        Self {
            rarity,
            by_thing: BTreeMap::new(),
            unconditional: Vec::new(),
            #[cfg(test)]
            compared: Default::default(),
        }
    }

    /// The number of the first rule that has an entry which takes everything that this one takes.
    pub(super) fn first_that_covers(&self, entry: &Entry) -> Option<usize> {
        let mut first = self.unconditional.first().map(|(rule, _)| *rule);
        let mut take = |added: &Added<'e>| {
            let mut added = added.iter();
            let covering = added.find(|(_, earlier)| {
                #[cfg(test)]
                self.compared.update(|compared| compared + 1);
                entry.implies(earlier)
            });
            let found = covering.map(|(rule, _)| *rule);
            first = first.into_iter().chain(found).min();
        };
        for (on, is) in &entry.tests {
            if let Some(by_text) = self.by_thing.get(on) {
                by_text.each_candidate(is, &mut take);
            }
        }
        first
    }

    pub(super) fn add(&mut self, rule: usize, entry: &'e Entry) {
        let count = |test: &&'e (On, Is)| self.rarity.0.get(&Key::of(&test.0, &test.1));
        let added = (rule, entry);
        match entry.tests.iter().min_by_key(count) {
            Some((on, is)) => self.by_thing.entry(on).or_default().add(is, added),
            None => self.unconditional.push(added),
        }
    }
}

impl<'e> ByText<'e> {
    fn add(&mut self, is: &'e Is, added: (usize, &'e Entry)) {
        let list = match is {
            Is::Like(Words::Exact { text, folded } | Words::Prefix { text, folded }) => {
                if *folded {
                    let text = text.to_ascii_lowercase();
                    self.folded.entry(text.into_bytes()).or_default()
                } else {
                    self.as_is.entry(text.clone().into_bytes()).or_default()
                }
            }
            Is::Like(Words::Regex { text, pattern }) => {
                let start = pattern.prefix().to_owned();
                self.matching.entry(start).or_default().push(added);
                self.patterns.entry(text).or_default()
            }
            Is::Present | Is::Absent | Is::Unlike(_) => &mut self.bare,
        };
        list.push(added);
    }

    /// Visits the entries whose condition this one may imply.
    fn each_candidate(&self, is: &Is, take: &mut impl FnMut(&Added<'e>)) {
        take(&self.bare);
        let start = match is {
            Is::Like(Words::Exact { text, .. }) => {
                each_prefix(&self.matching, text.as_bytes(), &mut *take);
                text.as_bytes()
            }
            Is::Like(Words::Prefix { text, .. }) => text.as_bytes(),
            Is::Like(Words::Regex { text, pattern }) => {
                self.patterns
                    .get(text.as_str())
                    .into_iter()
                    .for_each(&mut *take);
                pattern.prefix()
            }
            Is::Present | Is::Absent | Is::Unlike(_) => b"",
        };
        each_prefix(&self.as_is, start, &mut *take);
        if !self.folded.is_empty() {
            each_prefix(&self.folded, &start.to_ascii_lowercase(), take);
        }
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
    use crate::commands::check::conditions::tests::entry;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_compared_with_few_others_whatever_they_have_in_common() {
        let shapes: [fn(usize) -> serde_json::Value; 6] = [
            |n| json!({"uri": {"prefix": format!("/{n}/")}}),
            |n| json!({"uri": {"exact": format!("/{n}")}, "ignoreUriCase": true}),
            |n| json!({"uri": {"regex": format!(".*/{n}/[a-z]+")}}),
            |n| json!({"uri": {"prefix": "/"}, "authority": {"exact": format!("{n}.example.com")}}),
            |n| json!({"uri": {"prefix": format!("/{n}/")}, "authority": {"exact": "a"}, "method": {"exact": "GET"}}),
            |n| json!({"uri": {"prefix": "/a/"}, "authority": {"exact": "a"}, "headers": {"x-user": {"prefix": format!("{n}-")}}}),
        ];
        for shape in shapes {
            let entries: Vec<_> = (0..1_000).map(|n| Entry::read(&shape(n))).collect();
            let mut candidates = Candidates::new(Rarity::of(&entries));
            for (rule, entry) in entries.iter().enumerate() {
                assert_eq!(candidates.first_that_covers(entry), None);
                candidates.add(rule, entry);
            }
            let compared = candidates.compared.get();
            assert!(compared <= 2 * entries.len(), "{}: {compared}", shape(5));
        }
    }

    proptest! {
        #[test]
        fn the_first_covering_rule_is_the_one_that_comparing_all_entries_finds(
            entries in prop::collection::vec(entry(), 1..12),
        ) {
            let entries: Vec<_> = entries.iter().map(Entry::read).collect();
            let mut candidates = Candidates::new(Rarity::of(&entries));
            for (rule, entry) in entries.iter().enumerate() {
                let all = entries.iter().take(rule).position(|earlier| entry.implies(earlier));
                prop_assert_eq!(candidates.first_that_covers(entry), all);
                candidates.add(rule, entry);
            }
        }

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
