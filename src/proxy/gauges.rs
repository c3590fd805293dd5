//! The gauges of shares and rollbacks, set by the root that gets the requests.

use std::cell::{Cell, RefCell};

use crate::policy::steering::Gauge;
use crate::proxy::host;
use crate::proxy::metrics::MetricId;
use crate::proxy::plugin::Plugin;
use crate::proxy::serving::Serving;
use crate::proxy::vm;

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
    gauges: Vec<Known>,
    ids: Vec<MetricId>,
    /// With a line end between them.
    names: String,
}

struct Known {
    id: MetricId,
    gauge: Gauge,
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
        let steering = serving.steering.borrow();
        for Known { id, gauge, last } in &all.gauges {
            let value = steering.value(&serving.policy, *gauge);
            if refresh || last.get() != Some(value) {
                last.set(Some(value));
                host::record(*id, value);
            }
        }
    }
}

impl All {
    fn of(serving: &Serving) -> Self {
        let mut all = Self::default();
        Gauge::each(&serving.policy, |name, gauge| {
            let Some(id) = vm::gauge(&name) else { return };
            all.ids.push(id);
            if !all.names.is_empty() {
                all.names.push('\n');
            }
            all.names.push_str(&name);
            let last = Cell::default();
            all.gauges.push(Known { id, gauge, last });
        });
        all
    }
}
