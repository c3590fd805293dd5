//! Envoy Gateway as a process.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use harness::http1::{self, Connection, Response};
use harness::{Binary, Process, Scratch, eventually, root};
use launch::replace;
use serde_json::Value;

/// The script that runs Envoy Gateway, if it was built here.
pub(crate) fn built() -> Option<PathBuf> {
    let script = root().join("integration/envoy-gateway.sh");
    let built = Command::new(&script).arg("built").status().unwrap();
    if built.success() {
        return Some(script);
    }
    // Around the capture of output, so that it is seen.
    let _ = writeln!(
        io::stderr(),
        "skipped: Envoy Gateway was not built: run make test-envoy-gateway"
    );
    None
}

/// Envoy Gateway listens on ports that are always the same, so only one can run.
static ONLY: Mutex<()> = Mutex::new(());

/// A running Envoy Gateway with its Envoy.
pub(crate) struct Gateway {
    process: Process,
    dir: Scratch,
    listener: SocketAddr,
    _only: MutexGuard<'static, ()>,
}

impl Gateway {
    /// Starts it with these resources, and waits until its Envoy gives the answer that is meant.
    pub(crate) fn start(
        script: &Path,
        resources: &str,
        port: u16,
        meant: fn(&Response) -> bool,
    ) -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = Scratch::new();
        fs::create_dir(dir.join("resources")).unwrap();
        fs::write(dir.join("resources/all.yaml"), resources).unwrap();
        let mut command = Command::new(script);
        command.arg("serve").arg(dir.join(""));
        let process = Process::start("Envoy Gateway", &command, &dir.join("log")).unwrap();
        let mut gateway = Self {
            process,
            dir,
            listener: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            _only: only,
        };
        eventually("Envoy answers", || {
            if let Some(ended) = gateway.process.ended() {
                panic!("Envoy Gateway has ended:\n{}", ended.last_lines(20));
            }
            let answer = http1::get(gateway.listener, "/color").ok()?;
            meant(&answer).then_some(())
        });
        gateway
    }

    /// Replaces the resources.
    pub(crate) fn write(&self, resources: &str) {
        replace(&self.dir.join("resources/all.yaml"), resources.as_bytes()).unwrap();
    }

    /// A request on a connection of its own, with further header lines.
    pub(crate) fn get(&self, headers: &str) -> Response {
        let request = format!(
            "GET /color HTTP/1.1\r\nhost: color.test\r\nconnection: close\r\n{headers}\r\n"
        );
        let mut connection = Connection::open(self.listener).unwrap();
        connection.send(request.as_bytes()).unwrap()
    }

    /// A request with this user's cookie.
    pub(crate) fn of_user(&self, user: u32) -> Response {
        self.get(&format!("cookie: canary-id={user}\r\n"))
    }

    /// Waits until `canary status` says this of the newest configuration.
    pub(crate) fn says(&self, verdict: &str) {
        let runs = fs::read_dir(self.dir.join("run")).unwrap();
        let address = runs
            .map(|run| run.unwrap().path().join("admin-address.txt"))
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap();
        let command = Binary::Canary.find().unwrap();
        eventually(&format!("canary status says {verdict}"), || {
            let output = Command::new(&command)
                .args(["status", "--output", "json"])
                .arg(format!("http://{}", address.trim()))
                .output()
                .unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let plugin = &report["proxies"][0]["plugins"][0];
            let said = plugin["loaded"] == true && plugin["configuration"] == verdict;
            let code = if verdict == "accepted" { 0 } else { 1 };
            (said && output.status.code() == Some(code)).then_some(())
        });
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.process.log();
            let lines: Vec<_> = log.lines().filter(|line| !line.contains("info")).collect();
            eprintln!("{}", lines[lines.len().saturating_sub(25)..].join("\n"));
        }
    }
}
