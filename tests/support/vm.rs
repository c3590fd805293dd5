//! Drives the filter as Envoy does.

#![allow(unsafe_code, reason = "the exports are functions of the ABI")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::counting;
use super::{Lines, Proxy, Shared, lines};

unsafe extern "C" {
    safe fn _initialize();
    safe fn proxy_on_context_create(context: u32, root: u32);
    safe fn proxy_on_vm_start(context: u32, size: usize) -> bool;
    safe fn proxy_on_configure(context: u32, size: usize) -> bool;
    safe fn proxy_on_request_headers(context: u32, lines: usize, end: bool) -> u32;
    safe fn proxy_on_response_headers(context: u32, lines: usize, end: bool) -> u32;
    safe fn proxy_on_delete(context: u32);
}

/// The virtual machine of this thread.
pub(crate) struct Vm {
    /// The root context of the newest configuration.
    root: u32,
}

/// The numbers of contexts; no number comes twice.
static CONTEXTS: AtomicU32 = AtomicU32::new(1);

fn next_context() -> u32 {
    CONTEXTS.fetch_add(1, Ordering::Relaxed)
}

/// The SDK sets up what the process has once, a logger and a panic hook, as if there were no other thread.
fn initialize() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap();
    _initialize();
    // The hook sends panics to the proxy's log; here they are for whoever reads the test's output.
    drop(std::panic::take_hook());
}

/// What a request and its answer have become.
pub(crate) struct Exchange {
    pub(crate) request: Lines,
    pub(crate) response: Lines,
    /// What the filter has asked the proxy for while the request came in.
    pub(crate) calls: Vec<String>,
    /// How often the filter has allocated for the request, from its context's creation to its end.
    pub(crate) allocations: usize,
}

impl Vm {
    /// A virtual machine of a proxy of its own.
    pub(crate) fn start() -> Self {
        Self::start_in(Shared::default())
    }

    /// One more virtual machine of a proxy.
    pub(crate) fn start_in(shared: Shared) -> Self {
        Proxy::with(|proxy| {
            proxy.shared = shared;
            proxy
                .properties
                .insert("plugin_name".to_owned(), b"demo".to_vec());
        });
        initialize();
        Self { root: 0 }
    }

    /// With this configuration, which it must accept.
    pub(crate) fn with(configuration: &str) -> Self {
        let mut vm = Self::start();
        assert!(vm.configure(configuration));
        assert_eq!(Proxy::metric("canary_config_refused"), Some(0));
        vm
    }

    /// Gives it a configuration, in a root context of its own as Envoy does; what it says to it.
    pub(crate) fn configure(&mut self, configuration: impl AsRef<[u8]>) -> bool {
        let configuration = configuration.as_ref().to_vec();
        let size = configuration.len();
        Proxy::with(|proxy| proxy.configuration = configuration);
        self.root = next_context();
        proxy_on_context_create(self.root, 0);
        assert!(proxy_on_vm_start(self.root, 0));
        proxy_on_configure(self.root, size)
    }

    /// A request that is answered with 200.
    pub(crate) fn send<V: AsRef<[u8]>>(&mut self, request: &[(&str, V)]) -> Exchange {
        self.exchange(lines(request), lines(&[(":status", "200")]))
    }

    /// A request and its answer.
    pub(crate) fn exchange(&mut self, request: Lines, response: Lines) -> Exchange {
        let before = counting::allocations();
        let stream = self.open();
        let (request, calls) = stream.request(request);
        let response = stream.response(response);
        counting::filter(|| proxy_on_delete(stream.0));
        Exchange {
            request,
            response,
            calls,
            allocations: counting::allocations() - before,
        }
    }

    /// A request's context, of the newest configuration.
    pub(crate) fn open(&mut self) -> Stream {
        let stream = next_context();
        counting::filter(|| proxy_on_context_create(stream, self.root));
        Stream(stream)
    }
}

/// The context of a request.
pub(crate) struct Stream(u32);

impl Stream {
    /// The request comes in; what it has become, and what the filter asked for.
    pub(crate) fn request(&self, request: Lines) -> (Lines, Vec<String>) {
        let size = request.len();
        Proxy::with(|proxy| {
            proxy.calls.clear();
            proxy.headers.insert(0, request);
        });
        assert_eq!(
            counting::filter(|| proxy_on_request_headers(self.0, size, true)),
            0,
            "it goes on"
        );
        Proxy::with(|proxy| {
            (
                proxy.headers.remove(&0).unwrap(),
                std::mem::take(&mut proxy.calls),
            )
        })
    }

    /// Its answer comes; what it has become.
    pub(crate) fn response(&self, response: Lines) -> Lines {
        let size = response.len();
        Proxy::with(|proxy| proxy.headers.insert(2, response));
        assert_eq!(
            counting::filter(|| proxy_on_response_headers(self.0, size, true)),
            0,
            "it goes on"
        );
        Proxy::with(|proxy| proxy.headers.remove(&2).unwrap())
    }

    /// The end.
    pub(crate) fn delete(self) {
        proxy_on_delete(self.0);
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

/// Sets a variable of the virtual machine's environment.
pub(crate) fn set_environment(name: &str, value: &str) {
    // SAFETY: the one test of a binary does this first, while nobody reads the environment.
    unsafe { std::env::set_var(name, value) };
}
