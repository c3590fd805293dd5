//! The processes of the demo.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use launch::{Binary, Ended, Process, envoy, http1, start_color};

use crate::Trouble;
use crate::settings::Settings;

/// The longest wait until everything answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log of a demo that runs for days must not fill the disk.
const LOG_LIMIT: u64 = 64 << 20;

/// Two Colors and an Envoy, which end when the value is dropped.
pub(crate) struct Parts {
    colors: [Process; 2],
    envoy: Process,
}

impl Parts {
    /// Starts all of them.
    ///
    /// # Errors
    /// A program is missing, or a process cannot be started.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Box<dyn Error>> {
        let (envoy, color) = (Binary::Envoy.find()?, Binary::Color.find()?);
        let module = if settings.native {
            Binary::Native
        } else {
            Binary::Plugin
        };
        module.find()?;
        let folder = &settings.folder;
        let start = |name: &str, port| {
            let log = folder.join(format!("color-{name}.log"));
            start_color(&color, name, &format!("color-{name}-0"), port, true, &log)
        };
        let colors = [
            start("blue", settings.blue)?,
            start("green", settings.green)?,
        ];
        let mut command = Command::new(envoy);
        command.arg("-c").arg(folder.join("envoy.yaml"));
        command.args(["--concurrency", "2", "--file-flush-interval-msec", "500"]);
        let envoy = envoy::start(command, &settings.envoy_log())?;
        Ok(Self { colors, envoy })
    }

    /// # Errors
    /// One of them has ended.
    pub(crate) fn check_all_run(&mut self) -> Result<(), Trouble> {
        let mut all = self.colors.iter_mut().chain([&mut self.envoy]);
        all.find_map(Process::ended).map_or(Ok(()), |ended: Ended| {
            let (name, status, lines) = (ended.name, ended.status, ended.last_lines(8));
            Err(Trouble(format!(
                "{name} ended unexpectedly ({status}), so the demo ends. Its last lines:\n{lines}"
            )))
        })
    }

    /// The last line in which Envoy or the filter refused a configuration.
    pub(crate) fn complaint(&self) -> Option<String> {
        let log = self.envoy.log();
        let complaints = ["refused, ", " rejected: ", " update failure: "];
        let line = log
            .lines()
            .rev()
            .find(|line| complaints.iter().any(|words| line.contains(words)))?;
        let text = line.rsplit_once("] ").map_or(line, |(_, text)| text);
        Some(text.to_owned())
    }

    /// Empties logs that have become too long.
    pub(crate) fn limit_logs(&self) {
        let all = self.colors.iter().chain([&self.envoy]);
        all.for_each(|part| part.limit_log(LOG_LIMIT));
    }

    /// Waits until all of them answer, or until `stop` is set.
    ///
    /// # Errors
    /// One of them has ended, or the wait takes too long.
    pub(crate) fn wait_until_ready(
        &mut self,
        settings: &Settings,
        stop: &AtomicBool,
    ) -> Result<(), Trouble> {
        let end = Instant::now() + PATIENCE;
        let healthy =
            |port| http1::get(local(port), "/healthz").is_ok_and(|answer| answer.status == 200);
        while !(healthy(settings.blue)
            && healthy(settings.green)
            && envoy::ready(local(settings.admin)))
        {
            self.check_all_run()?;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if Instant::now() > end {
                return Err(Trouble(format!(
                    "Envoy and Color are not ready after {PATIENCE:?}: see {}",
                    settings.envoy_log().display()
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// An address of this machine alone.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
