//! The boundary that no panic crosses: Envoy is not built to be unwound through, and an abort would take it down.

use std::env;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::OnceLock;

use crate::abi::{self, Level};

/// Runs what a hook does; `None` if it has panicked. What it may have left half done is what one stream decides by, which
/// the caller gives up, and what is behind a lock, of which each part is valid by itself.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(run)).ok()
}

/// A request with the path in this variable of Envoy's environment panics. It is there for the test of this boundary, which
/// runs on the module that is shipped.
const PLANTED: &str = "CANARY_PLANTED_PANIC";

/// The path, if there is one.
static PLANTED_AT: OnceLock<String> = OnceLock::new();

/// Panics if the request has the path that is meant to.
pub(crate) fn planted(path: impl FnOnce() -> Option<Vec<u8>>) {
    if let Some(planted) = PLANTED_AT.get()
        && path().is_some_and(|path| path == planted.as_bytes())
    {
        fail();
    }
}

#[cold]
#[allow(clippy::panic, reason = "it is planted")]
fn fail() {
    panic!("planted");
}

/// Has the place of every panic written to Envoy's log.
pub(crate) fn report_panics() {
    if let Ok(path) = env::var(PLANTED) {
        PLANTED_AT.get_or_init(|| path);
    }
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        abi::log(Level::Error, &format!("canary-filter: {info}"));
    }));
}
