//! The upstreams of Envoy.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use launch::{Binary, Process, start_color};

use crate::Scratch;
use crate::envoy::eventually;

/// An upstream in this process. The body of its answer is its name, followed by the request's head as received. Each
/// `x-answer` header of the request becomes a header line of the answer.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    served: Arc<AtomicU64>,
    behaviour: Arc<Mutex<Behaviour>>,
}

/// What an upstream does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers 200.
    Good,
    /// It answers with this status.
    Status(u16),
    /// It answers 200 after this time.
    Slow(Duration),
    /// It does not answer, and keeps the connection open.
    Hang,
    /// It closes the connection instead of answering.
    Close,
    /// It closes the connection in the middle of the body.
    Cut,
    /// It answers 200 with this `grpc-status` in the trailers.
    GrpcTrailer(u8),
    /// It answers 200 with this `grpc-status` in the headers and no body.
    GrpcHeader(u8),
}

impl Echo {
    /// Listens on a free port for as long as the process lives.
    pub fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(AtomicU64::new(0));
        let behaviour = Arc::new(Mutex::new(Behaviour::Good));
        let (count, wanted) = (Arc::clone(&served), Arc::clone(&behaviour));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (count, wanted) = (Arc::clone(&count), Arc::clone(&wanted));
                // An error means that Envoy has closed the connection.
                thread::spawn(move || serve(name, stream, &count, &wanted));
            }
        });
        Self {
            address,
            served,
            behaviour,
        }
    }

    /// Changes what it does from the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests that it has answered.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::SeqCst)
    }
}

fn serve(
    name: &str,
    stream: TcpStream,
    served: &AtomicU64,
    behaviour: &Mutex<Behaviour>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        served.fetch_add(1, Ordering::SeqCst);
        let behaviour = *behaviour.lock().unwrap();
        misbehave(behaviour, stream.get_mut())?;
        if !matches!(behaviour, Behaviour::Good | Behaviour::Slow(_)) {
            continue;
        }
        // The filter must replace this header by its own, or leave it alone.
        let mut answer = b"HTTP/1.1 200 OK\r\nx-canary-decision: upstream\r\n".to_vec();
        for header in head
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.strip_prefix(b"x-answer: "))
        {
            answer.extend_from_slice(header);
            answer.push(b'\n');
        }
        write!(
            answer,
            "content-length: {}\r\n\r\n{name}\n",
            name.len() + 1 + head.len()
        )?;
        answer.extend_from_slice(&head);
        stream.get_mut().write_all(&answer)?;
    }
}

/// Answers as this behaviour demands, or waits before the usual answer. An error ends the connection.
fn misbehave(behaviour: Behaviour, stream: &mut TcpStream) -> io::Result<()> {
    let closed = || Err(io::ErrorKind::ConnectionAborted.into());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n";
    match behaviour {
        Behaviour::Good => Ok(()),
        Behaviour::Slow(time) => {
            thread::sleep(time);
            Ok(())
        }
        Behaviour::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n"
            )
        }
        Behaviour::Hang => {
            thread::sleep(Duration::from_secs(60));
            closed()
        }
        Behaviour::Close => closed(),
        Behaviour::Cut => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"
            )?;
            // Envoy passes the first half on before it sees the end.
            thread::sleep(Duration::from_millis(20));
            closed()
        }
        Behaviour::GrpcTrailer(status) => write!(
            stream,
            "{head}transfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: {status}\r\n\r\n"
        ),
        Behaviour::GrpcHeader(status) => {
            write!(
                stream,
                "{head}grpc-status: {status}\r\ncontent-length: 0\r\n\r\n"
            )
        }
    }
}

/// The real demo service.
#[derive(Debug)]
pub struct Color {
    process: Process,
    address: SocketAddr,
    _dir: Scratch,
}

impl Color {
    /// Starts it on a free port.
    pub fn start(color: &str) -> Self {
        let binary = Binary::Color
            .find()
            .unwrap_or_else(|missing| panic!("{missing}"));
        let dir = Scratch::new();
        let process = start_color(
            &binary,
            color,
            &format!("color-{color}-0"),
            0,
            &dir.join("color.log"),
        )
        .unwrap();
        let address = eventually("Color prints its address", || {
            let log = process.log();
            let (_, port) = log.lines().next()?.rsplit_once(':')?;
            Some(SocketAddr::from((
                Ipv4Addr::LOCALHOST,
                port.trim().parse().ok()?,
            )))
        });
        Self {
            process,
            address,
            _dir: dir,
        }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it has written.
    pub fn log(&self) -> String {
        self.process.log()
    }
}
