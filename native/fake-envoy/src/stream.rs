//! A request and its answer, as the HTTP filter sees them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::abi::{
    MAPS, Map, REQUEST_HEADERS, RESPONSE_CODE_DETAILS, RESPONSE_HEADERS, RESPONSE_TRAILERS,
    SOURCE_ADDRESS,
};
use crate::filter::Filter;
use crate::hooks;
use crate::request::{Fields, Request};

/// A request and its answer on one worker. Its configuration lives as long as it does.
pub struct Stream {
    // The module's part ends first.
    module: hooks::FilterStream,
    host: Box<Host>,
    filter: Arc<Filter>,
}

/// What Envoy keeps for a stream.
#[derive(Debug, Default)]
pub(crate) struct Host {
    maps: RefCell<[Option<Fields>; MAPS]>,
    attributes: RefCell<BTreeMap<u32, Vec<u8>>>,
    pub(crate) filter_state: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(crate) cluster: RefCell<Option<Vec<u8>>>,
    /// How often the module had the route picked again.
    pub(crate) picks: Cell<usize>,
    pub(crate) empty_is_null: bool,
}

impl Host {
    /// Reads a header map, if it is there.
    pub(crate) fn read<T>(&self, map: Map, read: impl FnOnce(&Fields) -> T) -> Option<T> {
        let maps = self.maps.borrow();
        Some(read(maps.get(map as usize)?.as_ref()?))
    }

    /// Changes a header map, and says whether it is there.
    pub(crate) fn change(&self, map: Map, change: impl FnOnce(&mut Fields)) -> bool {
        let mut maps = self.maps.borrow_mut();
        let Some(fields) = maps.get_mut(map as usize).and_then(Option::as_mut) else {
            return false;
        };
        change(fields);
        // What the module was shown of it is no longer there.
        *fields = fields.clone();
        true
    }

    pub(crate) fn attribute<T>(&self, id: u32, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.attributes.borrow().get(&id).map(|value| read(value))
    }

    fn show(&self, map: Map, fields: Fields) {
        if let Some(place) = self.maps.borrow_mut().get_mut(map as usize) {
            *place = Some(fields);
        }
    }

    fn fields(&self, map: Map) -> Fields {
        self.read(map, Clone::clone).unwrap_or_default()
    }

    /// What the hook was shown is no longer there.
    fn forget(&self) {
        let mut maps = self.maps.borrow_mut();
        *maps = maps.clone();
        let mut attributes = self.attributes.borrow_mut();
        *attributes = attributes.clone();
        let mut cluster = self.cluster.borrow_mut();
        *cluster = cluster.clone();
    }
}

impl Stream {
    pub(crate) fn new(filter: Arc<Filter>, request: Request, cluster: Option<&[u8]>) -> Self {
        let host = Box::new(Host {
            empty_is_null: request.empty_is_null,
            ..Host::default()
        });
        host.cluster.replace(cluster.map(<[u8]>::to_vec));
        host.show(REQUEST_HEADERS, request.headers);
        let address = request.source_address;
        let attributes = address.map(|address| (SOURCE_ADDRESS, address));
        host.attributes.borrow_mut().extend(attributes);
        let module = filter.module.stream(&host);
        Self {
            module,
            host,
            filter,
        }
    }

    /// The configuration that decides.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    fn call(&self, hook: impl FnOnce(&hooks::FilterStream, &Host)) {
        hook(&self.module, &self.host);
        self.host.forget();
    }

    /// The request's headers come.
    pub fn request(&mut self) {
        self.call(|module, host| module.request_headers(host, true));
    }

    /// The answer's headers come. Unless they end it, a body or trailers follow.
    pub fn answer(&mut self, headers: Fields, is_end: bool) {
        self.host.show(RESPONSE_HEADERS, headers);
        self.call(|module, host| module.response_headers(host, is_end));
    }

    /// The answer's trailers come.
    pub fn trailers(&mut self, trailers: Fields) {
        self.host.show(RESPONSE_TRAILERS, trailers);
        self.call(|module, host| module.response_trailers(host));
    }

    /// The stream ends, for this reason in Envoy's words, if Envoy knows one. The headers are gone then.
    pub fn complete(&mut self, details: Option<&[u8]>) {
        self.host.maps.replace(Default::default());
        let details = details.map(|details| (RESPONSE_CODE_DETAILS, details.to_vec()));
        self.host.attributes.borrow_mut().extend(details);
        self.call(|module, host| module.stream_complete(host));
    }

    /// The header fields that go to the upstream.
    pub fn sent(&self) -> Fields {
        self.host.fields(REQUEST_HEADERS)
    }

    /// The header fields that go to the client.
    pub fn answered(&self) -> Fields {
        self.host.fields(RESPONSE_HEADERS)
    }

    /// The value in the stream's filter state.
    pub fn filter_state(&self, key: &str) -> Option<Vec<u8>> {
        let state = self.host.filter_state.borrow();
        state.get(key.as_bytes()).cloned()
    }

    /// How often the module had the route picked again.
    pub fn picks(&self) -> usize {
        self.host.picks.get()
    }
}
