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
    /// What every context may read, and what the filter has set.
    pub(crate) properties: BTreeMap<String, Vec<u8>>,
    pub(crate) shared: Shared,
    /// Name and value of each metric, as far as this virtual machine has changed it; its id is its place. A name that
    /// is defined again is here again.
    pub(crate) metrics: Vec<(String, u64)>,
    /// The level's number (0 is trace, 4 is error) and the text.
    pub(crate) log: Vec<(u32, String)>,
    /// What the filter has asked for, in order: `get :path`, `increment`.
    pub(crate) calls: Vec<String>,
    /// The maps of the callback that runs.
    headers: BTreeMap<Map, Lines>,
    /// The access log is being written: an absent map has no lines then, and it is not an error to ask for them.
    logging: bool,
    /// The context whose callback runs, and its root.
    current: (u32, u32),
    /// By context: what only this stream, or this root and its streams, may read.
    own_properties: BTreeMap<u32, BTreeMap<String, Vec<u8>>>,
    /// By root context, in milliseconds.
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

    /// From here on the filter acts for this context.
    pub(super) fn enter(&mut self, context: u32, root: u32) {
        self.current = (context, root);
    }

    /// The context has ended.
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

    /// The access log is written, with these maps, or has been written.
    pub(super) fn log_phase(&mut self, maps: Option<Vec<(Map, Lines)>>) {
        self.logging = maps.is_some();
        self.headers = maps.into_iter().flatten().collect();
    }

    /// The lines of a map for reading; `None` if nobody may ask for them now.
    pub(super) fn read(&self, map: Map) -> Option<&[(String, Vec<u8>)]> {
        match self.headers.get(&map) {
            Some(lines) => Some(lines),
            None => self.logging.then_some(&[]),
        }
    }

    /// The lines of a map for writing; `None` if it cannot be changed now.
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
