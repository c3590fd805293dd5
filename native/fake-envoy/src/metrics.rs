//! The metrics of one configuration.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::abi::{FROZEN, INVALID_LABELS, METRIC_NOT_FOUND, SUCCESS};

/// The metrics of one configuration. A clone refers to the same ones, which outlive the configuration.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Owned>);

/// What a configuration has defined, and what it does with it. A number is that of a counter or that of a gauge; both begin
/// at 1, as in Envoy's `MetricRegistry`.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    /// While the configuration is made, which happens on one thread.
    defining: Mutex<Registry>,
    /// From then on. Workers only read it, which orders nothing.
    frozen: OnceLock<Registry>,
    /// The gauges that have labels, by the name and the labels' values: `name.value.value`.
    labelled: Mutex<BTreeMap<String, u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
}

#[derive(Debug, Default)]
struct Registry {
    counters: Vec<Arc<AtomicU64>>,
    gauges: Vec<Arc<AtomicU64>>,
    names: BTreeMap<String, Arc<AtomicU64>>,
    /// The names of gauges that have labels, and how many labels. They have numbers of their own.
    labelled: Vec<(String, usize)>,
}

impl Registry {
    fn of_kind(&self, kind: Kind) -> &Vec<Arc<AtomicU64>> {
        match kind {
            Kind::Counter => &self.counters,
            Kind::Gauge => &self.gauges,
        }
    }

    fn define(&mut self, kind: Kind, name: &str) -> usize {
        // A name that is defined twice has two numbers and one value.
        let value = Arc::clone(self.names.entry(name.to_owned()).or_default());
        let of_kind = match kind {
            Kind::Counter => &mut self.counters,
            Kind::Gauge => &mut self.gauges,
        };
        of_kind.push(value);
        of_kind.len()
    }
}

impl Owned {
    fn defining(&self) -> MutexGuard<'_, Registry> {
        self.defining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        match self.frozen.get() {
            Some(registry) => read(registry),
            None => read(&self.defining.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// The number of a new metric, or why there is none.
    pub(crate) fn define(&self, kind: Kind, name: &str) -> Result<usize, u32> {
        if self.frozen.get().is_some() {
            return Err(FROZEN);
        }
        let mut defining = self.defining.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(defining.define(kind, name))
    }

    /// The number of a new gauge with labels, or why there is none.
    pub(crate) fn define_labelled(&self, name: &str, labels: usize) -> Result<usize, u32> {
        if self.frozen.get().is_some() {
            return Err(FROZEN);
        }
        let mut defining = self.defining.lock().unwrap_or_else(PoisonError::into_inner);
        defining.labelled.push((name.to_owned(), labels));
        Ok(defining.labelled.len())
    }

    /// Sets a gauge with these values of its labels, and says how that went.
    pub(crate) fn set_labelled(&self, number: usize, labels: &[&str], value: u64) -> u32 {
        self.read(|registry| {
            let place = number.checked_sub(1);
            let Some((name, count)) = place.and_then(|place| registry.labelled.get(place)) else {
                return METRIC_NOT_FOUND;
            };
            if *count != labels.len() {
                return INVALID_LABELS;
            }
            let name = [&[name.as_str()], labels].concat().join(".");
            let mut labelled = self.labelled.lock().unwrap_or_else(PoisonError::into_inner);
            labelled.insert(name, value);
            SUCCESS
        })
    }

    /// The configuration is made.
    pub(crate) fn freeze(&self) {
        let registry = std::mem::take(&mut *self.defining());
        self.frozen.get_or_init(|| registry);
    }

    /// Changes a value, and says how that went.
    pub(crate) fn change(&self, kind: Kind, number: usize, value: u64) -> u32 {
        self.read(|registry| {
            let place = number.checked_sub(1);
            let found = place.and_then(|place| registry.of_kind(kind).get(place));
            match (found, kind) {
                (Some(counter), Kind::Counter) => {
                    counter.fetch_add(value, Ordering::Relaxed);
                    SUCCESS
                }
                (Some(gauge), Kind::Gauge) => {
                    gauge.store(value, Ordering::Relaxed);
                    SUCCESS
                }
                (None, _) => METRIC_NOT_FOUND,
            }
        })
    }
}

impl Metrics {
    /// What the module refers to by a pointer.
    pub(crate) fn owned(&self) -> &Owned {
        &self.0
    }

    /// The value of a metric, if it has been defined.
    pub fn value(&self, name: &str) -> Option<u64> {
        let labelled = self
            .0
            .labelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let labelled = labelled.get(name).copied();
        let read = |registry: &Registry| Some(registry.names.get(name)?.load(Ordering::Relaxed));
        labelled.or_else(|| self.0.read(read))
    }

    /// The sum of the metrics of this name over all their labels, which follow after a dot.
    pub fn sum(&self, name: &str) -> u64 {
        self.0.read(|registry| {
            let values = registry.names.range(name.to_owned()..);
            let of_name = values.take_while(|(full, _)| full.starts_with(name));
            of_name
                .filter(|(full, _)| matches!(full.as_bytes().get(name.len()), None | Some(b'.')))
                .map(|(_, value)| value.load(Ordering::Relaxed))
                .sum()
        })
    }

    /// All metrics that have been defined.
    pub fn values(&self) -> BTreeMap<String, u64> {
        let load = |(name, value): (&String, &Arc<AtomicU64>)| {
            (name.clone(), value.load(Ordering::Relaxed))
        };
        self.0
            .read(|registry| registry.names.iter().map(load).collect())
    }
}
