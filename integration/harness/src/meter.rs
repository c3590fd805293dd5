//! CPU time and memory of a process, as Linux counts them.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// A running process.
#[derive(Debug)]
pub struct Meter(PathBuf);

impl Meter {
    /// The Envoy that was started with this bootstrap. The program's name is checked as well, because the shell and the
    /// Python script that start Envoy have the same arguments.
    ///
    /// # Errors
    /// No such Envoy runs, or the machine has no `/proc`.
    pub fn of_envoy(bootstrap: &Path) -> io::Result<Self> {
        let bootstrap = bootstrap.as_os_str().as_encoded_bytes();
        for process in fs::read_dir("/proc")?.flatten() {
            let process = process.path();
            let is_envoy = fs::read_link(process.join("exe"))
                .is_ok_and(|program| program.file_name().is_some_and(|name| name == "envoy"));
            let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
            if is_envoy
                && arguments
                    .split(|&byte| byte == 0)
                    .any(|argument| argument == bootstrap)
            {
                return Ok(Self(process));
            }
        }
        Err(io::Error::other("Envoy's process is not in /proc"))
    }

    /// The CPU time of all its threads.
    ///
    /// # Errors
    /// The process has ended.
    pub fn run_time(&self) -> io::Result<Duration> {
        let mut sum = 0;
        for thread in fs::read_dir(self.0.join("task"))?.flatten() {
            // A thread may have ended meanwhile. Envoy's own threads live as long as Envoy.
            let Ok(line) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            sum += line
                .split(' ')
                .next()
                .and_then(|field| field.parse().ok())
                .unwrap_or(0);
        }
        Ok(Duration::from_nanos(sum))
    }

    /// The resident memory, in KiB.
    ///
    /// # Errors
    /// The process has ended.
    pub fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(self.0.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| io::Error::other("/proc reports no VmRSS"))
    }
}
