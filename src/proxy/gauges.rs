//! The gauges of shares and rollbacks, set by the root that gets the requests.

use std::cell::RefCell;

use crate::policy::gauges;
use crate::proxy::host;
use crate::proxy::metrics::MetricId;
use crate::proxy::plugin::Plugin;
use crate::proxy::serving::Serving;
use crate::proxy::vm;

/// The gauges of one configuration.
#[derive(Default)]
pub(crate) struct Gauges {
    /// Made at the first tick with requests.
    all: RefCell<Option<All>>,
}

/// The gauges, with what makes them known to other configurations.
struct All {
    gauges: gauges::Gauges,
    /// By their places; those that could be defined.
    ids: Vec<Option<MetricId>>,
    /// With a line end between them.
    names: String,
}

impl Gauges {
    /// Sets what has changed.
    pub(crate) fn set(&self, serving: &Serving, plugin: &Plugin) {
        let mut all = self.all.borrow_mut();
        let All { gauges, ids, names } = all.get_or_insert_with(|| All::of(serving));
        if gauges.is_refresh() {
            plugin.own_gauges(names, ids);
        }
        let steering = serving.steering.borrow();
        gauges.next_round(&serving.policy, &steering, |place, value| {
            if let Some(Some(id)) = ids.get(place) {
                host::record(*id, value);
            }
        });
    }
}

impl All {
    fn of(serving: &Serving) -> Self {
        let (mut ids, mut names) = (Vec::new(), String::new());
        let gauges = gauges::Gauges::of(&serving.policy, |name| {
            ids.push(vm::gauge(&name));
            if !names.is_empty() {
                names.push('\n');
            }
            names.push_str(&name);
        });
        Self { gauges, ids, names }
    }
}
