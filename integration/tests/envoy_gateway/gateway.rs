//! Envoy Gateway as a process, and the server from which it fetches the module.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use harness::http1::{self, Connection, Response};
use harness::{Binary, Process, Scratch, eventually, root};
use launch::replace;

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

/// A running Envoy Gateway with its Envoy.
pub(crate) struct Gateway {
    process: Process,
    dir: Scratch,
    listener: SocketAddr,
}

impl Gateway {
    /// Starts it with these resources, and waits until its Envoy answers with this status.
    pub(crate) fn start(script: &Path, resources: &str, port: u16, status: u16) -> Self {
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
        };
        eventually("Envoy answers", || {
            if let Some(ended) = gateway.process.ended() {
                panic!("Envoy Gateway has ended:\n{}", ended.last_lines(20));
            }
            let answer = http1::get(gateway.listener, "/color").ok()?;
            (answer.status == status).then_some(())
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

    /// Whether Envoy's gauge shows that the newest configuration is refused.
    pub(crate) fn refused(&self) -> bool {
        let runs = fs::read_dir(self.dir.join("run")).unwrap();
        let address = runs
            .map(|run| run.unwrap().path().join("admin-address.txt"))
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap();
        let stats = launch::envoy::stats(address.trim().parse().unwrap()).unwrap();
        let gauge =
            |(name, value): (&String, &u64)| name.contains("canary_config_refused") && *value == 1;
        stats.iter().any(gauge)
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

/// An HTTP server that answers every request with the module.
pub(crate) struct Modules {
    pub(crate) address: SocketAddr,
    checksum: String,
}

impl Modules {
    pub(crate) fn serve() -> Self {
        let file = Binary::Plugin
            .find()
            .unwrap_or_else(|missing| panic!("{missing}"));
        let module = fs::read(&file).unwrap();
        let checksum = Command::new("sha256sum").arg(&file).output().unwrap();
        let checksum = String::from_utf8(checksum.stdout).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let head = BufReader::new(&stream).lines().map_while(Result::ok);
                let _ = head.take_while(|line| !line.is_empty()).count();
                let length = module.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/wasm\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(&module);
            }
        });
        Self { address, checksum }
    }

    /// The module's SHA-256.
    pub(crate) fn checksum(&self) -> &str {
        self.checksum.split_whitespace().next().unwrap()
    }
}
