//! A real Envoy.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use launch::envoy::{ready, start, stats};
use launch::http1::{self, Connection, Response};
use launch::{Binary, Ended, Process, replace};
use serde_json::Value;

use crate::{Filter, Meter, Scratch, Setup};

/// The longest wait for anything here. Even a slow machine needs far less, so a longer wait is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: SocketAddr,
    listener: SocketAddr,
    dir: Scratch,
}

impl Envoy {
    /// Starts Envoy and waits until it is ready.
    pub fn start(setup: &Setup, blue: SocketAddr, green: SocketAddr) -> Self {
        Self::try_start(setup, blue, green)
            .unwrap_or_else(|ended| panic!("Envoy did not start: {}\n{}", ended.status, ended.log))
    }

    /// Starts an Envoy that may refuse to start.
    ///
    /// # Errors
    /// Envoy ended before it was ready.
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
        command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
        for (name, value) in setup.filter.process_environment() {
            command.env(name, value);
        }
        let mut process = start(command, &dir.join("envoy.log")).unwrap();

        let admin = admin_when_ready(&mut process, &dir.join("admin"))?;
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

    /// Sends one GET on a connection of its own.
    pub fn get(&self, path: &str) -> Response {
        http1::get(self.listener, path).unwrap()
    }

    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.listener
    }

    /// A file in the folder of the bootstrap.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The address of the admin interface.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// A page of the admin interface.
    pub fn admin(&self, path: &str) -> String {
        http1::get(self.admin, path).unwrap().body
    }

    /// Counters and gauges by name.
    pub fn stats(&self) -> BTreeMap<String, u64> {
        stats(self.admin).unwrap()
    }

    /// One counter or gauge; 0 if it does not exist.
    pub fn stat(&self, name: &str) -> u64 {
        self.stats().get(name).copied().unwrap_or(0)
    }

    /// Envoy's CPU time and memory.
    pub fn meter(&self) -> Meter {
        Meter::of_envoy(&self.dir.join("envoy.yaml")).unwrap()
    }

    /// Envoy's log, the access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Replaces the filter's file without waiting.
    pub fn write(&self, filter: &Filter) {
        self.write_text(&filter.resource().to_string());
    }

    /// Replaces the filter's file by any text, without waiting.
    pub fn write_text(&self, text: &str) {
        replace(&self.dir.join("canary.yaml"), text.as_bytes()).unwrap();
    }

    /// Replaces the filter's file and waits until Envoy has read it.
    pub fn update(&self, filter: &Filter) {
        let attempts = "extension_config_discovery.http_filter.canary.update_attempt";
        let before = self.stat(attempts);
        self.write(filter);
        self.wait_for("the new file was read", |stats| {
            stats.get(attempts).is_some_and(|now| *now > before)
        });
    }

    /// Waits until the statistics satisfy the condition.
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
                "Envoy's last lines, without successful requests:\n{}",
                lines[lines.len().saturating_sub(25)..].join("\n")
            );
        }
    }
}

/// Waits until Envoy is ready, and returns the address of its admin interface, which Envoy writes into `file`.
///
/// # Errors
/// Envoy ended before it was ready.
pub(crate) fn admin_when_ready(process: &mut Process, file: &Path) -> Result<SocketAddr, Ended> {
    eventually("Envoy is ready", || {
        if let Some(ended) = process.ended() {
            return Some(Err(ended));
        }
        let admin = fs::read_to_string(file).ok()?.trim().parse().ok()?;
        ready(admin).then_some(Ok(admin))
    })
}

/// Waits until `look` returns a value. Panics with `what` if that takes too long.
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
