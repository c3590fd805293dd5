//! The demo service.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use crate::Process;

/// Starts Color on the loopback address. With port 0 it takes a free one and prints which. `faults` allows
/// `PUT /color/faults`.
///
/// # Errors
/// The log file cannot be created, or the process cannot be started.
pub fn start_color(
    binary: &Path,
    color: &str,
    host: &str,
    port: u16,
    faults: bool,
    log: &Path,
) -> io::Result<Process> {
    let mut command = Command::new(binary);
    // Reachable from this machine alone, whatever its network.
    command
        .env("HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("PORT", port.to_string());
    command.env("COLOR", color).env("HOSTNAME", host);
    command.env("COLOR_FAULTS", if faults { "on" } else { "off" });
    Process::start("Color", &command, log)
}
