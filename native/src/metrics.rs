//! The metrics of one configuration: Envoy defines them only while the configuration is made, so all of them exist at once.

use std::sync::Arc;

use canary_filter::{Class, Decision, Policy, Reason, metrics};

use crate::abi::Owner;
use crate::plugin::Plugin;
use crate::serving::Serving;

/// Envoy's number of a metric. Its numbers begin at 1, and 0 stands for a metric that could not be defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metric(pub(crate) usize);

/// The metrics of the rules, by their places in the policy.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// The place of each rule's first destination among all destinations.
    first: Box<[u32]>,
    /// Of each destination: its counter of requests for each reason.
    requests: Box<[[Metric; 3]]>,
    /// The place of each watched rule's first destination among those of all watched rules.
    first_watched: Box<[u32]>,
    /// Of each destination of a watched rule: its counters of answers for each class, and of rollbacks.
    watched: Box<[([Metric; 3], Metric)]>,
    /// The gauges of the policy, in its order.
    gauges: Box<[Metric]>,
    /// The gauges that show that a destination has no endpoint, if a cluster specifier chooses.
    no_endpoints: Option<Metric>,
}

/// Who chooses, which decides what can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chooser {
    /// The HTTP filter.
    Filter,
    /// A cluster specifier alone, which counts. It may leave one destination of a rule that gets everything though its own
    /// weights do not say so.
    Specifier,
    /// A cluster specifier, and the HTTP filter beside it counts.
    SpecifierBesideFilter,
}

impl Metrics {
    /// Defines the metrics of a policy that goes into service. Those of the policy before may have gauges at 1, which stay
    /// right only if it is the same one.
    pub(crate) fn new(
        owner: &Owner,
        serving: &Arc<Serving>,
        chooser: Chooser,
        plugin: &Plugin,
    ) -> Self {
        let own = Self::define(owner, serving.policy(), serving.gauges(), chooser);
        if let Some(last) = &*plugin.current() {
            let is_same = Arc::ptr_eq(last, serving);
            let show = |rule: &str, label: &str| own.show_empty(owner, rule, label, is_same);
            last.endpoints().each_empty(last.policy(), show);
        }
        own
    }

    fn define(owner: &Owner, policy: &Policy, gauges: &[String], chooser: Chooser) -> Self {
        let counter = |name: &str| owner.counter(name).unwrap_or_default();
        let mut own = Self {
            gauges: gauges
                .iter()
                .map(|name| owner.gauge(name).unwrap_or_default())
                .collect(),
            no_endpoints: match chooser {
                Chooser::Filter => None,
                // One definition for all destinations: it takes Envoy longer to define a metric than to read a rule.
                _ => owner.gauges(metrics::NO_ENDPOINTS, &metrics::LABELS),
            },
            ..Self::default()
        };
        let (mut first, mut requests) = (Vec::new(), Vec::new());
        for (number, rule) in (0..).zip(policy.rules()) {
            first.push(u32::try_from(requests.len()).unwrap_or(u32::MAX));
            let alone = chooser == Chooser::Specifier;
            let moves = alone || rule.ramp().is_some() || policy.watch_of(number).is_some();
            let single = rule.weights().iter().filter(|weight| **weight > 0).count() < 2;
            let several = rule.destinations().len() > 1 && (moves || !single);
            for destination in rule.destinations() {
                let counter = |reason| {
                    let possible = match reason {
                        Reason::Weighted => several,
                        Reason::Sticky => several && rule.is_sticky(),
                        Reason::Only => single || moves,
                    };
                    let name = || metrics::requests_total(rule.name(), destination.label(), reason);
                    if possible {
                        counter(&name())
                    } else {
                        Metric::default()
                    }
                };
                requests.push(Reason::ALL.map(counter));
            }
        }
        (own.first, own.requests) = (first.into(), requests.into());
        let (mut first, mut watched) = (Vec::new(), Vec::new());
        for watch in policy.watches() {
            first.push(u32::try_from(watched.len()).unwrap_or(u32::MAX));
            let Some(rule) = policy.rules().get(watch.rule as usize) else {
                continue;
            };
            for (place, destination) in rule.destinations().iter().enumerate() {
                let (name, label) = (rule.name(), destination.label());
                let stable = watch.settings.stable() == place;
                let class = |class| counter(&metrics::responses_total(name, label, stable, class));
                let rollbacks = || {
                    counter(&metrics::rollbacks_total(
                        name,
                        label,
                        watch.settings.observes(),
                    ))
                };
                watched.push((
                    Class::ALL.map(class),
                    if stable {
                        Metric::default()
                    } else {
                        rollbacks()
                    },
                ));
            }
        }
        (own.first_watched, own.watched) = (first.into(), watched.into());
        own
    }

    /// The counter of requests with this decision.
    pub(crate) fn requests(&self, decision: &Decision) -> Option<Metric> {
        let first = *self.first.get(decision.rule as usize)?;
        let by_reason = self.requests.get((first + decision.destination) as usize)?;
        by_reason.get(decision.reason as usize).copied()
    }

    /// The counter of answers of this class, of a destination of the watched rule at this place.
    pub(crate) fn responses(
        &self,
        watched: usize,
        destination: u32,
        class: Class,
    ) -> Option<Metric> {
        let (by_class, _) = self.of(watched, destination)?;
        by_class.get(class as usize).copied()
    }

    /// The counter of rollbacks of a destination of the watched rule at this place.
    pub(crate) fn rollbacks(&self, watched: usize, destination: u32) -> Option<Metric> {
        Some(self.of(watched, destination)?.1)
    }

    /// Sets gauges of the policy, by their places.
    pub(crate) fn set_gauges(&self, owner: &Owner, values: &[(usize, u64)]) {
        for (place, value) in values {
            if let Some(gauge) = self.gauges.get(*place) {
                owner.set(*gauge, *value);
            }
        }
    }

    /// Shows which destinations have lost their last endpoint, or have one again.
    pub(crate) fn show_endpoints(&self, owner: &Owner, serving: &Serving) {
        let show =
            |rule: &str, label: &str, is_empty| self.show_empty(owner, rule, label, is_empty);
        serving.endpoints().each_change(serving.policy(), show);
    }

    fn show_empty(&self, owner: &Owner, rule: &str, label: &str, is_empty: bool) {
        if let Some(gauges) = self.no_endpoints {
            owner.set_labelled(gauges, &[rule, label], is_empty.into());
        }
    }

    fn of(&self, watched: usize, destination: u32) -> Option<&([Metric; 3], Metric)> {
        let first = *self.first_watched.get(watched)?;
        self.watched.get((first + destination) as usize)
    }
}
