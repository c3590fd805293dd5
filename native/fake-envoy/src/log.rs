//! The log. Each thread has its own, because a common one would order the threads.

use std::cell::RefCell;

/// After this number of lines the oldest ones are gone.
const KEPT: usize = 1_000;

/// `envoy_dynamic_module_type_log_level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 2.
    Info,
    /// 3.
    Warn,
    /// 4.
    Error,
    /// A level that the module does not use.
    Other(u32),
}

/// A line of the log.
pub type Logged = (Level, String);

thread_local! {
    static LOG: RefCell<Vec<Logged>> = const { RefCell::new(Vec::new()) };
}

/// The lines that the module has written on this thread since this was asked last.
pub fn take_log() -> Vec<Logged> {
    LOG.take()
}

pub(crate) fn write(level: u32, line: String) {
    let level = match level {
        2 => Level::Info,
        3 => Level::Warn,
        4 => Level::Error,
        other => Level::Other(other),
    };
    LOG.with_borrow_mut(|log| {
        if log.len() == KEPT {
            log.remove(0);
        }
        log.push((level, line));
    });
}
