//! Builds the index. At each node, it chooses the value that separates the entries best.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::table::Table;
use super::trie::Trie;
use super::{Branch, Entry, Keys, Node, PathKeys};
use crate::config::header_name::HeaderName;
use crate::matching::matcher::{Matcher, Settled, UriKey};

/// Up to this number, trying the entries is faster than looking them up.
const FEW: usize = 4;

/// An entry with its conditions.
type Item<'m> = (Entry, Option<&'m Matcher>);

/// A value of the request that can separate entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By<'m> {
    // Cheapest first: by the time a header is compared, the path has already been read.
    Path,
    Header(&'m HeaderName),
}

/// How well a value separates entries.
#[derive(Default)]
struct Spread {
    keyed: usize,
    largest: usize,
}

/// Builds the index over entries in the order of their rules. Each entry is its rule's number and its matcher's number.
pub(super) fn node(entries: &[(u32, Option<u32>)], matchers: &[Matcher]) -> Node {
    let item = |(rule, number): &(u32, Option<u32>)| {
        let entry = Entry {
            rule: *rule,
            matcher: *number,
            settled: Settled::default(),
        };
        (
            entry,
            number.and_then(|number| matchers.get(number as usize)),
        )
    };
    branch(entries.iter().map(item).collect(), &mut Vec::new())
}

fn branch<'m>(items: Vec<Item<'m>>, used: &mut Vec<By<'m>>) -> Node {
    let Some(by) = best(&items, used) else {
        // An entry that has a key for a used value was placed under that key, so the lookup has proven this condition.
        let path = used.contains(&By::Path);
        let left = |(entry, matcher): Item<'m>| {
            let Some(matcher) = matcher else {
                return entry;
            };
            let settled = matcher.settled(path, |name| used.contains(&By::Header(name)));
            let number = entry
                .matcher
                .filter(|_| settled.count() < matcher.conditions());
            Entry {
                matcher: number,
                settled,
                ..entry
            }
        };
        let entries: Vec<_> = items.into_iter().map(left).collect();
        return match entries[..] {
            [entry] => Node::One(entry),
            _ => Node::List(entries.into()),
        };
    };
    used.push(by);
    let (keys, rest) = match by {
        By::Path => paths(items, used),
        By::Header(name) => header(name, items, used),
    };
    let rest = branch(rest, used);
    used.pop();
    Node::Branch(Box::new(Branch { keys, rest }))
}

/// The value that leaves the fewest entries to try, unless it still leaves nearly all of them.
fn best<'m>(items: &[Item<'m>], used: &[By<'m>]) -> Option<By<'m>> {
    if items.len() <= FEW {
        return None;
    }
    let mut spreads = BTreeMap::<By<'_>, Spread>::new();
    for ((by, _), count) in count(items) {
        let spread = spreads.entry(by).or_default();
        spread.keyed += count;
        spread.largest = spread.largest.max(count);
    }
    let left = |spread: &Spread| items.len().saturating_sub(spread.keyed) + spread.largest;
    let usable = spreads
        .iter()
        .filter(|(by, spread)| !used.contains(by) && left(spread) < items.len() / 8 * 7);
    usable
        .min_by_key(|(_, spread)| left(spread))
        .map(|(by, _)| *by)
}

/// Counts the entries that have each value.
fn count<'m>(items: &[Item<'m>]) -> BTreeMap<(By<'m>, Cow<'m, [u8]>), usize> {
    let mut counts = BTreeMap::new();
    for matcher in items.iter().filter_map(|(_, matcher)| *matcher) {
        if let Some(key) = matcher.uri_key() {
            *counts.entry((By::Path, key.text)).or_default() += 1;
        }
        for (name, value) in matcher.exact_headers() {
            *counts
                .entry((By::Header(name), Cow::Borrowed(value)))
                .or_default() += 1;
        }
    }
    counts
}

fn paths<'m>(items: Vec<Item<'m>>, used: &mut Vec<By<'m>>) -> (Keys, Vec<Item<'m>>) {
    let (keyed, rest): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|(_, matcher)| matcher.is_some_and(|matcher| matcher.uri_key().is_some()));
    let keyed: Vec<(UriKey<'m>, Item<'m>)> = keyed
        .into_iter()
        .filter_map(|item| Some((item.1?.uri_key()?, item)))
        .collect();
    let mut keys = |lower_case| {
        let mut group = |prefix| {
            let these = keyed
                .iter()
                .filter(|(key, _)| (key.lower_case, key.prefix) == (lower_case, prefix));
            nodes(
                &mut these.map(|(key, item)| (key.text.clone(), *item)),
                used,
            )
        };
        let (exact, prefix) = (group(false), group(true));
        let is_empty = exact.is_empty() && prefix.is_empty();
        (
            PathKeys {
                exact: Table::new(exact),
                prefix: Trie::new(prefix),
            },
            is_empty,
        )
    };
    let (as_is, _) = keys(false);
    let (lower_case, is_empty) = keys(true);
    (
        Keys::Path {
            as_is,
            lower_case: (!is_empty).then_some(lower_case),
        },
        rest,
    )
}

fn header<'m>(
    name: &'m HeaderName,
    items: Vec<Item<'m>>,
    used: &mut Vec<By<'m>>,
) -> (Keys, Vec<Item<'m>>) {
    let value = |(_, matcher): &Item<'m>| {
        matcher.and_then(|matcher| matcher.exact_headers().find(|(key, _)| *key == name))
    };
    let (keyed, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| value(item).is_some());
    let mut keyed = keyed
        .into_iter()
        .filter_map(|item| Some((Cow::Borrowed(value(&item)?.1), item)));
    (
        Keys::Header(name.clone(), Table::new(nodes(&mut keyed, used))),
        rest,
    )
}

/// Builds a node for each key, over the entries that have this key.
fn nodes<'m>(
    keyed: &mut dyn Iterator<Item = (Cow<'m, [u8]>, Item<'m>)>,
    used: &mut Vec<By<'m>>,
) -> BTreeMap<Cow<'m, [u8]>, Node> {
    let mut groups = BTreeMap::<Cow<'m, [u8]>, Vec<Item<'m>>>::new();
    for (key, item) in keyed {
        groups.entry(key).or_default().push(item);
    }
    let mut nodes = BTreeMap::new();
    for (key, items) in groups {
        nodes.insert(key, branch(items, used));
    }
    nodes
}
