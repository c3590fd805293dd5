//! Finds the first matching rule without trying every rule.
//!
//! Most `match` entries compare a fixed text: a path (exact or prefix), or one exact value of a header such as
//! `:authority`. A [`Branch`] looks up the request's value, which leaves the few entries that can match and those that do
//! not compare this value at all. The search then tries the remaining entries in order.

mod plan;
mod table;
mod trie;

use std::slice;

use crate::config::header_name::HeaderName;
use crate::matching::matcher::{Matcher, Settled};
use crate::request::{Fields, Request};
use table::Table;
use trie::Trie;

/// The `match` entries of all rules, with a tree that finds those that can match a request.
#[derive(Debug)]
pub(crate) struct Index {
    matchers: Box<[Matcher]>,
    root: Node,
    /// The number of each entry's rule and the entry's matcher, in the order of the configuration.
    #[cfg(not(feature = "proxy"))]
    owners: Box<[(u32, Option<u32>)]>,
}

/// One `match` entry. `matcher` is `None` if no condition is left to try: the rule has no `match`, or the index lookup has
/// already proven all conditions of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    rule: u32,
    /// The position of its matcher in `Index::matchers`.
    matcher: Option<u32>,
    /// The conditions that the index lookup has already proven.
    settled: Settled,
}

/// A node of the index.
#[derive(Debug)]
enum Node {
    /// A single entry, stored with its key. Most keys lead to one.
    One(Entry),
    /// A few entries, or entries that no value separates. They are tried in order.
    List(Box<[Entry]>),
    Branch(Box<Branch>),
}

#[derive(Debug)]
struct Branch {
    keys: Keys,
    /// The entries that do not compare what the keys compare.
    rest: Node,
}

#[derive(Debug)]
enum Keys {
    Path {
        as_is: PathKeys,
        lower_case: Option<PathKeys>,
    },
    Header(HeaderName, Table<Node>),
}

#[derive(Debug)]
struct PathKeys {
    exact: Table<Node>,
    prefix: Trie<Node>,
}

impl Index {
    /// Indexes the entries of the rules, which come in the order of the rules. A rule without entries matches every
    /// request.
    pub(crate) fn new(rules: impl IntoIterator<Item = Vec<Matcher>>) -> Self {
        let (mut owners, mut matchers) = (Vec::new(), Vec::new());
        for (rule, entries) in (0..).zip(rules) {
            if entries.is_empty() {
                owners.push((rule, None));
            }
            for matcher in entries {
                // The number fits: a configuration of at most 16 MiB has far fewer than 2^32 entries.
                owners.push((rule, u32::try_from(matchers.len()).ok()));
                matchers.push(matcher);
            }
        }
        let matchers: Box<[Matcher]> = matchers.into();
        let root = plan::node(&owners, &matchers);
        Self {
            matchers,
            root,
            #[cfg(not(feature = "proxy"))]
            owners: owners.into(),
        }
    }

    /// The number of the first rule that has a matching entry.
    pub(crate) fn first<'r, F: Fields>(&'r self, request: &Request<'r, F>) -> Option<u32> {
        let mut search = Search::new(self, request);
        search.node(&self.root);
        search.best
    }

    /// The `match` entries of the rule with this number, in their order. There are none if it matches every request.
    #[cfg(not(feature = "proxy"))]
    pub(crate) fn entries(&self, rule: u32) -> impl Iterator<Item = &Matcher> {
        let first = self.owners.partition_point(|(owner, _)| *owner < rule);
        let entries = self.owners.iter().skip(first);
        entries
            .take_while(move |(owner, _)| *owner == rule)
            .filter_map(|(_, matcher)| self.matchers.get((*matcher)? as usize))
    }
}

/// One lookup. `best` is the first of the rules that it has found so far.
struct Search<'r, 'q, F> {
    request: &'q Request<'r, F>,
    matchers: &'r [Matcher],
    best: Option<u32>,
    /// How many entries have been tried.
    #[cfg(test)]
    tried: std::cell::Cell<usize>,
}

impl<'r, 'q, F: Fields> Search<'r, 'q, F> {
    fn new(index: &'r Index, request: &'q Request<'r, F>) -> Self {
        Self {
            request,
            matchers: &index.matchers,
            best: None,
            #[cfg(test)]
            tried: Default::default(),
        }
    }

    fn node(&mut self, node: &'r Node) {
        match node {
            Node::One(entry) => self.list(slice::from_ref(entry)),
            Node::List(entries) => self.list(entries),
            Node::Branch(branch) => {
                match &branch.keys {
                    Keys::Path { as_is, lower_case } => self.path(as_is, lower_case.as_ref()),
                    Keys::Header(name, values) => self.header(name, values),
                }
                self.node(&branch.rest);
            }
        }
    }

    fn list(&mut self, entries: &[Entry]) {
        let mut better = entries
            .iter()
            .take_while(|entry| self.best.is_none_or(|best| entry.rule < best));
        if let Some(found) = better.find(|entry| self.matches(entry)) {
            self.best = Some(found.rule);
        }
    }

    fn matches(&self, entry: &Entry) -> bool {
        let Some(number) = entry.matcher else {
            return true;
        };
        #[cfg(test)]
        self.tried.update(|tried| tried + 1);
        self.matchers
            .get(number as usize)
            .is_some_and(|matcher| matcher.matches(self.request, entry.settled))
    }

    fn path(&mut self, as_is: &'r PathKeys, lower_case: Option<&'r PathKeys>) {
        let request = self.request;
        let Some(path) = request.uri() else { return };
        self.path_keys(as_is, path);
        if let Some(keys) = lower_case {
            self.path_keys(keys, &path.to_ascii_lowercase());
        }
    }

    fn path_keys(&mut self, keys: &'r PathKeys, path: &[u8]) {
        if let Some(node) = keys.exact.get(path) {
            self.node(node);
        }
        keys.prefix.each_prefix_of(path, |node| self.node(node));
    }

    fn header(&mut self, name: &'r HeaderName, values: &'r Table<Node>) {
        let request = self.request;
        request.each_value(name.as_str(), |value| {
            if let Some(node) = values.get(value) {
                self.node(node);
            }
        });
    }
}

#[cfg(test)]
mod tests;
