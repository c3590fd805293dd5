//! The functions of the module that Envoy calls.

use std::ffi::{CStr, c_char};
use std::panic;
use std::sync::Once;

use crate::abi::{Buffer, Opaque};
use crate::metrics::Owned;
use crate::specifier::Pick;
use crate::stream::Host;

#[rustfmt::skip]
unsafe extern "C" {
    fn envoy_dynamic_module_on_program_init() -> *const c_char;

    fn envoy_dynamic_module_on_http_filter_config_new(config: Opaque, name: Buffer, bytes: Buffer) -> Opaque;
    fn envoy_dynamic_module_on_http_filter_config_destroy(config: Opaque);
    fn envoy_dynamic_module_on_http_filter_new(config: Opaque, stream: Opaque) -> Opaque;
    fn envoy_dynamic_module_on_http_filter_destroy(filter: Opaque);
    fn envoy_dynamic_module_on_http_filter_request_headers(stream: Opaque, filter: Opaque, end_of_stream: bool) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_headers(stream: Opaque, filter: Opaque, end_of_stream: bool) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_trailers(stream: Opaque, filter: Opaque) -> u32;
    fn envoy_dynamic_module_on_http_filter_stream_complete(stream: Opaque, filter: Opaque);

    fn envoy_dynamic_module_on_cluster_specifier_config_new(config: Opaque, name: Buffer, bytes: Buffer) -> Opaque;
    fn envoy_dynamic_module_on_cluster_specifier_config_destroy(config: Opaque);
    fn envoy_dynamic_module_on_cluster_specifier_select(config: Opaque, choice: Opaque) -> bool;
}

/// `…_status_Continue`.
const CONTINUE: u32 = 0;

/// What the module keeps for a configuration of the HTTP filter.
#[derive(Debug)]
pub(crate) struct FilterConfig(Opaque);

/// What the module keeps for a configuration of the cluster specifier.
#[derive(Debug)]
pub(crate) struct SpecifierConfig(Opaque);

/// What the module keeps for a stream. It stays on one thread.
#[derive(Debug)]
pub(crate) struct FilterStream(Opaque);

// SAFETY: Envoy uses a configuration on all threads at once, and lets it end on any of them.
unsafe impl Send for FilterConfig {}
// SAFETY: as above.
unsafe impl Sync for FilterConfig {}
// SAFETY: as above.
unsafe impl Send for SpecifierConfig {}
// SAFETY: as above.
unsafe impl Sync for SpecifierConfig {}

/// What happens once, when Envoy has loaded the module.
fn load() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        let own = panic::take_hook();
        // SAFETY: the hook returns a text that ends with a zero, or nothing.
        let version = unsafe {
            let version = envoy_dynamic_module_on_program_init();
            (!version.is_null()).then(|| CStr::from_ptr(version))
        };
        assert_eq!(version, Some(c"v0.2.0"));
        // The module's hook only writes to Envoy's log, but a test or a fuzzer has to see a panic, too.
        let of_module = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            of_module(info);
            own(info);
        }));
    });
}

fn opaque<T>(value: &T) -> Opaque {
    std::ptr::from_ref(value).cast()
}

/// Shows copies of name and configuration that are gone afterwards.
fn made_of(name: &[u8], bytes: &[u8], make: impl FnOnce(Buffer, Buffer) -> Opaque) -> Opaque {
    load();
    let (name, bytes) = (Box::<[u8]>::from(name), Box::<[u8]>::from(bytes));
    make(Buffer::of(&name), Buffer::of(&bytes))
}

impl FilterConfig {
    /// The metrics outlive the configuration.
    pub(crate) fn new(metrics: &Owned, name: &[u8], bytes: &[u8]) -> Option<Self> {
        // SAFETY: all pointers are valid for the call, and the metrics longer.
        let module = made_of(name, bytes, |name, bytes| unsafe {
            envoy_dynamic_module_on_http_filter_config_new(opaque(metrics), name, bytes)
        });
        (!module.is_null()).then(|| Self(module))
    }

    /// The host outlives the stream, and so does this configuration.
    pub(crate) fn stream(&self, host: &Host) -> FilterStream {
        // SAFETY: the configuration is the module's, and lives.
        let module = unsafe { envoy_dynamic_module_on_http_filter_new(self.0, opaque(host)) };
        assert!(
            !module.is_null(),
            "without its part Envoy would answer the request itself"
        );
        FilterStream(module)
    }
}

impl Drop for FilterConfig {
    fn drop(&mut self) {
        // SAFETY: the configuration is the module's, and its streams have ended.
        unsafe { envoy_dynamic_module_on_http_filter_config_destroy(self.0) };
    }
}

impl FilterStream {
    pub(crate) fn request_headers(&self, host: &Host, is_end: bool) {
        // SAFETY: the host is that of this stream, and lives; the configuration lives, too.
        let status = unsafe {
            envoy_dynamic_module_on_http_filter_request_headers(opaque(host), self.0, is_end)
        };
        assert_eq!(status, CONTINUE);
    }

    pub(crate) fn response_headers(&self, host: &Host, is_end: bool) {
        // SAFETY: as above.
        let status = unsafe {
            envoy_dynamic_module_on_http_filter_response_headers(opaque(host), self.0, is_end)
        };
        assert_eq!(status, CONTINUE);
    }

    pub(crate) fn response_trailers(&self, host: &Host) {
        // SAFETY: as above.
        let status =
            unsafe { envoy_dynamic_module_on_http_filter_response_trailers(opaque(host), self.0) };
        assert_eq!(status, CONTINUE);
    }

    pub(crate) fn stream_complete(&self, host: &Host) {
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_stream_complete(opaque(host), self.0) };
    }
}

impl Drop for FilterStream {
    fn drop(&mut self) {
        // SAFETY: the stream is the module's, and no hook of it runs.
        unsafe { envoy_dynamic_module_on_http_filter_destroy(self.0) };
    }
}

impl SpecifierConfig {
    /// The metrics outlive the configuration.
    pub(crate) fn new(metrics: &Owned, name: &[u8], bytes: &[u8]) -> Option<Self> {
        // SAFETY: all pointers are valid for the call, and the metrics longer.
        let module = made_of(name, bytes, |name, bytes| unsafe {
            envoy_dynamic_module_on_cluster_specifier_config_new(opaque(metrics), name, bytes)
        });
        (!module.is_null()).then(|| Self(module))
    }

    /// Whether the module has chosen a cluster.
    pub(crate) fn select(&self, pick: &Pick<'_>) -> bool {
        // SAFETY: the configuration is the module's, and lives; the pick lives for the call.
        unsafe { envoy_dynamic_module_on_cluster_specifier_select(self.0, opaque(pick)) }
    }
}

impl Drop for SpecifierConfig {
    fn drop(&mut self) {
        // SAFETY: the configuration is the module's, and no route has it any longer.
        unsafe { envoy_dynamic_module_on_cluster_specifier_config_destroy(self.0) };
    }
}
