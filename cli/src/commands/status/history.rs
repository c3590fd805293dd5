//! Since when versions are rolled back. A proxy shows only that they are, so the time is that of the first snapshot that
//! shows it.

use std::collections::BTreeMap;

use super::snapshot::Snapshot;

/// When something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// At this time, in seconds since 1970, or after the snapshot before.
    At(i64),
    /// Before this time, which is that of the first snapshot.
    Before(i64),
}

/// What earlier snapshots have shown.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By proxy, rule and label; `None` for a version that was not rolled back.
    seen: BTreeMap<(String, String, String), Option<Since>>,
}

impl History {
    /// Takes note of a snapshot at a time in seconds since 1970, and adds to it what is known from earlier ones.
    pub fn note(&mut self, proxy: &str, snapshot: &mut Snapshot, now: i64) {
        for version in &mut snapshot.versions {
            let key = (
                proxy.to_owned(),
                version.rule.clone(),
                version.label.clone(),
            );
            let before = self.seen.get(&key).copied();
            version.since = match (version.is_out, before) {
                (false, _) => None,
                (true, None) => Some(Since::Before(now)),
                (true, Some(before)) => Some(before.unwrap_or(Since::At(now))),
            };
            self.seen.insert(key, version.since);
        }
    }
}
