//! A map whose keys are bytes. The keys are the configuration's, so no client can make them collide on purpose.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Built once, then only asked.
#[derive(Debug)]
pub(super) struct Table<T>(HashTable<(Box<[u8]>, T)>);

impl<T> Table<T> {
    pub(super) fn new(entries: BTreeMap<Cow<'_, [u8]>, T>) -> Self {
        let mut table = HashTable::with_capacity(entries.len());
        for (key, value) in entries {
            table.insert_unique(
                xxh3_64(&key),
                (key.into_owned().into(), value),
                |(key, _): &(Box<[u8]>, T)| xxh3_64(key),
            );
        }
        Self(table)
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&T> {
        if self.0.is_empty() {
            return None;
        }
        self.0
            .find(xxh3_64(key), |(known, _)| **known == *key)
            .map(|(_, value)| value)
    }
}
