//! The client: a closed loop over a few connections that are kept alive.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::upstream::WANTS_GRPC;

/// The number of requests in flight: enough that Envoy does not go to sleep between them.
const CONNECTIONS: usize = 8;

/// The number of rules that requests hit, evenly spread over the largest list, because real traffic uses few of many rules.
const RULES_HIT: usize = 100;

/// How often each upstream answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) blue: usize,
    pub(crate) green: usize,
}

impl Tally {
    pub(crate) fn requests(self) -> usize {
        self.blue + self.green
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.blue += other.blue;
        self.green += other.green;
    }
}

/// The connections to one listener.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    /// Whether it asks for gRPC answers.
    grpc: bool,
    /// The number of the next request; every variant gets the same ones.
    next: usize,
}

impl Load {
    pub(crate) fn open(listener: SocketAddr, grpc: bool) -> io::Result<Self> {
        let connections = (0..CONNECTIONS).map(|_| connect(listener));
        Ok(Self {
            connections: connections.collect::<io::Result<_>>()?,
            grpc,
            next: 0,
        })
    }

    /// Sends `requests` requests, rounded up to a multiple of the connections, and waits for all answers.
    pub(crate) fn send(&mut self, requests: usize) -> io::Result<Tally> {
        let mut tally = Tally::default();
        for _ in 0..requests.div_ceil(CONNECTIONS) {
            for connection in &mut self.connections {
                connection.write_all(request(self.next, self.grpc).as_bytes())?;
                self.next += 1;
            }
            for connection in &mut self.connections {
                if receive(connection)? {
                    tally.blue += 1;
                } else {
                    tally.green += 1;
                }
            }
        }
        Ok(tally)
    }
}

pub(crate) fn connect(listener: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(listener)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// A small version of a browser's request. It hits one rule of every list and comes from another user each time, for the
/// variants that are sticky.
pub(crate) fn request(number: usize, grpc: bool) -> String {
    let grpc = if grpc { WANTS_GRPC } else { "" };
    let rule = number % RULES_HIT * (10_000 / RULES_HIT) + number % RULES_HIT;
    format!(
        "GET /color/{rule:04}/page?n=1 HTTP/1.1\r\nhost: color.test\r\nuser-agent: bench\r\naccept: */*\r\n\
         x-user-id: user-{number:08}\r\ncookie: theme=dark; canary-id={number:032x}\r\n{grpc}\r\n"
    )
}

/// Whether blue answered. The body is the name of the upstream, and nothing follows it.
pub(crate) fn receive(connection: &mut TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let read = connection.read(&mut buffer[filled..])?;
        filled += read;
        let answer = &buffer[..filled];
        let whole = answer.starts_with(b"HTTP/1.1 200 ");
        match () {
            () if whole && ends_with_name(answer, "blue") => return Ok(true),
            () if whole && ends_with_name(answer, "green") => return Ok(false),
            () if read == 0 || answer.len() > 13 && !whole => {
                return Err(Error::other(format!(
                    "not the upstream's answer: {}",
                    String::from_utf8_lossy(answer)
                )));
            }
            () => {}
        }
    }
}

/// Whether this is the whole answer of the upstream of this name, with a length or in chunks.
fn ends_with_name(answer: &[u8], name: &str) -> bool {
    [
        format!("\r\n\r\n{name}"),
        format!("\r\n{name}\r\n0\r\n\r\n"),
    ]
    .iter()
    .any(|end| answer.ends_with(end.as_bytes()))
}
