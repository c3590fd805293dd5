//! A real Envoy.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http1::{self, Connection, Response};
use crate::{Binary, Ended, Filter, Meter, Process, Scratch, Setup, replace};

/// Nothing here takes longer, on however slow a machine; what does is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// An Envoy that runs.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: SocketAddr,
    listener: SocketAddr,
    dir: Scratch,
}

impl Envoy {
    /// Starts one and waits until it is ready.
    pub fn start(setup: &Setup, blue: SocketAddr, green: SocketAddr) -> Self {
        Self::try_start(setup, blue, green)
            .unwrap_or_else(|ended| panic!("Envoy did not start: {}\n{}", ended.status, ended.log))
    }

    /// The same, for an Envoy that may refuse to start.
    ///
    /// # Errors
    /// It ended.
    pub fn try_start(setup: &Setup, blue: SocketAddr, green: SocketAddr) -> Result<Self, Ended> {
        let binary = Binary::Envoy
            .find()
            .unwrap_or_else(|missing| panic!("{missing}"));
        let dir = Scratch::new();
        setup.write(&dir, blue, green);
        let mut command = Command::new(binary);
        command.arg("-c").arg(dir.join("envoy.yaml"));
        command.arg("--admin-address-path").arg(dir.join("admin"));
        command.args([
            "--concurrency",
            &setup.concurrency.to_string(),
            "--file-flush-interval-msec",
            "50",
        ]);
        let mut process = start(command, &dir.join("envoy.log")).unwrap();

        let admin = eventually("Envoy has an admin interface", || match process.ended() {
            Some(ended) => Some(Err(ended)),
            None => Some(Ok(fs::read_to_string(dir.join("admin"))
                .ok()?
                .trim()
                .parse()
                .ok()?)),
        })?;
        eventually("Envoy is ready", || match process.ended() {
            Some(ended) => Some(Err(ended)),
            None => ready(admin).then_some(Ok(())),
        })?;
        let listeners = http1::get(admin, "/listeners?format=json").unwrap().body;
        let listeners: Value = serde_json::from_str(&listeners).unwrap();
        let address = &listeners["listener_statuses"][0]["local_address"]["socket_address"];
        let ip = address["address"].as_str().unwrap().parse().unwrap();
        let port = u16::try_from(address["port_value"].as_u64().unwrap()).unwrap();
        let listener = SocketAddr::new(ip, port);
        Ok(Self {
            process,
            admin,
            listener,
            dir,
        })
    }

    /// A new connection to the listener.
    pub fn connect(&self) -> Connection {
        Connection::open(self.listener).unwrap()
    }

    /// One GET on a connection of its own.
    pub fn get(&self, path: &str) -> Response {
        http1::get(self.listener, path).unwrap()
    }

    /// Where the listener is.
    pub fn address(&self) -> SocketAddr {
        self.listener
    }

    /// A page of the admin interface.
    pub fn admin(&self, path: &str) -> String {
        http1::get(self.admin, path).unwrap().body
    }

    /// Counters and gauges by name.
    pub fn stats(&self) -> BTreeMap<String, u64> {
        stats(self.admin).unwrap()
    }

    /// One of them; absent counts as 0, as it does for who scrapes them.
    pub fn stat(&self, name: &str) -> u64 {
        self.stats().get(name).copied().unwrap_or(0)
    }

    /// What it uses.
    pub fn meter(&self) -> Meter {
        Meter::of_envoy(&self.dir.join("envoy.yaml")).unwrap()
    }

    /// What Envoy has logged, the access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Replaces the filter's file, and does not wait.
    pub fn write(&self, filter: &Filter) {
        self.write_text(&filter.resource().to_string());
    }

    /// The same with any text.
    pub fn write_text(&self, text: &str) {
        replace(&self.dir.join("canary.yaml"), text.as_bytes()).unwrap();
    }

    /// Replaces the filter's file and waits until Envoy has looked at it.
    pub fn update(&self, filter: &Filter) {
        let attempts = "extension_config_discovery.http_filter.canary.update_attempt";
        let before = self.stat(attempts);
        self.write(filter);
        self.wait_for("the new file was read", |stats| {
            stats.get(attempts).is_some_and(|now| *now > before)
        });
    }

    /// Waits for what the statistics show.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&BTreeMap<String, u64>) -> bool) {
        eventually(what, || holds(&self.stats()).then_some(()));
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().filter(|line| !line.contains(" 200 ")).collect();
            eprintln!(
                "Envoy's last lines, without what went well:\n{}",
                lines[lines.len().saturating_sub(25)..].join("\n")
            );
        }
    }
}

/// Starts Envoy; the arguments are those that every use of it here has in common.
pub(crate) fn start(mut command: Command, log: &Path) -> io::Result<Process> {
    command.args([
        "--use-dynamic-base-id",
        "--log-level",
        "warning",
        "--component-log-level",
        "wasm:info",
    ]);
    Process::start("Envoy", &command, log)
}

pub(crate) fn ready(admin: SocketAddr) -> bool {
    http1::get(admin, "/ready").is_ok_and(|answer| answer.status == 200)
}

pub(crate) fn stats(admin: SocketAddr) -> io::Result<BTreeMap<String, u64>> {
    let page = http1::get(admin, "/stats")?.body;
    // Histograms and texts are no numbers; they stay out.
    Ok(page
        .lines()
        .filter_map(|line| line.rsplit_once(": "))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect())
}

/// Waits until there is a value; panics with `what` was not seen when it takes too long.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
