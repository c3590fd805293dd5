//! A plugin by its name: what its configurations share in this VM, and with the other VMs of the proxy.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::config::invalid::InvalidConfig;
use crate::policy::refusal::consequence;
use crate::policy::{Policy, metrics};
use crate::proxy::host;
use crate::proxy::metrics::{MetricId, Slot};
use crate::proxy::vm;

/// How often at most a configuration is published again because it gets requests. While a listener drains, two
/// configurations of a plugin get some by turns.
const REPUBLISH: Duration = Duration::from_secs(1);

thread_local! {
    /// They are few.
    static PLUGINS: RefCell<Vec<Rc<Plugin>>> = RefCell::default();
    static VERDICTS: Cell<u32> = Cell::default();
}

/// What the roots of one plugin share in a VM.
pub(crate) struct Plugin {
    name: String,
    /// The key of the last configuration that was accepted.
    key: String,
    /// The key of the number of transitions.
    transitions: String,
    /// The number of the root whose verdict this VM published last.
    published: Cell<u32>,
    /// The key of the names of the gauges of rules that the configuration with requests sets.
    gauges: String,
    republished: Cell<Option<Instant>>,
}

/// What became of one configuration.
pub(crate) struct Verdict {
    /// The number of the root that has the configuration, in its VM.
    root: u32,
    /// The configuration and how many rules it has, if it was accepted.
    accepted: Option<(Box<[u8]>, usize)>,
}

impl Plugin {
    /// The plugin of this name, the same for all its roots.
    pub(crate) fn named(name: &str) -> Rc<Self> {
        PLUGINS.with_borrow_mut(|plugins| {
            if let Some(known) = plugins.iter().find(|plugin| plugin.name == name) {
                return Rc::clone(known);
            }
            let new = Rc::new(Self::new(name));
            plugins.push(Rc::clone(&new));
            new
        })
    }

    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: format!("canary-filter.accepted.{name}"),
            transitions: format!("canary-filter.transitions.{name}"),
            published: Cell::default(),
            gauges: format!("canary-filter.gauges.{name}"),
            republished: Cell::default(),
        }
    }

    /// Publishes a verdict: the gauge shows it, and all VMs remember a configuration that was accepted.
    pub(crate) fn publish(&self, verdict: &Verdict) {
        self.published.set(verdict.root);
        self.show_refused(verdict.accepted.is_none());
        if let Some((bytes, rules)) = &verdict.accepted {
            self.remember(bytes, *rules);
        }
    }

    /// Publishes the verdict of a root that gets requests, unless this VM published it last.
    ///
    /// The newest verdict is not always the one in force: the host takes an old root again for a configuration with the
    /// same bytes, without configuring it, and a VM that is late publishes after those that are not.
    pub(crate) fn follow(&self, verdict: &Verdict) {
        if self.follows_another(verdict) {
            self.publish_again(verdict);
        }
    }

    /// Whether this VM has published the verdict of another root since.
    pub(crate) fn follows_another(&self, verdict: &Verdict) -> bool {
        self.published.get() != verdict.root
    }

    #[inline(never)] // Hardly ever, so that the code is not among that of every request.
    fn publish_again(&self, verdict: &Verdict) {
        let now = host::instant();
        let last = self.republished.get();
        if last.is_none_or(|last| now.saturating_duration_since(last) >= REPUBLISH) {
            self.republished.set(Some(now));
            self.publish(verdict);
        }
    }

    /// Sets the gauge of refused configurations.
    pub(crate) fn show_refused(&self, refused: bool) {
        if let Some(gauge) = vm::gauge(&metrics::config_refused(&self.name)) {
            host::record(gauge, refused.into());
        }
    }

    fn remember(&self, bytes: &[u8], rules: usize) {
        // Every worker comes here with the same bytes; the one that is first logs it.
        let shared = host::shared_data(&self.key);
        if shared.value.as_deref() != Some(bytes)
            && host::replace_shared_data(&self.key, &shared, bytes).is_ok()
        {
            let name = &self.name;
            log::info!("canary-filter {name}: configuration taken, rules: {rules}");
        }
    }

    /// The last configuration that was accepted.
    pub(crate) fn remembered(&self) -> Option<Policy<Slot>> {
        Policy::with_slots(&host::shared_data(&self.key).value?).ok()
    }

    /// Whether a configuration has set gauges of rules.
    pub(crate) fn has_gauges(&self) -> bool {
        let names = host::shared_data(&self.gauges).value;
        names.is_some_and(|names| !names.is_empty())
    }

    /// Sets the gauges of other configurations to 0 that this one does not have, because the proxy cannot delete them. The
    /// names, with a line end between them, are in shared data: another VM may have set the gauges, and be gone.
    pub(crate) fn own_gauges(&self, names: &str, own: &[Option<MetricId>]) {
        let shared = host::shared_data(&self.gauges);
        let before = shared.value.as_deref().unwrap_or_default();
        if before == names.as_bytes() {
            return;
        }
        // Most rules stay, in the same order, so that most gauges are found at once.
        let mut next = 0;
        for name in before.split(|byte| *byte == b'\n') {
            let name = str::from_utf8(name).ok().filter(|name| !name.is_empty());
            let Some(gauge) = name.and_then(vm::gauge) else {
                continue;
            };
            if own.get(next) != Some(&Some(gauge)) {
                let Some(found) = own.iter().position(|own| *own == Some(gauge)) else {
                    host::record(gauge, 0);
                    continue;
                };
                next = found;
            }
            next += 1;
        }
        // The VM that was first has set the same ones to 0.
        let _ = host::replace_shared_data(&self.gauges, &shared, names.as_bytes());
    }

    /// The key of the record of a rule. No rule's name has a slash, so that no two keys are the same.
    pub(crate) fn record_key(&self, rule: &str) -> String {
        format!("canary-filter.rollback.{}/{rule}", self.name)
    }

    /// A number that is another one after every transition of any rule.
    pub(crate) fn transitions(&self) -> Option<Vec<u8>> {
        host::shared_data(&self.transitions).value
    }

    /// Tells all VMs that a rule has had a transition, whose record is written already.
    pub(crate) fn announce_transition(&self) {
        let shared = host::shared_data(&self.transitions);
        let number = shared
            .value
            .as_deref()
            .and_then(|value| value.try_into().ok());
        let next = number.map_or(1, |number| u64::from_le_bytes(number).wrapping_add(1));
        // If another VM was first, the number has changed after the record was written, which is all that is needed.
        let _ = host::replace_shared_data(&self.transitions, &shared, &next.to_le_bytes());
    }

    /// Logs a transition, which the caller was the one to write.
    pub(crate) fn log_transition(&self, line: &dyn fmt::Display, is_rollback: bool) {
        let name = &self.name;
        if is_rollback {
            log::warn!("canary-filter {name}: {line}");
        } else {
            log::info!("canary-filter {name}: {line}");
        }
    }

    /// Logs why a configuration is refused, and what happens then.
    pub(crate) fn complain(&self, fault: &InvalidConfig, remembered: bool, refuse: bool) {
        let consequence = consequence(refuse, remembered);
        let name = &self.name;
        log::error!("canary-filter {name}: configuration refused, {consequence}: {fault}");
    }
}

impl Verdict {
    /// The next verdict of this VM: the configuration and its number of rules, or `None` if it is refused.
    pub(crate) fn new(accepted: Option<(Vec<u8>, usize)>) -> Self {
        VERDICTS.set(VERDICTS.get().wrapping_add(1));
        Self {
            root: VERDICTS.get(),
            accepted: accepted.map(|(bytes, rules)| (bytes.into(), rules)),
        }
    }
}
