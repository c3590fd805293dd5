//! What all virtual machines of a proxy share: shared data, the values of the metrics, the wall clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The wall clock of a new proxy, as time since 1970.
pub(crate) const START: Duration = Duration::from_secs(1_700_000_000);

/// A handle to this state. A clone refers to the same state.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

struct State {
    data: BTreeMap<String, (Vec<u8>, u32)>,
    next_cas: u32,
    metrics: BTreeMap<String, u64>,
    now: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self {
            data: BTreeMap::new(),
            next_cas: 1,
            metrics: BTreeMap::new(),
            now: START,
        }
    }
}

/// Another virtual machine has written since the value was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CasMismatch;

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A value, and the number of the write that made it.
    pub(crate) fn get(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.state().data.get(key).cloned()
    }

    /// Writes a value if `cas` is the number of the last write of this key, or 0, or if the key is absent.
    ///
    /// Writes are numbered from 1 over all keys, and 0 is left out when the numbers wrap (proxy-wasm-cpp-host,
    /// `SharedData::set` and `nextCas`).
    pub(crate) fn set(&self, key: &str, value: &[u8], cas: u32) -> Result<(), CasMismatch> {
        let mut state = self.state();
        if let Some((_, last)) = state.data.get(key)
            && cas != 0
            && cas != *last
        {
            return Err(CasMismatch);
        }
        let number = state.next_cas;
        state.next_cas = number.checked_add(1).unwrap_or(1);
        state.data.insert(key.to_owned(), (value.to_vec(), number));
        Ok(())
    }

    /// The keys of the shared data, in alphabetical order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state().data.keys().cloned().collect()
    }

    /// The value of a metric over all virtual machines, if one of them has defined it.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        self.state().metrics.get(name).copied()
    }

    /// Changes the value of a metric.
    pub(super) fn update_metric(&self, name: &str, change: impl FnOnce(u64) -> u64) {
        let mut state = self.state();
        let value = state.metrics.entry(name.to_owned()).or_default();
        *value = change(*value);
    }

    /// The wall clock, as time since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.state().now
    }

    /// Sets the wall clock, forwards or backwards.
    pub(crate) fn set_now(&self, now: Duration) {
        self.state().now = now;
    }

    /// Moves the wall clock forwards.
    pub(crate) fn advance(&self, by: Duration) {
        self.state().now += by;
    }
}
