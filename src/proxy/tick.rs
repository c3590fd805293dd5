//! What happens four times a second: judge, act on what other workers have judged, follow the ramps.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::choosing::rule::Rule;
use crate::choosing::split::Split;
use crate::policy::watch::Watch;
use crate::proxy::gauges::Gauges;
use crate::proxy::host::{self, Shared};
use crate::proxy::metrics::Slot;
use crate::proxy::plugin::Plugin;
use crate::proxy::serving::Serving;
use crate::proxy::watched::Watched;
use crate::rollback::{Change, Record, Settings, TICK_MS, Transition};

/// A ramp goes by whole seconds.
pub(crate) const RAMP_PERIOD: Duration = Duration::from_secs(1);

/// How often a write is tried again that another worker has overtaken. What is not written stays counted.
const TRIES: usize = 4;

/// The clock of one tick.
#[derive(Clone, Copy)]
struct Now {
    /// Of the monotonic clock, for windows and waits.
    ms: u64,
    /// Of the wall clock, for ramps and reports.
    unix: i64,
}

/// What a root remembers from tick to tick.
#[derive(Default)]
pub(crate) struct Ticker {
    /// The number of transitions that the weights in force go back to.
    transitions: RefCell<Option<Vec<u8>>>,
    /// Whether every record has been stepped once since the configuration came: it may have ended rollbacks.
    stepped: Cell<bool>,
    gauges: Gauges,
}

impl Now {
    fn read() -> Self {
        Self {
            ms: host::monotonic_ms(),
            unix: host::unix_seconds(),
        }
    }
}

impl Serving {
    /// How often it wants to be ticked.
    pub(crate) fn period(&self) -> Option<Duration> {
        let ramps = || self.policy.rules().iter().any(|rule| rule.ramp().is_some());
        if !self.watched.is_empty() {
            Some(Duration::from_millis(TICK_MS))
        } else {
            ramps().then_some(RAMP_PERIOD)
        }
    }

    /// Puts in force what the shared records and the ramps say at the start.
    pub(super) fn begin(&self) {
        if self.period().is_none() {
            return;
        }
        let now = Now::read();
        for place in 0..self.watched.len() {
            self.read(place, now);
        }
        self.follow_ramps(now);
    }

    /// One tick of a root. Only one that gets requests is `current`, and judges and sets gauges.
    pub(crate) fn tick(&self, ticker: &Ticker, plugin: &Plugin, current: bool) {
        let now = Now::read();
        if !self.watched.is_empty() {
            let transitions = plugin.transitions();
            let changed = *ticker.transitions.borrow() != transitions;
            ticker.transitions.replace(transitions);
            let first = current && !ticker.stepped.replace(true);
            for (place, watched) in self.watched.iter().enumerate() {
                let due = watched.due_ms.get().is_some_and(|due_ms| due_ms <= now.ms);
                if current && (first || due || !watched.answers.borrow().is_empty()) {
                    self.judge(place, now, plugin);
                } else if changed {
                    self.read(place, now);
                } else if due {
                    self.act(place, now);
                }
            }
        }
        self.follow_ramps(now);
        self.watched.iter().for_each(Watched::flush);
        if current {
            ticker.gauges.set(self, plugin);
        }
    }

    /// Forgets what has been counted and not judged. An answer that comes after another configuration has taken the
    /// requests says nothing about a version, also if the proxy takes this root again later.
    pub(crate) fn drop_answers(&self) {
        for watched in &self.watched {
            watched.answers.borrow_mut().clear();
        }
    }

    /// Adds this worker's answers to the record, and judges what is there then. The worker whose write succeeds is the one
    /// that logs and counts what has happened.
    fn judge(&self, place: usize, now: Now, plugin: &Plugin) {
        let Some((watched, watch, rule)) = self.at(place) else {
            return;
        };
        let settings = &watch.settings;
        let hour = rule.weights_at(now.unix);
        for _ in 0..TRIES {
            let shared = host::shared_data(&watched.key);
            let mut record = known(&shared, settings);
            let answers = watched.answers.borrow();
            record.add(settings, &answers, now.ms);
            let unix = u64::try_from(now.unix).unwrap_or(0);
            let transitions = record.step(settings, &hour, now.ms, unix);
            let idle = transitions.is_empty() && answers.is_empty();
            drop(answers);
            if idle
                || host::replace_shared_data(&watched.key, &shared, &record.write(settings)).is_ok()
            {
                watched.answers.borrow_mut().clear();
                self.report(place, &transitions, plugin);
                self.keep(place, record, now);
                return;
            }
        }
    }

    fn report(&self, place: usize, transitions: &[Transition], plugin: &Plugin) {
        let Some((watched, watch, rule)) = self.at(place) else {
            return;
        };
        let label = |place: usize| rule.destinations().get(place).map_or("", |it| it.label());
        for transition in transitions {
            let is_rollback = matches!(transition.change, Change::RolledBack(_));
            let stable = label(watch.settings.stable());
            let line = transition.line(rule.name(), label(transition.destination), stable);
            plugin.log_transition(&line, is_rollback);
            if is_rollback {
                watched.count_rollback(transition.destination);
            }
        }
        if !transitions.is_empty() {
            plugin.announce_transition();
        }
    }

    /// Acts on what the record says, without writing it.
    fn read(&self, place: usize, now: Now) {
        if let Some((watched, watch, _)) = self.at(place) {
            let record = known(&host::shared_data(&watched.key), &watch.settings);
            self.keep(place, record, now);
        }
    }

    /// Keeps a record as long as it has a say in the weights, and puts in force what it says.
    fn keep(&self, place: usize, record: Record, now: Now) {
        if let Some((watched, watch, _)) = self.at(place) {
            watched.due_ms.set(record.due_ms(&watch.settings, now.ms));
            let is_quiet = !record.is_out() && watched.due_ms.get().is_none();
            watched.acting.replace((!is_quiet).then_some(record));
            self.act(place, now);
        }
    }

    /// Puts in force what the record that is known says now.
    fn act(&self, place: usize, now: Now) {
        let Some((watched, watch, rule)) = self.at(place) else {
            return;
        };
        let hour = rule.weights_at(now.unix);
        let acting = watched.acting.borrow();
        let record = acting.as_ref();
        let weights = record.and_then(|record| record.in_force(&watch.settings, &hour, now.ms));
        match weights {
            Some(weights) => self.put(watch.rule, Some(&weights)),
            None if rule.ramp().is_some() => self.put(watch.rule, Some(&hour)),
            None => self.put(watch.rule, None),
        }
    }

    fn follow_ramps(&self, now: Now) {
        for (number, rule) in (0..).zip(self.policy.rules()) {
            if rule.ramp().is_none() {
                continue;
            }
            match self.policy.watch_of(number) {
                Some(place) => self.act(place, now),
                None => self.put(number, Some(&rule.weights_at(now.unix))),
            }
        }
    }

    /// Puts weights in force, or the rule's own.
    fn put(&self, rule: u32, weights: Option<&[u32]>) {
        let mut in_force = self.in_force.borrow_mut();
        let before = in_force.of(rule).map(Split::weights);
        if before != weights {
            in_force.set(rule, weights.and_then(|weights| Split::new(weights).ok()));
        }
    }

    /// The watched rule at this place.
    fn at(&self, place: usize) -> Option<(&Watched, &Watch, &Rule<Slot>)> {
        let watch = self.policy.watches().get(place)?;
        let rule = self.policy.rules().get(watch.rule as usize)?;
        Some((self.watched.get(place)?, watch, rule))
    }
}

/// The record that all workers share, as far as it is there.
fn known(shared: &Shared, settings: &Settings) -> Record {
    let bytes = shared.value.as_deref();
    bytes.map_or_else(
        || Record::empty(settings),
        |bytes| Record::read(bytes, settings),
    )
}
