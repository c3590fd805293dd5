//! Finds all keys that are prefixes of a path in one walk along the path, however many keys there are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ops::Range;

/// A radix trie over bytes. A node finds its child by counting bits, so a step costs the same for two children as for
/// two hundred. Most nodes have no children. They are small and hold their value, so one cache line holds all of it.
#[derive(Debug)]
pub(super) struct Trie<T> {
    nodes: Vec<TrieNode<T>>,
    /// The labels of all nodes, one after the other. A label is the bytes that lead from a node's parent to the node.
    labels: Vec<u8>,
}

#[derive(Debug)]
struct TrieNode<T> {
    label: (u32, u32),
    value: Option<T>,
    children: Option<Box<Children>>,
}

#[derive(Debug, Default)]
struct Children {
    /// A bit for each byte that has a child. The children are stored in the order of their bytes.
    bitmap: [u64; 4],
    /// The index of the first child for each word of the bitmap.
    first: [u32; 4],
}

/// Keys that all begin with the same `depth` bytes, and the `node` that will hold them.
struct Pending<'k> {
    node: usize,
    keys: Range<usize>,
    depth: usize,
    all: &'k [&'k [u8]],
}

impl<T> Trie<T> {
    pub(super) fn new(entries: BTreeMap<Cow<'_, [u8]>, T>) -> Self {
        let (keys, mut values): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .unzip();
        let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let mut trie = Self {
            nodes: Vec::new(),
            labels: Vec::new(),
        };
        if keys.is_empty() {
            return trie;
        }
        trie.nodes.push(TrieNode::default());
        let mut queue = VecDeque::from([Pending {
            node: 0,
            keys: 0..keys.len(),
            depth: 0,
            all: &keys,
        }]);
        while let Some(pending) = queue.pop_front() {
            trie.fill(pending, &mut values, &mut queue);
        }
        trie
    }

    fn fill<'k>(
        &mut self,
        pending: Pending<'k>,
        values: &mut [Option<T>],
        queue: &mut VecDeque<Pending<'k>>,
    ) {
        let Pending {
            node,
            keys,
            depth,
            all,
        } = pending;
        let (Some(first), Some(last)) = (all.get(keys.start), all.get(keys.end - 1)) else {
            return;
        };
        // The keys are sorted, so all of them share what the first and the last one share.
        let shared = first
            .iter()
            .zip(*last)
            .skip(depth)
            .take_while(|(a, b)| a == b)
            .count();
        let end = depth + shared;
        let mut filled = TrieNode {
            label: self.label(first.get(depth..end)),
            ..TrieNode::default()
        };
        let mut rest = keys;
        if first.len() == end {
            filled.value = values.get_mut(rest.start).and_then(Option::take);
            rest.start += 1;
        }
        while let Some(byte) = all
            .get(rest.start)
            .filter(|_| !rest.is_empty())
            .and_then(|key| key.get(end))
        {
            let tail = all.get(rest.clone()).unwrap_or_default();
            let until = rest.start + tail.partition_point(|key| key.get(end) <= Some(byte));
            filled
                .children
                .get_or_insert_default()
                .add(*byte, self.nodes.len());
            queue.push_back(Pending {
                node: self.nodes.len(),
                keys: rest.start..until,
                depth: end + 1,
                all,
            });
            self.nodes.push(TrieNode::default());
            rest.start = until;
        }
        if let Some(slot) = self.nodes.get_mut(node) {
            *slot = filled;
        }
    }

    fn label(&mut self, bytes: Option<&[u8]>) -> (u32, u32) {
        let start = self.labels.len();
        self.labels.extend_from_slice(bytes.unwrap_or_default());
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        (offset(start), offset(self.labels.len()))
    }

    /// Visits the values of all keys that are prefixes of the text, the shortest key first.
    pub(super) fn each_prefix_of<'t>(&'t self, text: &[u8], mut visit: impl FnMut(&'t T)) {
        let mut next = self.nodes.first();
        let mut rest = text;
        while let Some(node) = next {
            let (start, end) = node.label;
            if start != end {
                let label = self.labels.get(start as usize..end as usize);
                let Some(after) = label.and_then(|label| rest.strip_prefix(label)) else {
                    return;
                };
                rest = after;
            }
            if let Some(value) = &node.value {
                visit(value);
            }
            let (Some(children), Some((byte, after))) = (&node.children, rest.split_first()) else {
                return;
            };
            rest = after;
            next = children.get(*byte).and_then(|child| self.nodes.get(child));
        }
    }
}

impl<T> Default for TrieNode<T> {
    fn default() -> Self {
        Self {
            label: (0, 0),
            value: None,
            children: None,
        }
    }
}

impl Children {
    /// Adds a child. Children have to be added in the order of their bytes.
    fn add(&mut self, byte: u8, node: usize) {
        let word = usize::from(byte >> 6);
        if let (Some(bits), Some(first)) = (self.bitmap.get_mut(word), self.first.get_mut(word)) {
            if *bits == 0 {
                *first = u32::try_from(node).unwrap_or(u32::MAX);
            }
            *bits |= 1 << (byte & 63);
        }
    }

    fn get(&self, byte: u8) -> Option<usize> {
        let word = usize::from(byte >> 6);
        let bit = 1 << (byte & 63);
        let bits = *self.bitmap.get(word)?;
        let first = *self.first.get(word)?;
        (bits & bit != 0).then(|| (first + (bits & (bit - 1)).count_ones()) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trie(keys: &[Vec<u8>]) -> Trie<&[u8]> {
        Trie::new(keys.iter().map(|key| (key.into(), &key[..])).collect())
    }

    fn found<'k>(trie: &Trie<&'k [u8]>, text: &[u8]) -> Vec<&'k [u8]> {
        let mut found = Vec::new();
        trie.each_prefix_of(text, |key| found.push(*key));
        found
    }

    #[test]
    fn all_prefixes_are_visited_with_the_shortest_first() {
        let keys = ["/a", "/ab", "/abc/d", "/b", "", "/\u{ff}"].map(|key| key.as_bytes().to_vec());
        let trie = trie(&keys);
        let found = |text: &str| {
            found(&trie, text.as_bytes())
                .into_iter()
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("/abc/de"), ["", "/a", "/ab", "/abc/d"]);
        assert_eq!(found("/abc/"), ["", "/a", "/ab"]);
        assert_eq!(found("/b"), ["", "/b"]);
        assert_eq!(found("/ÿ"), ["", "/ÿ"]);
        assert_eq!(found(""), [""]);
        Trie::<()>::new(BTreeMap::new())
            .each_prefix_of(b"/", |()| panic!("an empty trie has no key"));
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_a_scan_finds(
            keys in prop::collection::vec(prop::collection::vec(prop::sample::select(&[0_u8, b'a', b'b', 0x80, 0xff][..]), 0..6), 0..30),
            text in prop::collection::vec(prop::sample::select(&[0_u8, b'a', b'b', 0x80, 0xff][..]), 0..8),
        ) {
            let trie = trie(&keys);
            let mut scanned: Vec<&[u8]> = keys.iter().map(|key| &key[..]).filter(|key| text.starts_with(key)).collect();
            scanned.sort();
            scanned.dedup();
            prop_assert_eq!(found(&trie, &text), scanned);
        }
    }
}
