//! A policy in service, shared by all workers: the weights in force, and the answers that are counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use arc_swap::{ArcSwap, Guard};
use canary_filter::edge::{
    Answers, Credit, Gauges, Now, Round, Steering, Task, judge as judge_record, period, report,
    watched as watched_rule,
};
use canary_filter::{Decision, InForce, Policy};

use crate::abi::Level;
use crate::endpoints::Endpoints;
use crate::host;
use crate::plugin::{Form, Plugin, lock};

/// Workers count in different places, so that they seldom wait for each other.
const SHARDS: usize = 4;

/// What all workers decide by.
#[derive(Debug)]
pub(crate) struct Serving {
    bytes: Box<[u8]>,
    form: Form,
    policy: Policy,
    /// The names of the gauges of the rules, by their places.
    gauges: Box<[String]>,
    /// How often it is judged, in milliseconds; `None` if nothing moves.
    period_ms: Option<u64>,
    /// When the next judgement is due, and when the records are next followed without one.
    judged_ms: AtomicU64,
    followed_ms: AtomicU64,
    in_force: ArcSwap<InForce>,
    judge: Mutex<Judge>,
    /// What the workers have counted and nobody has judged, for each watched rule.
    answers: Box<[[Mutex<Answers>; SHARDS]]>,
    endpoints: Endpoints,
}

/// What one judgement leaves for the next.
#[derive(Debug)]
struct Judge {
    steering: Steering,
    /// The number of transitions that the weights in force go back to.
    transitions: u64,
    /// Whether every record has been stepped once since the configuration came: it may have ended rollbacks.
    stepped: bool,
    gauges: Gauges,
}

/// What a judgement has led to, for the configuration whose request brought it about to carry out.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) lines: Vec<(Level, String)>,
    /// The watched rule and the destination that is rolled back, by their places.
    pub(crate) rollbacks: Vec<(usize, u32)>,
    /// The gauges that have changed, by their places.
    pub(crate) gauges: Vec<(usize, u64)>,
}

impl Serving {
    /// Puts a policy in service. What is rolled back stays so, from the first request on.
    pub(crate) fn new(policy: Policy, bytes: &[u8], form: Form, plugin: &Plugin) -> Self {
        let answers = policy.watches().iter().map(|watch| {
            let none = |_| Mutex::new(Answers::new(watch.settings.destinations()));
            std::array::from_fn(none)
        });
        let answers = answers.collect();
        let mut names = Vec::new();
        let gauges = Gauges::of(&policy, |name| names.push(name));
        let period_ms = period(&policy).and_then(|period| u64::try_from(period.as_millis()).ok());
        let mut judge = Judge {
            steering: Steering::new(&policy),
            transitions: plugin.transitions(),
            stepped: false,
            gauges,
        };
        if period_ms.is_some() {
            judge.follow(&policy, plugin, host::now(), true);
        }
        Self {
            bytes: bytes.into(),
            form,
            endpoints: Endpoints::of(&policy),
            gauges: names.into(),
            period_ms,
            judged_ms: AtomicU64::new(0),
            followed_ms: AtomicU64::new(0),
            in_force: ArcSwap::from_pointee(judge.steering.in_force().clone()),
            judge: Mutex::new(judge),
            answers,
            policy,
        }
    }

    /// Whether it is that of this configuration.
    pub(crate) fn is_of(&self, bytes: &[u8], form: Form) -> bool {
        self.form == form && *self.bytes == *bytes
    }

    /// The policy.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Which destinations have no endpoint.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The names of the gauges of the rules, by their places.
    pub(crate) fn gauges(&self) -> &[String] {
        &self.gauges
    }

    /// The splits in force; `None` if they are the rules' own. A request that reads them waits for nobody.
    pub(crate) fn in_force(&self) -> Option<Guard<Arc<InForce>>> {
        self.period_ms?;
        Some(self.in_force.load())
    }

    /// Counts what a step of an answer adds. The decision is that about the request.
    pub(crate) fn take(&self, decision: &Decision, credit: Credit) {
        if !credit.is_judged() {
            return;
        }
        let of_rule = self.answers.get(credit.watched);
        if let Some(answers) = of_rule.and_then(|shards| shards.get(shard())) {
            credit.add_to(&mut lock(answers), decision);
        }
    }

    /// Lets time pass. The first request that comes when a judgement is due makes it, and the others go on meanwhile.
    pub(crate) fn pass(&self, plugin: &Plugin) -> Option<Outcome> {
        let (mut judge, now) = self.due(&self.judged_ms)?;
        let outcome = self.judge(&mut judge, plugin, now);
        self.publish(&judge.steering);
        Some(outcome)
    }

    /// Lets time pass for a configuration that sees no answers: others judge.
    pub(crate) fn follow(&self, plugin: &Plugin) {
        if let Some((mut judge, now)) = self.due(&self.followed_ms) {
            judge.follow(&self.policy, plugin, now, false);
            self.publish(&judge.steering);
        }
    }

    fn due(&self, at_ms: &AtomicU64) -> Option<(MutexGuard<'_, Judge>, Now)> {
        let period_ms = self.period_ms?;
        if host::ms() < at_ms.load(Ordering::Relaxed) {
            return None;
        }
        let judge = match self.judge.try_lock() {
            Ok(judge) => judge,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let now = host::now();
        if now.ms < at_ms.load(Ordering::Relaxed) {
            return None;
        }
        at_ms.store(now.ms + period_ms, Ordering::Relaxed);
        Some((judge, now))
    }

    fn publish(&self, steering: &Steering) {
        if **self.in_force.load() != *steering.in_force() {
            self.in_force.store(Arc::new(steering.in_force().clone()));
        }
    }

    fn judge(&self, judge: &mut Judge, plugin: &Plugin, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        let round = Round {
            judges: true,
            first: !std::mem::replace(&mut judge.stepped, true),
            changed: judge.has_changed(plugin),
        };
        for (place, answers) in self.answers.iter().enumerate() {
            let counted = answers.iter().any(|answers| !lock(answers).is_empty());
            match judge.steering.task(place, round, counted, now) {
                Some(Task::Judge) => self.step(place, answers, judge, plugin, now, &mut outcome),
                task => judge.carry_out(task, &self.policy, place, plugin, now),
            }
        }
        judge.steering.follow_ramps(&self.policy, now);
        let set = |place, value| outcome.gauges.push((place, value));
        judge.gauges.next_round(&self.policy, &judge.steering, set);
        outcome
    }

    /// Adds what all workers have counted to the record, and judges what is there then.
    fn step(
        &self,
        place: usize,
        answers: &[Mutex<Answers>],
        judge: &mut Judge,
        plugin: &Plugin,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let Some(judged) = watched_rule(&self.policy, place) else {
            return;
        };
        let (settings, rule) = (&judged.0.settings, judged.1);
        let (record, transitions) = plugin.change(rule.name(), settings, |record| {
            for answers in answers {
                let mut answers = lock(answers);
                record.add(settings, &answers, now.ms);
                answers.clear();
            }
            judge_record(judged, record, now)
        });
        for transition in &transitions {
            let line = report(judged, transition).to_string();
            let is_rollback = transition.is_rollback();
            outcome.lines.push((
                if is_rollback {
                    Level::Warn
                } else {
                    Level::Info
                },
                line,
            ));
            if let (true, Ok(destination)) = (is_rollback, u32::try_from(transition.destination)) {
                outcome.rollbacks.push((place, destination));
            }
        }
        if !transitions.is_empty() {
            plugin.announce_transition();
        }
        judge.steering.keep(place, judged, record, now);
    }
}

impl Judge {
    /// Acts on what the records and the ramps say, without changing them.
    fn follow(&mut self, policy: &Policy, plugin: &Plugin, now: Now, first: bool) {
        let round = Round {
            judges: false,
            first,
            changed: self.has_changed(plugin),
        };
        for place in 0..policy.watches().len() {
            let task = self.steering.task(place, round, false, now);
            self.carry_out(task, policy, place, plugin, now);
        }
        self.steering.follow_ramps(policy, now);
    }

    /// Whether any rule has had a transition since this was asked last.
    fn has_changed(&mut self, plugin: &Plugin) -> bool {
        let transitions = plugin.transitions();
        std::mem::replace(&mut self.transitions, transitions) != transitions
    }

    /// Carries out a task that changes no record.
    fn carry_out(
        &mut self,
        task: Option<Task>,
        policy: &Policy,
        place: usize,
        plugin: &Plugin,
        now: Now,
    ) {
        let (Some(task), Some(judged)) = (task, watched_rule(policy, place)) else {
            return;
        };
        if task == Task::Read {
            let record = plugin.record(judged.1.name(), &judged.0.settings);
            self.steering.keep(place, judged, record, now);
        } else {
            self.steering.act(place, judged, now);
        }
    }
}

/// Where this thread counts.
fn shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.with(|shard| *shard)
}

#[cfg(test)]
mod tests;
