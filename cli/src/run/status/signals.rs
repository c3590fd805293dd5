//! Ctrl-C and its like: the children end with the program, and the end of `--watch` is not a failure.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::children::Children;

/// Ends the program on SIGINT, SIGTERM and SIGHUP, after its children.
///
/// # Errors
/// The system refuses the handlers.
#[cfg(unix)]
pub(super) fn end_on_signal(children: Arc<Children>, is_watching: bool) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            children.end();
            // A shell's status for a program that a signal has ended. Ctrl-C is how a user ends `--watch`.
            std::process::exit(if is_watching && signal == SIGINT {
                0
            } else {
                128 + signal
            });
        }
    });
    Ok(())
}

/// Elsewhere, Ctrl-C ends the whole group of processes.
#[cfg(not(unix))]
pub(super) fn end_on_signal(_: Arc<Children>, _: bool) -> io::Result<()> {
    Ok(())
}

/// Waits between two looks.
#[allow(
    clippy::disallowed_methods,
    reason = "not the core: nothing else has to be done meanwhile"
)]
pub(super) fn wait(time: Duration) {
    thread::sleep(time);
}
