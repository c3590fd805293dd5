//! One request and its response, as Envoy shows them to the filter.

use std::cell::RefCell;
use std::sync::Arc;

use super::exports::{self, call};
use super::proxy::Map;
use super::root::{Root, next_context};
use super::{Lines, Proxy};

/// The context of a request. It may be handed to another thread, but may only be used on the thread of its virtual machine.
pub(crate) struct Stream {
    context: u32,
    root: Arc<Root>,
    /// The header maps as the filter has left them. The access log shows them again.
    seen: RefCell<Vec<(Map, Lines)>>,
}

/// A request and its response after the filter has changed them.
pub(crate) struct Exchange {
    pub(crate) request: Lines,
    pub(crate) response: Lines,
    /// The filter's calls to the proxy during the request's callback.
    pub(crate) calls: Vec<String>,
    /// How often the filter has allocated for the request, from its context's creation to its end.
    pub(crate) allocations: usize,
}

impl Stream {
    pub(super) fn open(root: Arc<Root>) -> Self {
        let (context, parent) = (next_context(), root.context);
        call(context, parent, || {
            exports::proxy_on_context_create(context, parent)
        });
        Self {
            context,
            root,
            seen: RefCell::default(),
        }
    }

    /// The number of its root context.
    pub(crate) fn root(&self) -> u32 {
        self.root.context
    }

    /// Sets a property of this stream alone, such as `response.code_details`.
    pub(crate) fn set_property(&self, path: &str, value: &str) {
        Proxy::with(|proxy| proxy.set_own_property(self.context, path, value.as_bytes()));
    }

    /// Shows the request to the filter. Returns the changed request and the calls of the filter.
    pub(crate) fn request(&self, request: Lines) -> (Lines, Vec<String>) {
        Proxy::with(|proxy| proxy.calls.clear());
        let size = request.len();
        let request = self.shown(Map::REQUEST_HEADERS, request, || {
            exports::proxy_on_request_headers(self.context, size, true)
        });
        (
            request,
            Proxy::with(|proxy| std::mem::take(&mut proxy.calls)),
        )
    }

    /// Shows a response that consists only of headers. Returns the changed headers.
    pub(crate) fn response(&self, headers: Lines) -> Lines {
        self.response_headers(headers, true)
    }

    /// Shows the headers of a response. Unless they end it, a body or trailers follow. Returns the changed headers.
    pub(crate) fn response_headers(&self, headers: Lines, end: bool) -> Lines {
        let size = headers.len();
        self.shown(Map::RESPONSE_HEADERS, headers, || {
            exports::proxy_on_response_headers(self.context, size, end)
        })
    }

    /// Shows the trailers of the response. Returns the changed trailers.
    pub(crate) fn response_trailers(&self, trailers: Lines) -> Lines {
        let size = trailers.len();
        self.shown(Map::RESPONSE_TRAILERS, trailers, || {
            exports::proxy_on_response_trailers(self.context, size)
        })
    }

    /// Ends the stream, whether the response is complete or not: first the access log, then the destruction of the filter.
    /// An old root ends with its last stream.
    pub(crate) fn delete(self) {
        let maps = self.seen.take();
        Proxy::with(|proxy| proxy.log_phase(Some(maps)));
        self.call(|| exports::proxy_on_log(self.context));
        Proxy::with(|proxy| proxy.log_phase(None));
        let done = self.call(|| exports::proxy_on_done(self.context));
        assert!(done, "the filter has nothing to wait for");
        self.call(|| exports::proxy_on_delete(self.context));
        Proxy::with(|proxy| proxy.forget(self.context));
    }

    /// Shows a map to the filter. The map is available only during this callback.
    fn shown(&self, map: Map, lines: Lines, export: impl FnOnce() -> u32) -> Lines {
        Proxy::with(|proxy| proxy.show(map, lines));
        assert_eq!(self.call(export), 0, "the stream continues");
        let lines = Proxy::with(|proxy| proxy.hide(map));
        self.seen.borrow_mut().push((map, lines.clone()));
        lines
    }

    fn call<T>(&self, export: impl FnOnce() -> T) -> T {
        call(self.context, self.root.context, export)
    }
}

impl Exchange {
    /// The values of a header that goes to the upstream.
    pub(crate) fn sent(&self, name: &str) -> Vec<String> {
        values(&self.request, name)
    }

    /// The values of a header that goes to the client.
    pub(crate) fn answered(&self, name: &str) -> Vec<String> {
        values(&self.response, name)
    }
}

fn values(lines: &Lines, name: &str) -> Vec<String> {
    let of_name = lines.iter().filter(|(key, _)| key == name);
    of_name
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect()
}
