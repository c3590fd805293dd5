//! The weights in force, steered by rollbacks and ramps: what an edge does with a record, whatever its host.

use std::time::Duration;

use crate::choosing::rule::Rule;
use crate::choosing::split::{InForce, Split};
use crate::policy::watch::Watch;
use crate::policy::{Policy, metrics};
use crate::rollback::{Line, Record, TICK_MS, Transition};

/// A ramp goes by whole seconds.
pub(crate) const RAMP_PERIOD: Duration = Duration::from_secs(1);

/// The time of one judgement.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Of a clock that does not jump and that all workers of the proxy share, for windows and waits.
    pub ms: u64,
    /// Of the wall clock in seconds since 1970, for ramps and reports.
    pub unix: i64,
}

/// The weights in force of one policy, and what they follow from.
#[derive(Debug, Default)]
pub struct Steering {
    in_force: InForce,
    /// By the place of the watched rule.
    acting: Vec<Acting>,
}

/// A rule whose answers are judged, with what its `rollback` says.
pub type WatchedRule<'p, S> = (&'p Watch, &'p Rule<S>);

/// What is known of a watched rule's record.
#[derive(Debug, Default)]
struct Acting {
    /// What the record said last, while it changes the weights or will.
    record: Option<Record>,
    /// When something ends by time alone, in milliseconds.
    due_ms: Option<u64>,
}

/// A gauge of a rule with `rollback` or `ramp`.
#[derive(Clone, Copy, Debug)]
pub struct Gauge {
    rule: u32,
    destination: u32,
    /// The place of the watched rule whose rollback it shows; otherwise it shows a share.
    watched: Option<usize>,
}

impl Steering {
    /// Of a policy: nothing is known of any record yet.
    pub fn new<S>(policy: &Policy<S>) -> Self {
        let mut acting = Vec::new();
        acting.resize_with(policy.watches().len(), Acting::default);
        Self {
            in_force: InForce::default(),
            acting,
        }
    }

    /// The splits that replace the rules' own.
    pub fn in_force(&self) -> &InForce {
        &self.in_force
    }

    /// Whether a wait of the watched rule at this place has ended.
    pub fn is_due(&self, place: usize, now: Now) -> bool {
        let due_ms = self.acting.get(place).and_then(|acting| acting.due_ms);
        due_ms.is_some_and(|due_ms| due_ms <= now.ms)
    }

    /// Keeps the record of the watched rule at this place as long as it has a say in the weights, and puts in force what it
    /// says.
    pub fn keep<S>(&mut self, place: usize, rule: WatchedRule<'_, S>, record: Record, now: Now) {
        let settings = &rule.0.settings;
        if let Some(acting) = self.acting.get_mut(place) {
            acting.due_ms = record.due_ms(settings, now.ms);
            let is_quiet = !record.is_out() && acting.due_ms.is_none();
            acting.record = (!is_quiet).then_some(record);
        }
        self.act(place, rule, now);
    }

    /// Puts in force what the record that is known says now.
    pub fn act<S>(&mut self, place: usize, (watch, rule): WatchedRule<'_, S>, now: Now) {
        let hour = rule.weights_at(now.unix);
        let record = self
            .acting
            .get(place)
            .and_then(|acting| acting.record.as_ref());
        let weights = record.and_then(|record| record.in_force(&watch.settings, &hour, now.ms));
        match weights {
            Some(weights) => self.put(watch.rule, Some(&weights)),
            None if rule.ramp().is_some() => self.put(watch.rule, Some(&hour)),
            None => self.put(watch.rule, None),
        }
    }

    /// Puts in force what the ramps say now.
    pub fn follow_ramps<S>(&mut self, policy: &Policy<S>, now: Now) {
        for (number, rule) in (0..).zip(policy.rules()) {
            if rule.ramp().is_none() {
                continue;
            }
            let watched = policy
                .watch_of(number)
                .and_then(|place| Some((place, policy.watches().get(place)?)));
            match watched {
                Some((place, watch)) => self.act(place, (watch, rule), now),
                None => self.put(number, Some(&rule.weights_at(now.unix))),
            }
        }
    }

    /// Puts weights in force, or the rule's own.
    fn put(&mut self, rule: u32, weights: Option<&[u32]>) {
        let before = self.in_force.of(rule).map(Split::weights);
        if before != weights {
            let split = weights.and_then(|weights| Split::new(weights).ok());
            self.in_force.set(rule, split);
        }
    }

    /// The value of a gauge of this policy.
    pub fn value<S>(&self, policy: &Policy<S>, gauge: Gauge) -> u64 {
        let Some(place) = gauge.watched else {
            let own = policy.rules().get(gauge.rule as usize);
            let share = match self.in_force.of(gauge.rule) {
                Some(split) => split.share(gauge.destination),
                None => own.map_or(0, |rule| rule.share(gauge.destination)),
            };
            return share.into();
        };
        let watch = policy.watches().get(place);
        let observes = watch.is_none_or(|watch| watch.settings.observes());
        let is_out = self.acting.get(place).is_some_and(|acting| {
            let out = |record: &Record| record.out_since_unix(gauge.destination as usize).is_some();
            acting.record.as_ref().is_some_and(out)
        });
        (is_out && !observes).into()
    }
}

impl Gauge {
    /// Visits the gauges of a policy with their names.
    pub fn each<S>(policy: &Policy<S>, mut visit: impl FnMut(String, Self)) {
        for (number, rule) in (0..).zip(policy.rules()) {
            let place = policy.watch_of(number);
            if place.is_none() && rule.ramp().is_none() {
                continue;
            }
            for (destination, label) in (0..).zip(rule.destinations().iter().map(|it| it.label())) {
                let mut add = |name, watched| {
                    let rule = number;
                    visit(
                        name,
                        Self {
                            rule,
                            destination,
                            watched,
                        },
                    );
                };
                add(metrics::weight(rule.name(), label), None);
                if place.is_some() {
                    add(metrics::rolled_back(rule.name(), label), place);
                }
            }
        }
    }
}

/// How often the weights in force may change; `None` if they never do.
pub fn period<S>(policy: &Policy<S>) -> Option<Duration> {
    if policy.watches().is_empty() {
        let ramps = policy.rules().iter().any(|rule| rule.ramp().is_some());
        ramps.then_some(RAMP_PERIOD)
    } else {
        Some(Duration::from_millis(TICK_MS))
    }
}

/// Judges what the record of a watched rule has counted. What it returns has happened once the record is written.
pub fn judge<S>(
    (watch, rule): WatchedRule<'_, S>,
    record: &mut Record,
    now: Now,
) -> Vec<Transition> {
    let unix = u64::try_from(now.unix).unwrap_or(0);
    record.step(&watch.settings, &rule.weights_at(now.unix), now.ms, unix)
}

/// The line that reports a transition of a watched rule.
pub fn report<'p, S>((watch, rule): WatchedRule<'p, S>, transition: &'p Transition) -> Line<'p> {
    let label = |place: usize| rule.destinations().get(place).map_or("", |it| it.label());
    let stable = label(watch.settings.stable());
    transition.line(rule.name(), label(transition.destination), stable)
}

/// The watched rule at this place.
pub fn watched<S>(policy: &Policy<S>, place: usize) -> Option<WatchedRule<'_, S>> {
    let watch = policy.watches().get(place)?;
    Some((watch, policy.rules().get(watch.rule as usize)?))
}
