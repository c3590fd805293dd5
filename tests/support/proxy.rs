//! What the proxy knows: headers, properties, metrics, shared data, the log.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Header lines, in order.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

/// What all virtual machines of a proxy share.
pub(crate) type Shared = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The proxy of this thread.
#[derive(Default)]
pub(crate) struct Proxy {
    pub(crate) configuration: Vec<u8>,
    pub(crate) properties: BTreeMap<String, Vec<u8>>,
    /// By the number of the map in the ABI: 0 is the request's, 2 the response's.
    pub(crate) headers: BTreeMap<u32, Lines>,
    pub(crate) shared: Shared,
    /// Name and value of each metric; its id is its place. A name that is defined again is here again.
    pub(crate) metrics: Vec<(String, u64)>,
    /// The level's number (0 is trace, 4 is error) and the text.
    pub(crate) log: Vec<(u32, String)>,
    /// What the filter has asked for, in order: `get :path`, `increment`.
    pub(crate) calls: Vec<String>,
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

    pub(super) fn called(&mut self, call: &str) {
        self.calls.push(call.trim_end().to_owned());
    }

    pub(super) fn values(&mut self, map: u32) -> &mut Lines {
        self.headers.entry(map).or_default()
    }
}

/// Lines as the tests write them.
pub(crate) fn lines<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> Lines {
    lines
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_ref().to_vec()))
        .collect()
}
