//! The proxy's ids of metrics, and where they are kept so that counting a request needs no name.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;

use crate::choosing::reason::Reason;

/// The number that the proxy gave a metric.
pub(crate) type MetricId = u32;

/// The ids by name, for a whole VM: the proxy keeps every definition for ever, so each is made once.
#[derive(Debug, Default)]
pub(crate) struct Registry(RefCell<BTreeMap<Box<str>, MetricId>>);

/// What this edge keeps with each destination: what depends on nothing but the destination and the reason.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Its counters `canary_requests_total`. None is defined before it first counts.
    requests: ByReason<Cell<Option<MetricId>>>,
    /// Its texts for filter state, each made when the first request needs it.
    filter_state: ByReason<OnceCell<Box<str>>>,
}

/// One `T` for each reason.
#[derive(Debug, Default)]
struct ByReason<T> {
    weighted: T,
    sticky: T,
    only: T,
}

impl Registry {
    /// The id of this name; `define` is called for a name that is new.
    pub(crate) fn id(
        &self,
        name: &str,
        define: impl FnOnce(&str) -> Option<MetricId>,
    ) -> Option<MetricId> {
        let known = self.0.borrow().get(name).copied();
        known.or_else(|| {
            let id = define(name)?;
            self.0.borrow_mut().insert(name.into(), id);
            Some(id)
        })
    }
}

impl Slot {
    /// The counter of requests with this reason; `resolve` is asked for it until it has one.
    pub(crate) fn requests(
        &self,
        reason: Reason,
        resolve: impl FnOnce() -> Option<MetricId>,
    ) -> Option<MetricId> {
        let slot = self.requests.get(reason);
        if slot.get().is_none() {
            slot.set(resolve());
        }
        slot.get()
    }

    /// The text in filter state of requests with this reason; `text` makes it once.
    pub(crate) fn filter_state(&self, reason: Reason, text: impl FnOnce() -> String) -> &str {
        let slot = self.filter_state.get(reason);
        slot.get_or_init(|| text().into())
    }
}

impl<T> ByReason<T> {
    fn get(&self, reason: Reason) -> &T {
        match reason {
            Reason::Weighted => &self.weighted,
            Reason::Sticky => &self.sticky,
            Reason::Only => &self.only,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_defined_once_in_a_vm_and_looked_up_once_in_a_slot() {
        let (registry, defined) = (Registry::default(), Cell::new(0));
        let define = |_: &str| {
            defined.set(defined.get() + 1);
            Some(defined.get())
        };
        for _ in 0..3 {
            let slot = Slot::default();
            for (reason, id) in [(Reason::Sticky, 1), (Reason::Only, 2), (Reason::Sticky, 1)] {
                let asked = Cell::new(0);
                let resolve = || {
                    asked.set(asked.get() + 1);
                    registry.id(reason.as_str(), define)
                };
                assert_eq!(slot.requests(reason, resolve), Some(id));
                slot.requests(reason, || unreachable!("the slot has it"));
                assert!(asked.get() <= 1);
            }
        }
        assert_eq!(defined.get(), 2);
    }

    #[test]
    fn a_definition_that_fails_is_tried_again() {
        let registry = Registry::default();
        assert_eq!(registry.id("a", |_| None), None);
        assert_eq!(registry.id("a", |_| Some(7)), Some(7));
        let slot = Slot::default();
        assert_eq!(slot.requests(Reason::Only, || None), None);
        assert_eq!(slot.requests(Reason::Only, || Some(7)), Some(7));
    }
}
