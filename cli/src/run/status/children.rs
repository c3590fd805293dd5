//! The `kubectl`s that run, so that all of them end with this program.

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Children by their process ids.
#[derive(Debug, Default)]
pub(super) struct Children(Mutex<BTreeMap<u32, Child>>);

impl Children {
    /// Takes a child, and returns its id.
    pub(super) fn add(&self, child: Child) -> u32 {
        let id = child.id();
        self.lock().insert(id, child);
        id
    }

    /// Whether the child still runs.
    pub(super) fn runs(&self, id: u32) -> bool {
        let mut children = self.lock();
        let child = children.get_mut(&id);
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends one child.
    pub(super) fn end_one(&self, id: u32) {
        if let Some(child) = self.lock().remove(&id) {
            end(child);
        }
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        let children = std::mem::take(&mut *self.lock());
        children.into_values().for_each(end);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
