//! A running Color, and HTTP/1.1 by hand, because the tests check the bytes of the answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on a busy machine; whatever hangs fails the test.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary with these environment variables alone.
pub(crate) fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_color"));
    command.env_clear().envs(variables.iter().copied());
    command
}

/// A running Color, killed when the value is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The line that it printed at its start.
    pub(crate) line: String,
}

impl Running {
    pub(crate) fn start(color: &str) -> Self {
        Self::with(&[("COLOR", color), ("PORT", "0"), ("HOSTNAME", "test-host")])
    }

    /// One whose faults can be set.
    pub(crate) fn with_faults(color: &str) -> Self {
        Self::with(&[("COLOR", color), ("PORT", "0"), ("COLOR_FAULTS", "on")])
    }

    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut running = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            line: String::new(),
        };
        BufReader::new(stdout).read_line(&mut running.line).unwrap();
        let (_, port) = running.line.trim_end().rsplit_once(':').unwrap();
        running.address.set_port(port.parse().unwrap());
        running
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends one request on a connection of its own, with these lines after the first.
    pub(crate) fn ask(&self, request_line: &str, lines: &[&str]) -> Answer {
        let mut stream = self.connect();
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        write!(
            stream,
            "{request_line} HTTP/1.1\r\nhost: color\r\nconnection: close\r\n{lines}\r\n"
        )
        .unwrap();
        Answer::read_to_end(stream)
    }

    /// Sends a body with its length.
    pub(crate) fn send(&self, request_line: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{request_line} HTTP/1.1\r\nhost: color\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body).unwrap();
        Answer::read_to_end(stream)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until no new connection is accepted: the signal has arrived.
    pub(crate) fn refuses(&self) {
        wait_for("closed port", || TcpStream::connect(self.address).err());
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("exit", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "no {what} in {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An answer as received.
pub(crate) struct Answer {
    pub(crate) status: String,
    /// Lower-case names and values, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Reads until the server closes the connection.
    pub(crate) fn read_to_end(mut stream: TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().to_owned();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    /// The value of a header that occurs at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} twice");
        Some(&value.1)
    }

    /// Panics if the answer is incomplete.
    pub(crate) fn assert_page(&self) {
        assert_eq!(self.status, "HTTP/1.1 200 OK");
        let length = self.body.len().to_string();
        assert_eq!(self.header("content-length"), Some(length.as_str()));
        assert!(self.body.ends_with("</html>\n"), "{}", self.body);
    }
}
