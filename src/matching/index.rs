//! Finds the first rule that matches without trying all of them.
//!
//! The `match` entries of all rules are told apart by what they compare with fixed text: the path (exact or prefix) or
//! a header that must be exactly something (`:authority` is one). A [`Branch`] looks the request's value up and leaves
//! the few entries that can match, plus those that do not compare this value at all. What is left is tried in order.

mod plan;
mod table;
mod trie;

use std::slice;

use crate::config::header_name::HeaderName;
use crate::matching::matcher::{Matcher, Settled};
use crate::request::{Fields, Request};
use table::Table;
use trie::Trie;

/// One `match` entry, by its number in its rule. Without a number there is no condition left to try: the rule has no
/// `match`, or the way through the index has settled all of the entry's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) rule: u32,
    pub(crate) matcher: Option<u32>,
    /// What the way through the index has shown to hold.
    pub(crate) settled: Settled,
}

impl Entry {
    /// An entry of which nothing is known yet.
    pub(crate) fn new(rule: u32, matcher: Option<u32>) -> Self {
        Self {
            rule,
            matcher,
            settled: Settled::default(),
        }
    }
}

/// The index over the entries of all rules.
#[derive(Debug)]
pub(crate) struct Index(Node);

/// Part of the index.
#[derive(Debug)]
enum Node {
    /// What most keys lead to; it lies with the key.
    One(Entry),
    /// Few, or such that nothing tells them apart: tried in order.
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
    /// Indexes the entries, which come in the order of their rules.
    pub(crate) fn new<'m>(entries: impl Iterator<Item = (Entry, Option<&'m Matcher>)>) -> Self {
        Self(plan::node(entries.collect()))
    }

    /// The first rule of which an entry matches; `matches` decides about one entry.
    pub(crate) fn first<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        matches: impl Fn(Entry) -> bool,
    ) -> Option<u32> {
        let mut search = Search {
            request,
            matches,
            best: None,
        };
        search.node(&self.0);
        search.best
    }
}

/// One look-up, with the first rule that has been found so far.
struct Search<'r, 'q, F, M> {
    request: &'q Request<'r, F>,
    matches: M,
    best: Option<u32>,
}

impl<'r, F: Fields, M: Fn(Entry) -> bool> Search<'r, '_, F, M> {
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
        let better = entries
            .iter()
            .take_while(|entry| self.best.is_none_or(|best| entry.rule < best));
        if let Some(found) = better
            .copied()
            .find(|entry| entry.matcher.is_none() || (self.matches)(*entry))
        {
            self.best = Some(found.rule);
        }
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
