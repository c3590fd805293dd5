//! A configuration of a plugin in one virtual machine.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, ThreadId};

use super::Proxy;
use super::exports::{self, call};
use super::proxy::PLUGIN;

/// The number of the next context. No number is used twice.
static CONTEXTS: AtomicU32 = AtomicU32::new(1);

pub(super) fn next_context() -> u32 {
    CONTEXTS.fetch_add(1, Ordering::Relaxed)
}

/// A root context. The virtual machine holds the newest one of each plugin, and each stream holds its own. As in Envoy, a
/// root context ends when nothing holds it any more.
pub(super) struct Root {
    pub(super) context: u32,
    pub(super) plugin: String,
    pub(super) configuration: Vec<u8>,
    thread: ThreadId,
}

impl Root {
    /// Creates and configures a root context, or returns `None` if the filter refuses the configuration.
    pub(super) fn configured(plugin: &str, configuration: Vec<u8>) -> Option<Self> {
        let root = Self {
            context: next_context(),
            plugin: plugin.to_owned(),
            configuration,
            thread: thread::current().id(),
        };
        let (context, size) = (root.context, root.configuration.len());
        Proxy::with(|proxy| {
            proxy.configuration = root.configuration.clone();
            // The name of the default plugin is a property of all contexts, so that a test can change it.
            if plugin != PLUGIN {
                proxy.set_own_property(context, "plugin_name", plugin.as_bytes());
            }
        });
        root.call(|| exports::proxy_on_context_create(context, 0));
        assert!(root.call(|| exports::proxy_on_vm_start(context, 0)));
        let accepted = root.call(|| exports::proxy_on_configure(context, size));
        accepted.then_some(root)
    }

    /// Calls an export for this context.
    pub(super) fn call<T>(&self, export: impl FnOnce() -> T) -> T {
        call(self.context, self.context, export)
    }

    /// Fires the timer, if the filter has set one.
    pub(super) fn tick(&self) {
        if Proxy::with(|proxy| proxy.tick_period(self.context)).is_some() {
            self.call(|| exports::proxy_on_tick(self.context));
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        assert!(
            self.thread == thread::current().id(),
            "a stream has to end on the thread of its virtual machine"
        );
        let done = self.call(|| exports::proxy_on_done(self.context));
        assert!(done, "the filter has nothing to wait for");
        self.call(|| exports::proxy_on_delete(self.context));
        Proxy::with(|proxy| proxy.forget(self.context));
    }
}
