//! A map whose keys are byte strings. All keys come from the configuration, so no client can provoke collisions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

/// A table that is built once and then only read, so open addressing with linear probing is enough. A general hash map
/// would add 5 KB to the module.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// Their number is a power of two, and at most half of them are used.
    slots: Box<[Option<Slot>]>,
    entries: Box<[(Box<[u8]>, T)]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The upper half of the key's hash. It rules out nearly every other key without a comparison of the keys.
    hash: u32,
    entry: u32,
}

impl<T> Table<T> {
    pub(super) fn new(entries: BTreeMap<Cow<'_, [u8]>, T>) -> Self {
        let size = (entries.len() * 2).next_power_of_two();
        let mut slots: Box<[Option<Slot>]> = vec![None; size].into();
        let mut kept = Vec::with_capacity(entries.len());
        for (entry, (key, value)) in (0..).zip(entries) {
            let hash = xxh3_64(&key);
            let free =
                probe(hash, size).find(|place| slots.get(*place).is_some_and(Option::is_none));
            if let Some(slot) = free.and_then(|place| slots.get_mut(place)) {
                *slot = Some(Slot {
                    hash: upper(hash),
                    entry,
                });
            }
            kept.push((key.into_owned().into(), value));
        }
        Self {
            slots,
            entries: kept.into(),
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&T> {
        if self.entries.is_empty() {
            return None;
        }
        let hash = xxh3_64(key);
        for place in probe(hash, self.slots.len()) {
            // A free slot ends the search: the key would have been placed here.
            let slot = (*self.slots.get(place)?)?;
            if slot.hash != upper(hash) {
                continue;
            }
            let (known, value) = self.entries.get(slot.entry as usize)?;
            if **known == *key {
                return Some(value);
            }
        }
        None
    }
}

/// All slots in the order of probing, starting with the slot of the hash.
fn probe(hash: u64, size: usize) -> impl Iterator<Item = usize> {
    let mask = size.wrapping_sub(1);
    (0..size).map(move |step| (hash as usize).wrapping_add(step) & mask)
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_finds_exactly_the_entries_of_its_map(
            map in prop::collection::btree_map(prop::collection::vec(0_u8..4, 0..5), any::<u8>(), 0..300),
            asked in prop::collection::vec(prop::collection::vec(0_u8..4, 0..5), 0..50),
        ) {
            let table = Table::new(map.iter().map(|(key, value)| (Cow::Borrowed(&**key), *value)).collect());
            for key in map.keys().chain(&asked) {
                prop_assert_eq!(table.get(key), map.get(key));
            }
        }
    }
}
