//! The functions of the filter that the proxy calls.

#![allow(unsafe_code, reason = "the exports are functions of the ABI")]

use super::Proxy;
use super::counting;

unsafe extern "C" {
    pub(super) safe fn _initialize();
    pub(super) safe fn proxy_on_context_create(context: u32, root: u32);
    pub(super) safe fn proxy_on_vm_start(context: u32, size: usize) -> bool;
    pub(super) safe fn proxy_on_configure(context: u32, size: usize) -> bool;
    pub(super) safe fn proxy_on_tick(context: u32);
    pub(super) safe fn proxy_on_request_headers(context: u32, lines: usize, end: bool) -> u32;
    pub(super) safe fn proxy_on_response_headers(context: u32, lines: usize, end: bool) -> u32;
    pub(super) safe fn proxy_on_response_trailers(context: u32, lines: usize) -> u32;
    pub(super) safe fn proxy_on_log(context: u32);
    pub(super) safe fn proxy_on_done(context: u32) -> bool;
    pub(super) safe fn proxy_on_delete(context: u32);
}

/// Calls an export for this context, which belongs to this root; what the filter allocates is counted.
pub(super) fn call<T>(context: u32, root: u32, export: impl FnOnce() -> T) -> T {
    Proxy::with(|proxy| proxy.enter(context, root));
    counting::filter(export)
}
