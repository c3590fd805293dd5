//! What the proxy knows: headers, properties, metrics, timers, the log.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Shared;

/// Header lines, in order.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

/// The plugin that a virtual machine has from its start.
pub(crate) const PLUGIN: &str = "demo";

/// The number of a header map in the ABI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Map(pub(super) u32);

impl Map {
    pub(super) const REQUEST_HEADERS: Self = Self(0);
    pub(super) const RESPONSE_HEADERS: Self = Self(2);
    pub(super) const RESPONSE_TRAILERS: Self = Self(3);
}

/// The proxy of this thread.
#[derive(Default)]
pub(crate) struct Proxy {
    pub(crate) configuration: Vec<u8>,
    /// The properties that every context may read, including those that the filter has set.
    pub(crate) properties: BTreeMap<String, Vec<u8>>,
    pub(crate) shared: Shared,
    /// The name of each metric, and its value by the changes of this virtual machine alone. A metric's id is its index. A
    /// name that is defined twice appears twice.
    pub(crate) metrics: Vec<(String, u64)>,
    /// The level's number (0 is trace, 4 is error) and the text.
    pub(crate) log: Vec<(u32, String)>,
    /// The calls of the filter, in order: `get :path`, `increment`.
    pub(crate) calls: Vec<String>,
    /// The header maps of the running callback.
    headers: BTreeMap<Map, Lines>,
    /// Whether the access log is being written. Reading an absent map is not an error then, and gives no lines.
    logging: bool,
    /// The context whose callback is running, and its root.
    current: (u32, u32),
    /// The properties that only this stream, or this root and its streams, may read, by context.
    own_properties: BTreeMap<u32, BTreeMap<String, Vec<u8>>>,
    /// The periods of the timers in milliseconds, by root context.
    tick_periods: BTreeMap<u32, u32>,
}

thread_local! {
    static PROXY: RefCell<Proxy> = RefCell::default();
}

impl Proxy {
    /// Looks at the proxy of this thread, or changes it.
    pub(crate) fn with<T>(look: impl FnOnce(&mut Self) -> T) -> T {
        PROXY.with(|proxy| look(&mut proxy.borrow_mut()))
    }

    /// The value of a metric that was defined once.
    pub(crate) fn metric(name: &str) -> Option<u64> {
        Self::with(|proxy| {
            let mut found = proxy.metrics.iter().filter(|(known, _)| known == name);
            let value = found.next().map(|(_, value)| *value);
            assert!(found.next().is_none(), "{name} was defined twice");
            value
        })
    }

    /// The period of a root context's timer, in milliseconds, if the filter has set one.
    pub(crate) fn tick_period(&self, root: u32) -> Option<u32> {
        self.tick_periods.get(&root).copied()
    }

    pub(super) fn start(&mut self, shared: Shared) {
        self.shared = shared;
        let name = PLUGIN.as_bytes().to_vec();
        self.properties.insert("plugin_name".to_owned(), name);
    }

    pub(super) fn called(&mut self, call: &str) {
        self.calls.push(call.trim_end().to_owned());
    }

    /// Makes this the context for which the filter acts from now on.
    pub(super) fn enter(&mut self, context: u32, root: u32) {
        self.current = (context, root);
    }

    /// Removes a context that has ended.
    pub(super) fn forget(&mut self, context: u32) {
        self.own_properties.remove(&context);
        self.tick_periods.remove(&context);
    }

    pub(super) fn set_own_property(&mut self, context: u32, path: &str, value: &[u8]) {
        let own = self.own_properties.entry(context).or_default();
        own.insert(path.to_owned(), value.to_vec());
    }

    /// A property as the current context sees it.
    pub(super) fn property(&self, path: &str) -> Option<&Vec<u8>> {
        let (context, root) = self.current;
        let own = |context| self.own_properties.get(&context)?.get(path);
        own(context)
            .or_else(|| own(root))
            .or_else(|| self.properties.get(path))
    }

    /// Sets the timer of the current root context; a period of 0 stops it.
    pub(super) fn set_tick_period(&mut self, milliseconds: u32) {
        let (_, root) = self.current;
        self.tick_periods.insert(root, milliseconds);
        self.tick_periods
            .retain(|_, milliseconds| *milliseconds > 0);
    }

    pub(super) fn show(&mut self, map: Map, lines: Lines) {
        self.headers.insert(map, lines);
    }

    pub(super) fn hide(&mut self, map: Map) -> Lines {
        self.headers.remove(&map).unwrap()
    }

    /// Begins the access log with these maps, or ends it if there are none.
    pub(super) fn log_phase(&mut self, maps: Option<Vec<(Map, Lines)>>) {
        self.logging = maps.is_some();
        self.headers = maps.into_iter().flatten().collect();
    }

    /// The lines of a map for reading, or `None` if it cannot be read now.
    pub(super) fn read(&self, map: Map) -> Option<&[(String, Vec<u8>)]> {
        match self.headers.get(&map) {
            Some(lines) => Some(lines),
            None => self.logging.then_some(&[]),
        }
    }

    /// The lines of a map for writing, or `None` if it cannot be changed now.
    pub(super) fn write(&mut self, map: Map) -> Option<&mut Lines> {
        match self.logging {
            true => None,
            false => self.headers.get_mut(&map),
        }
    }
}

/// Lines as the tests write them.
pub(crate) fn lines<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> Lines {
    lines
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_ref().to_vec()))
        .collect()
}
