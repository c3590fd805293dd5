//! Requests, and where they go.

use std::net::SocketAddr;
use std::{fmt, io};

use harness::http1::Connection;
use harness::http2::{self, Answer};

/// A request without a body.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: Vec<u8>,
    pub(crate) authority: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) http2: bool,
}

/// The number of the rule that decides a request; `None` if no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) envoy: Option<usize>,
    pub(crate) filter: Option<usize>,
}

/// A client of one listener.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Request {
    pub(crate) fn get(path: impl AsRef<[u8]>) -> Self {
        Self {
            method: "GET".to_owned(),
            path: path.as_ref().to_vec(),
            authority: b"color.test".to_vec(),
            headers: Vec::new(),
            http2: false,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    fn http1(&self) -> Vec<u8> {
        let start = [self.method.as_bytes(), b" ", &self.path, b" HTTP/1.1\r\n"].concat();
        let host = [b"host: ", &self.authority[..], b"\r\n"].concat();
        let line = |(name, value): &(String, Vec<u8>)| {
            [name.as_bytes(), b": ", value.as_slice(), b"\r\n"].concat()
        };
        let lines: Vec<u8> = self.headers.iter().flat_map(line).collect();
        [start, host, lines, b"\r\n".to_vec()].concat()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    /// Returns `None` if Envoy refuses the request before any route or filter sees it.
    pub(crate) fn ask(&mut self, request: &Request) -> Option<Verdict> {
        let (status, body) = if request.http2 {
            self.ask_http2(request)?
        } else {
            self.ask_http1(request)?
        };
        match status {
            200 => Some(Verdict::read(&body)),
            // Bad request, path too long, headers too large.
            400 | 414 | 431 => None,
            status => panic!("status {status} for {request:?}"),
        }
    }

    fn ask_http2(&self, request: &Request) -> Option<(u16, String)> {
        let headers: Vec<(String, &[u8])> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), &value[..]))
            .collect();
        let headers: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (&name[..], *value))
            .collect();
        match http2::get(self.address, &request.path, &headers).unwrap() {
            Answer::Response { status, body, .. } => Some((status, body)),
            Answer::Reset(_) | Answer::Closed => None,
        }
    }

    fn ask_http1(&mut self, request: &Request) -> Option<(u16, String)> {
        let bytes = request.http1();
        // Only the next use shows that Envoy has closed the connection after an earlier request.
        let reused = self
            .connection
            .take()
            .and_then(|connection| send(connection, &bytes).ok());
        let (connection, status, body) = match reused {
            Some(answer) => answer,
            None => send(Connection::open(self.address).unwrap(), &bytes).unwrap(),
        };
        self.connection = connection;
        Some((status, body))
    }
}

fn send(mut connection: Connection, bytes: &[u8]) -> io::Result<(Option<Connection>, u16, String)> {
    let response = connection.send(bytes)?;
    let stays = response.header("connection") != Some("close");
    Ok((stays.then_some(connection), response.status, response.body))
}

impl Verdict {
    fn read(body: &str) -> Self {
        let (envoy, filter) = body
            .trim()
            .split_once(' ')
            .unwrap_or_else(|| panic!("{body:?}"));
        Self {
            envoy: envoy.parse().ok(),
            filter: filter.parse().ok(),
        }
    }

    pub(crate) fn agree(self) -> bool {
        self.envoy == self.filter
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.http2 { "HTTP/2" } else { "HTTP/1.1" };
        write!(f, "{} {} {version}", self.method, text(&self.path))?;
        write!(f, ", host: {}", text(&self.authority))?;
        self.headers
            .iter()
            .try_for_each(|(name, value)| write!(f, ", {name}: {}", text(value)))
    }
}

/// A readable form, complete if the request is short.
fn text(bytes: &[u8]) -> String {
    match bytes.get(..200) {
        Some(start) if bytes.len() > 220 => {
            format!("{}… ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => bytes.escape_ascii().to_string(),
    }
}
