//! The gauges of shares and rollbacks, set by the root that gets the requests.

use std::cell::{Cell, RefCell};

use crate::policy::metrics;
use crate::proxy::host;
use crate::proxy::metrics::MetricId;
use crate::proxy::plugin::Plugin;
use crate::proxy::serving::Serving;
use crate::proxy::vm;
use crate::rollback::Record;

/// Ticks after which all gauges are set again: a VM that was late may have set them to what they were.
const REFRESH: u32 = 20;

/// The gauges of one configuration.
#[derive(Default)]
pub(crate) struct Gauges {
    /// Made at the first tick with requests.
    all: RefCell<Option<All>>,
    ticks: Cell<u32>,
}

/// The gauges, with what makes them known to other configurations.
#[derive(Default)]
struct All {
    gauges: Vec<Gauge>,
    ids: Vec<MetricId>,
    /// With a line end between them.
    names: String,
}

struct Gauge {
    id: MetricId,
    rule: u32,
    destination: u32,
    /// The place of the watched rule whose rollback it shows; otherwise it shows a share.
    watched: Option<usize>,
    last: Cell<Option<u64>>,
}

impl Gauges {
    /// Sets what has changed.
    pub(crate) fn set(&self, serving: &Serving, plugin: &Plugin) {
        let mut all = self.all.borrow_mut();
        let all = all.get_or_insert_with(|| All::of(serving));
        let refresh = self.ticks.get() == 0;
        self.ticks.set((self.ticks.get() + 1) % REFRESH);
        if refresh {
            plugin.own_gauges(&all.names, &all.ids);
        }
        for gauge in &all.gauges {
            let value = gauge.value(serving);
            if refresh || gauge.last.get() != Some(value) {
                gauge.last.set(Some(value));
                host::record(gauge.id, value);
            }
        }
    }
}

impl Gauge {
    fn value(&self, serving: &Serving) -> u64 {
        let Some(place) = self.watched else {
            let in_force = serving.in_force.borrow();
            let own = serving.policy.rules().get(self.rule as usize);
            let share = match in_force.of(self.rule) {
                Some(split) => split.share(self.destination),
                None => own.map_or(0, |rule| rule.share(self.destination)),
            };
            return share.into();
        };
        let observes = serving
            .policy
            .watches()
            .get(place)
            .is_none_or(|watch| watch.settings.observes());
        let is_out = serving.watched.get(place).is_some_and(|watched| {
            let record = watched.acting.borrow();
            let out = |record: &Record| record.out_since_unix(self.destination as usize).is_some();
            record.as_ref().is_some_and(out)
        });
        (is_out && !observes).into()
    }
}

impl All {
    fn of(serving: &Serving) -> Self {
        let mut all = Self::default();
        for (number, rule) in (0..).zip(serving.policy.rules()) {
            let watched = serving.policy.watch_of(number);
            if watched.is_none() && rule.ramp().is_none() {
                continue;
            }
            for (destination, label) in (0..).zip(rule.destinations().iter().map(|it| it.label())) {
                let mut add = |name: String, watched| {
                    all.add(&name, number, destination, watched);
                };
                add(metrics::weight(rule.name(), label), None);
                if watched.is_some() {
                    add(metrics::rolled_back(rule.name(), label), watched);
                }
            }
        }
        all
    }

    fn add(&mut self, name: &str, rule: u32, destination: u32, watched: Option<usize>) {
        let Some(id) = vm::gauge(name) else { return };
        self.ids.push(id);
        if !self.names.is_empty() {
            self.names.push('\n');
        }
        self.names.push_str(name);
        self.gauges.push(Gauge {
            id,
            rule,
            destination,
            watched,
            last: Cell::default(),
        });
    }
}
