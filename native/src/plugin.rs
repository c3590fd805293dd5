//! A plugin by its name: what its configurations share in the proxy, the HTTP filter's and the cluster specifier's.

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwapOption, Guard};
use canary_filter::edge::{ON_BAD_CONFIG, Record, Settings, consequence};
use canary_filter::{InvalidConfig, Policy};

use crate::abi::{self, Level};
use crate::serving::Serving;

/// They are few.
static PLUGINS: Mutex<Vec<Arc<Plugin>>> = Mutex::new(Vec::new());

/// What the configurations of one name share.
#[derive(Debug)]
pub(crate) struct Plugin {
    name: String,
    /// The last policy that was accepted.
    accepted: ArcSwapOption<Serving>,
    /// The records of the rules with `rollback`, by the rule's name. They outlive configurations.
    records: Mutex<BTreeMap<Box<str>, Vec<u8>>>,
    /// Counts the transitions of all rules.
    transitions: AtomicU64,
}

/// Who reads a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Filter,
    /// It stands alone, so it refuses what needs the answer.
    Specifier,
}

/// What becomes of a configuration.
pub(crate) enum Verdict {
    /// It is good, and can be put in force.
    Taken(Arc<Serving>),
    /// It is refused, and the last good one goes on, if there was one.
    Refused(Option<Arc<Serving>>),
    /// It is left to Envoy to reject it.
    Rejected,
}

impl Plugin {
    /// The plugin of this name, the same for all its configurations.
    pub(crate) fn named(name: &str) -> Arc<Self> {
        let mut plugins = lock(&PLUGINS);
        if let Some(known) = plugins.iter().find(|plugin| plugin.name == name) {
            return Arc::clone(known);
        }
        let new = Arc::new(Self {
            name: name.to_owned(),
            accepted: ArcSwapOption::empty(),
            records: Mutex::default(),
            transitions: AtomicU64::new(0),
        });
        plugins.push(Arc::clone(&new));
        new
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Judges a configuration of the HTTP filter, or of a cluster specifier that stands alone.
    pub(crate) fn judge(&self, bytes: &[u8], form: Form) -> Verdict {
        let last = self.accepted.load_full();
        // Several listeners may have the same configuration.
        if let Some(same) = last.as_ref().filter(|last| last.is_of(bytes, form)) {
            return Verdict::Taken(Arc::clone(same));
        }
        let policy = match form {
            Form::Filter => Policy::from_json(bytes),
            Form::Specifier => Policy::for_specifier(bytes),
        };
        match policy {
            Ok(policy) => Verdict::Taken(Arc::new(Serving::new(policy, bytes, form, self))),
            Err(fault) => self.refuse(&fault, last),
        }
    }

    fn refuse(&self, fault: &InvalidConfig, last: Option<Arc<Serving>>) -> Verdict {
        let refuse = env::var(ON_BAD_CONFIG).is_ok_and(|choice| choice == "refuse");
        let consequence = consequence(refuse, last.is_some());
        let line = format!("configuration refused, {consequence}: {fault}");
        self.log(Level::Error, &line);
        if refuse {
            Verdict::Rejected
        } else {
            Verdict::Refused(last)
        }
    }

    /// Puts a policy in force, once the metrics of its configuration are there.
    pub(crate) fn accept(&self, serving: &Arc<Serving>) {
        let last = self.accepted.swap(Some(Arc::clone(serving)));
        if last.is_none_or(|last| !Arc::ptr_eq(&last, serving)) {
            let rules = serving.policy().rules().len();
            self.log(Level::Info, &format!("configuration taken, rules: {rules}"));
        }
    }

    /// The last policy that was accepted. A request that reads it waits for nobody.
    pub(crate) fn current(&self) -> Guard<Option<Arc<Serving>>> {
        self.accepted.load()
    }

    /// Writes a line about this plugin to Envoy's log.
    pub(crate) fn log(&self, level: Level, line: &str) {
        abi::log(level, &format!("canary-filter {}: {line}", self.name));
    }

    /// The record of a rule, as far as it is there.
    pub(crate) fn record(&self, rule: &str, settings: &Settings) -> Record {
        let records = lock(&self.records);
        let bytes = records.get(rule).map(Vec::as_slice);
        Record::known(bytes, settings)
    }

    /// Changes the record of a rule. Nobody else changes it meanwhile.
    pub(crate) fn change<T>(
        &self,
        rule: &str,
        settings: &Settings,
        change: impl FnOnce(&mut Record) -> T,
    ) -> (Record, T) {
        let mut records = lock(&self.records);
        let bytes = records.get(rule).map(Vec::as_slice);
        let mut record = Record::known(bytes, settings);
        let changed = change(&mut record);
        records.insert(rule.into(), record.write(settings));
        (record, changed)
    }

    /// A number that is another one after every transition of any rule.
    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.load(Ordering::Acquire)
    }

    /// Tells all policies that a rule has had a transition, whose record is written already.
    pub(crate) fn announce_transition(&self) {
        self.transitions.fetch_add(1, Ordering::Release);
    }
}

/// A lock that a panic has not spoiled: what is behind it is changed in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
