//! A rule with `rollback`: what this worker has counted, and the key of the record that all workers share.

use std::cell::{Cell, RefCell};

use crate::choosing::decision::Decision;
use crate::choosing::destination::Destination;
use crate::choosing::reason::Reason;
use crate::policy::answer::Credit;
use crate::policy::watch::Watch;
use crate::policy::{Policy, metrics};
use crate::proxy::host;
use crate::proxy::metrics::{MetricId, Slot};
use crate::proxy::plugin::Plugin;
use crate::proxy::vm;
use crate::response::Class;
use crate::rollback::{Answers, Settings};

/// A rule whose answers are judged.
pub(crate) struct Watched {
    /// The key of its record.
    pub(crate) key: String,
    pub(crate) answers: RefCell<Answers>,
    counters: Box<[Counters]>,
}

/// The counters of one destination, and what has been counted since they were flushed.
struct Counters {
    /// By the number of the class.
    responses: [(Option<MetricId>, Cell<u32>); 3],
    rollbacks: Option<MetricId>,
}

impl Watched {
    /// The watched rules of a policy. Their metrics exist from now on, so that an alert on a rate sees the first event.
    pub(crate) fn all(policy: &Policy<Slot>, plugin: &Plugin) -> Box<[Self]> {
        let watched = |watch: &Watch| {
            let rule = policy.rules().get(watch.rule as usize)?;
            let (name, settings) = (rule.name(), &watch.settings);
            let destinations = rule.destinations().iter().enumerate();
            let counters = destinations
                .map(|(index, destination)| Counters::new(name, destination, index, settings));
            Some(Self {
                key: plugin.record_key(name),
                answers: RefCell::new(Answers::new(settings.destinations())),
                counters: counters.collect(),
            })
        };
        policy.watches().iter().filter_map(watched).collect()
    }

    /// Counts what a step of an answer adds. The decision is that about the request.
    pub(crate) fn take(&self, decision: &Decision, credit: Credit) {
        credit.add_to(&mut self.answers.borrow_mut(), decision);
        let counters = self.counters.get(decision.destination as usize);
        let place = credit.class.map(|class| class as usize);
        if let Some((_, count)) = counters
            .zip(place)
            .and_then(|(it, at)| it.responses.get(at))
        {
            count.set(count.get().saturating_add(1));
        }
    }

    /// Counts a rollback of the destination at this place.
    pub(crate) fn count_rollback(&self, destination: usize) {
        let counters = self.counters.get(destination);
        if let Some(counter) = counters.and_then(|counters| counters.rollbacks) {
            host::increment(counter, 1);
        }
    }

    /// Writes what has been counted for the metrics since the last time.
    pub(crate) fn flush(&self) {
        for (counter, count) in self.counters.iter().flat_map(|it| &it.responses) {
            if let Some(counter) = counter.filter(|_| count.get() > 0) {
                host::increment(counter, count.take());
            }
        }
    }
}

impl Counters {
    fn new(rule: &str, destination: &Destination<Slot>, index: usize, settings: &Settings) -> Self {
        let (label, stable) = (destination.label(), settings.stable() == index);
        let response = |class| vm::counter(&metrics::responses_total(rule, label, stable, class));
        for reason in Reason::ALL {
            destination.slot().requests(reason, || {
                vm::counter(&metrics::requests_total(rule, label, reason))
            });
        }
        let observed = settings.observes();
        Self {
            responses: Class::ALL.map(|class| (response(class), Cell::new(0))),
            rollbacks: if stable {
                None
            } else {
                vm::counter(&metrics::rollbacks_total(rule, label, observed))
            },
        }
    }
}
