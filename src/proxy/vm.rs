//! What outlives configurations: one of these for every VM, and there is a VM for every worker thread.

use std::cell::RefCell;

use crate::choosing::random::Random;
use crate::proxy::host;
use crate::proxy::metrics::{MetricId, Registry};

struct Vm {
    random: RefCell<fastrand::Rng>,
    metrics: Registry,
}

thread_local! {
    static VM: Vm = Vm {
        random: RefCell::new(fastrand::Rng::with_seed(seed())),
        metrics: Registry::default(),
    };
}

/// The small generator of the VM. A new user's key comes from the proxy itself, since it must be unique for ever.
pub(crate) struct VmRandom;

impl Random for VmRandom {
    fn below(&mut self, total: u64) -> u64 {
        VM.with(|vm| vm.random.borrow_mut().below(total))
    }

    fn key(&mut self) -> u128 {
        host::random().map_or_else(
            || VM.with(|vm| vm.random.borrow_mut().key()),
            u128::from_le_bytes,
        )
    }
}

/// The counter of this name.
pub(crate) fn counter(name: &str) -> Option<MetricId> {
    VM.with(|vm| vm.metrics.id(name, host::define_counter))
}

/// The gauge of this name.
pub(crate) fn gauge(name: &str) -> Option<MetricId> {
    VM.with(|vm| vm.metrics.id(name, host::define_gauge))
}

/// Falls back to the clock if the host provides no randomness. The split stays even but becomes predictable.
fn seed() -> u64 {
    host::random().map_or_else(
        || u64::from(host::since_1970().subsec_nanos()),
        u64::from_le_bytes,
    )
}
