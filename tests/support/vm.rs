//! Drives the filter as Envoy does.

#![allow(unsafe_code, reason = "the environment is a global of the process")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use super::counting;
use super::exports;
use super::proxy::PLUGIN;
use super::root::Root;
use super::{Exchange, Lines, Proxy, Shared, Stream, lines};

/// The virtual machine of this thread.
pub(crate) struct Vm {
    /// For each plugin, the root that gets its new streams.
    current: BTreeMap<String, Arc<Root>>,
    /// Every root, in the order of their configuration. A root without streams is gone unless it is current.
    roots: Vec<Weak<Root>>,
}

/// Initializes the SDK, which sets the process's logger and panic hook as if there were no other thread.
fn initialize() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap();
    exports::_initialize();
    // The hook sends panics to the proxy's log, but here they belong in the test's output.
    drop(std::panic::take_hook());
}

impl Vm {
    /// Starts a virtual machine in a new proxy.
    pub(crate) fn start() -> Self {
        Self::start_in(Shared::default())
    }

    /// Starts one more virtual machine in a proxy.
    pub(crate) fn start_in(shared: Shared) -> Self {
        Proxy::with(|proxy| proxy.start(shared));
        initialize();
        Self {
            current: BTreeMap::new(),
            roots: Vec::new(),
        }
    }

    /// Starts a virtual machine with this configuration, which the filter must accept.
    pub(crate) fn with(configuration: &str) -> Self {
        let mut vm = Self::start();
        assert!(vm.configure(configuration));
        assert_eq!(
            Proxy::metric("canary_config_refused.plugin=.=demo;.;"),
            Some(0)
        );
        vm
    }

    /// Gives a configuration to the filter. Returns whether the filter accepts it.
    pub(crate) fn configure(&mut self, configuration: impl AsRef<[u8]>) -> bool {
        self.configure_plugin(PLUGIN, configuration)
    }

    /// Gives a configuration to the plugin of this name, as Envoy does: in a new root context, unless there still is one
    /// with the same bytes. The previous root exists as long as its streams, and stays in force if the filter refuses the
    /// new one.
    pub(crate) fn configure_plugin(
        &mut self,
        plugin: &str,
        configuration: impl AsRef<[u8]>,
    ) -> bool {
        let configuration = configuration.as_ref();
        let same = |root: &Arc<Root>| root.plugin == plugin && root.configuration == configuration;
        let root = match self.living().find(same) {
            Some(root) => root,
            None => match Root::configured(plugin, configuration.to_vec()) {
                Some(root) => Arc::new(root),
                None => return false,
            },
        };
        self.roots.retain(|old| old.strong_count() > 0);
        if self.living().all(|old| old.context != root.context) {
            self.roots.push(Arc::downgrade(&root));
        }
        self.current.insert(plugin.to_owned(), root);
        true
    }

    /// The numbers of the existing root contexts, with the newest one last.
    pub(crate) fn roots(&self) -> Vec<u32> {
        self.living().map(|root| root.context).collect()
    }

    /// Fires the timers of all root contexts. Returns the calls of the filter.
    pub(crate) fn tick(&self) -> Vec<String> {
        Proxy::with(|proxy| proxy.calls.clear());
        self.living().for_each(|root| root.tick());
        Proxy::with(|proxy| std::mem::take(&mut proxy.calls))
    }

    /// Fires the timer of one root context, which has to exist. Returns the calls of the filter.
    pub(crate) fn tick_root(&self, context: u32) -> Vec<String> {
        Proxy::with(|proxy| proxy.calls.clear());
        let root = self.living().find(|root| root.context == context);
        root.unwrap().tick();
        Proxy::with(|proxy| std::mem::take(&mut proxy.calls))
    }

    /// Sends a request that is answered with 200.
    pub(crate) fn send<V: AsRef<[u8]>>(&mut self, request: &[(&str, V)]) -> Exchange {
        self.exchange(lines(request), lines(&[(":status", "200")]))
    }

    /// Sends a request and its response.
    pub(crate) fn exchange(&mut self, request: Lines, response: Lines) -> Exchange {
        let before = counting::allocations();
        let stream = self.open();
        let (request, calls) = stream.request(request);
        let response = stream.response(response);
        stream.delete();
        Exchange {
            request,
            response,
            calls,
            allocations: counting::allocations() - before,
        }
    }

    /// Opens the context of a request under the current configuration.
    pub(crate) fn open(&mut self) -> Stream {
        self.open_in(PLUGIN)
    }

    /// Opens the context of a request under the current configuration of the plugin of this name.
    pub(crate) fn open_in(&mut self, plugin: &str) -> Stream {
        Stream::open(Arc::clone(&self.current[plugin]))
    }

    fn living(&self) -> impl Iterator<Item = Arc<Root>> {
        self.roots.iter().filter_map(Weak::upgrade)
    }
}

/// Sets a variable of the virtual machine's environment.
pub(crate) fn set_environment(name: &str, value: &str) {
    // SAFETY: the only test of a binary calls this first, before anything reads the environment.
    unsafe { std::env::set_var(name, value) };
}
