//! The weights in force, steered by rollbacks and ramps: what an edge does with a record, whatever its host.

use std::time::Duration;

use crate::choosing::rule::Rule;
use crate::choosing::split::{InForce, Split};
use crate::policy::Policy;
use crate::policy::watch::Watch;
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

/// What a round of judging is for one policy.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Whether answers are judged, and not only what others have judged is followed.
    pub judges: bool,
    /// Whether it is the first one of its configuration: every record is stepped once, which may end rollbacks.
    pub first: bool,
    /// Whether any rule has had a transition since the last one.
    pub changed: bool,
}

/// What there is to do for one watched rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Add the answers to the record, and judge it.
    Judge,
    /// Read the record, which another worker has written, and keep it.
    Read,
    /// Act on the record that is known: a wait has ended.
    Act,
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

    /// What there is to do for the watched rule at this place. `counted` says whether answers of it were counted.
    pub fn task(&self, place: usize, round: Round, counted: bool, now: Now) -> Option<Task> {
        let due_ms = self.acting.get(place).and_then(|acting| acting.due_ms);
        let is_due = due_ms.is_some_and(|due_ms| due_ms <= now.ms);
        match round {
            Round {
                judges: true,
                first,
                ..
            } if first || counted || is_due => Some(Task::Judge),
            Round { first, changed, .. } if first || changed => Some(Task::Read),
            _ => is_due.then_some(Task::Act),
        }
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

    /// Whether the watched rule at this place has rolled this destination back, or would have.
    pub(crate) fn is_out(&self, place: usize, destination: usize) -> bool {
        let acting = self.acting.get(place);
        let record = acting.and_then(|acting| acting.record.as_ref());
        record.is_some_and(|record| record.out_since_unix(destination).is_some())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_judge_changes_records_and_the_others_follow() {
        let policy = Policy::from_json(
            br#"{"http": [{"name": "r", "rollback": {"stable": "a"},
                "route": [{"cluster": "a", "weight": 1}, {"cluster": "b", "weight": 1}]}]}"#,
        )
        .unwrap();
        for (judges, first, changed, counted, due, task) in [
            (true, false, false, false, false, None),
            (true, false, true, false, false, Some(Task::Read)),
            (true, true, true, false, false, Some(Task::Judge)),
            (true, false, false, true, false, Some(Task::Judge)),
            (true, false, true, false, true, Some(Task::Judge)),
            (false, false, false, true, false, None),
            (false, false, true, true, true, Some(Task::Read)),
            (false, true, false, false, false, Some(Task::Read)),
            (false, false, false, true, true, Some(Task::Act)),
        ] {
            let round = Round {
                judges,
                first,
                changed,
            };
            let mut steering = Steering::new(&policy);
            steering.acting[0].due_ms = Some(if due { 250 } else { 251 });
            let now = Now { ms: 250, unix: 0 };
            assert_eq!(
                steering.task(0, round, counted, now),
                task,
                "{round:?} {counted} {due}"
            );
        }
    }
}
