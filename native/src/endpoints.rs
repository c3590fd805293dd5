//! Which destinations have no endpoint, as far as a cluster specifier has noticed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use canary_filter::Policy;

use crate::plugin::lock;

/// What is known of the destinations of one policy.
#[derive(Debug)]
pub(crate) struct Endpoints {
    /// By the rule and the destination: whether it has no endpoint.
    empty: Box<[Box<[AtomicBool]>]>,
    /// The rules and destinations of which this has changed since it was asked last, and whether there are any.
    changes: Mutex<Vec<(u32, u32)>>,
    has_changes: AtomicBool,
}

impl Endpoints {
    /// Every destination has one until it is noticed otherwise.
    pub(crate) fn of(policy: &Policy) -> Self {
        let empty = policy.rules().iter().map(|rule| {
            let flags = rule.destinations().iter().map(|_| AtomicBool::new(false));
            flags.collect()
        });
        Self {
            empty: empty.collect(),
            changes: Mutex::default(),
            has_changes: AtomicBool::new(false),
        }
    }

    /// Notes whether a destination has an endpoint.
    pub(crate) fn note(&self, rule: u32, destination: u32, is_empty: bool) {
        if let Some(known) = self.flag(rule, destination)
            && known.load(Ordering::Relaxed) != is_empty
            && known.swap(is_empty, Ordering::Relaxed) != is_empty
        {
            lock(&self.changes).push((rule, destination));
            self.has_changes.store(true, Ordering::Release);
        }
    }

    /// Visits the destinations that have lost their last endpoint, or have one again, since this was asked last: the names
    /// of the rule and of the version, and whether it has no endpoint.
    pub(crate) fn each_change(&self, policy: &Policy, mut visit: impl FnMut(&str, &str, bool)) {
        if self.has_changes.load(Ordering::Relaxed)
            && self.has_changes.swap(false, Ordering::Acquire)
        {
            let changes = std::mem::take(&mut *lock(&self.changes));
            for (rule, destination) in changes {
                let flag = self.flag(rule, destination);
                let is_empty = flag.is_some_and(|flag| flag.load(Ordering::Relaxed));
                if let Some((rule, label)) = names(policy, rule, destination) {
                    visit(rule, label, is_empty);
                }
            }
        }
    }

    /// Visits the names of the rules and versions of the destinations that have no endpoint.
    pub(crate) fn each_empty(&self, policy: &Policy, mut visit: impl FnMut(&str, &str)) {
        for (number, flags) in (0..).zip(&self.empty) {
            for (destination, flag) in (0..).zip(flags) {
                if flag.load(Ordering::Relaxed)
                    && let Some((rule, label)) = names(policy, number, destination)
                {
                    visit(rule, label);
                }
            }
        }
    }

    fn flag(&self, rule: u32, destination: u32) -> Option<&AtomicBool> {
        self.empty.get(rule as usize)?.get(destination as usize)
    }
}

/// The names of a rule and of its version.
fn names(policy: &Policy, rule: u32, destination: u32) -> Option<(&str, &str)> {
    let rule = policy.rules().get(rule as usize)?;
    let destination = rule.destinations().get(destination as usize)?;
    Some((rule.name(), destination.label()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_without_endpoints_is_reported_once_per_change() {
        let policy = Policy::from_json(
            br#"{"http": [{"name": "r", "route": [{"cluster": "a", "weight": 1}, {"cluster": "b", "weight": 1}]}]}"#,
        )
        .unwrap();
        let endpoints = Endpoints::of(&policy);
        let changes = || {
            let mut found = Vec::new();
            endpoints.each_change(&policy, |rule, label, is_empty| {
                found.push((rule.to_owned(), label.to_owned(), is_empty));
            });
            found
        };
        let change = |is_empty| vec![("r".to_owned(), "b".to_owned(), is_empty)];
        let empty = || {
            let mut found = Vec::new();
            endpoints.each_empty(&policy, |rule, label| found.push(format!("{rule}/{label}")));
            found
        };
        assert_eq!((changes(), empty()), (vec![], vec![]));
        endpoints.note(0, 1, true);
        assert_eq!((changes(), empty()), (change(true), vec!["r/b".to_owned()]));
        endpoints.note(0, 1, true);
        assert_eq!(changes(), []);
        endpoints.note(0, 1, false);
        assert_eq!((changes(), empty()), (change(false), vec![]));
        endpoints.note(1, 0, true);
        endpoints.note(0, 2, true);
        assert_eq!((changes(), empty()), (vec![], vec![]), "of another policy");
    }
}
