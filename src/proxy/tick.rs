//! What happens four times a second: judge, act on what other workers have judged, follow the ramps.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::policy::steering::{Now, Round, Task, WatchedRule, judge, period, report, watched};
use crate::proxy::gauges::Gauges;
use crate::proxy::host;
use crate::proxy::metrics::Slot;
use crate::proxy::plugin::Plugin;
use crate::proxy::serving::Serving;
use crate::proxy::watched::Watched;
use crate::rollback::Record;

/// How often a write is tried again that another worker has overtaken. What is not written stays counted.
const TRIES: usize = 4;

/// What a root remembers from tick to tick.
#[derive(Default)]
pub(crate) struct Ticker {
    /// The number of transitions that the weights in force go back to.
    transitions: RefCell<Option<Vec<u8>>>,
    /// Whether every record has been stepped once since the configuration came: it may have ended rollbacks.
    stepped: Cell<bool>,
    gauges: Gauges,
}

fn now() -> Now {
    Now {
        ms: host::monotonic_ms(),
        unix: host::unix_seconds(),
    }
}

impl Serving {
    /// How often it wants to be ticked.
    pub(crate) fn period(&self) -> Option<Duration> {
        period(&self.policy)
    }

    /// Puts in force what the shared records and the ramps say at the start.
    pub(super) fn begin(&self) {
        if self.period().is_none() {
            return;
        }
        let now = now();
        for place in 0..self.watched.len() {
            self.read(place, now);
        }
        self.follow_ramps(now);
    }

    /// One tick of a root. Only one that gets requests is `current`, and judges and sets gauges.
    pub(crate) fn tick(&self, ticker: &Ticker, plugin: &Plugin, current: bool) {
        let now = now();
        if !self.watched.is_empty() {
            let transitions = plugin.transitions();
            let changed = *ticker.transitions.borrow() != transitions;
            ticker.transitions.replace(transitions);
            let round = Round {
                judges: current,
                first: current && !ticker.stepped.replace(true),
                changed,
            };
            for (place, watched) in self.watched.iter().enumerate() {
                let counted = !watched.answers.borrow().is_empty();
                let task = self.steering.borrow().task(place, round, counted, now);
                match task {
                    Some(Task::Judge) => self.judge(place, now, plugin),
                    Some(Task::Read) => self.read(place, now),
                    Some(Task::Act) => self.act(place, now),
                    None => {}
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

    fn follow_ramps(&self, now: Now) {
        let mut steering = self.steering.borrow_mut();
        steering.follow_ramps(&self.policy, now);
    }

    /// Adds this worker's answers to the record, and judges what is there then. The worker whose write succeeds is the one
    /// that logs and counts what has happened.
    fn judge(&self, place: usize, now: Now, plugin: &Plugin) {
        let Some((watched, judged)) = self.at(place) else {
            return;
        };
        let settings = &judged.0.settings;
        for _ in 0..TRIES {
            let shared = host::shared_data(&watched.key);
            let mut record = Record::known(shared.value.as_deref(), settings);
            let answers = watched.answers.borrow();
            record.add(settings, &answers, now.ms);
            let transitions = judge(judged, &mut record, now);
            let idle = transitions.is_empty() && answers.is_empty();
            drop(answers);
            if idle
                || host::replace_shared_data(&watched.key, &shared, &record.write(settings)).is_ok()
            {
                watched.answers.borrow_mut().clear();
                for transition in &transitions {
                    let is_rollback = transition.is_rollback();
                    plugin.log_transition(&report(judged, transition), is_rollback);
                    if is_rollback {
                        watched.count_rollback(transition.destination);
                    }
                }
                if !transitions.is_empty() {
                    plugin.announce_transition();
                }
                self.keep(place, judged, record, now);
                return;
            }
        }
    }

    /// Acts on what the record says, without writing it.
    fn read(&self, place: usize, now: Now) {
        if let Some((watched, judged)) = self.at(place) {
            let shared = host::shared_data(&watched.key);
            let record = Record::known(shared.value.as_deref(), &judged.0.settings);
            self.keep(place, judged, record, now);
        }
    }

    /// Acts on the record that is known.
    fn act(&self, place: usize, now: Now) {
        if let Some((_, judged)) = self.at(place) {
            self.steering.borrow_mut().act(place, judged, now);
        }
    }

    /// Keeps what the record says, and puts it in force.
    fn keep(&self, place: usize, judged: WatchedRule<'_, Slot>, record: Record, now: Now) {
        let mut steering = self.steering.borrow_mut();
        steering.keep(place, judged, record, now);
    }

    /// The watched rule at this place.
    fn at(&self, place: usize) -> Option<(&Watched, WatchedRule<'_, Slot>)> {
        Some((self.watched.get(place)?, watched(&self.policy, place)?))
    }
}
