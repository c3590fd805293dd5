//! The upstreams of Envoy.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use launch::{Binary, Process, start_color};

use crate::Scratch;
use crate::envoy::eventually;

/// An upstream in this process. The body of its answer is its name, followed by the request's head as received. Each
/// `x-answer` header of the request becomes a header line of the answer. With `x-status-` and the upstream's name a request
/// asks for a status, whatever the behaviour. With `x-hold-` and the name it says what its answer waits for, see
/// [`Echo::release`].
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the connections of an [`Echo`] share.
#[derive(Debug)]
struct Shared {
    name: &'static str,
    served: AtomicU64,
    behaviour: Mutex<Behaviour>,
    released: Mutex<BTreeSet<String>>,
    release: Condvar,
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
    /// It answers 200 with this `grpc-status` in the body, as gRPC-Web does.
    GrpcBody(u8),
    /// It answers 103, and then with this status.
    EarlyHints(u16),
    /// It answers 101 and closes the connection a moment later, whatever has come until then.
    Upgrade,
    /// It redirects to this path.
    Redirect(&'static str),
}

impl Echo {
    /// Listens on a free port for as long as the process lives.
    pub fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            name,
            served: AtomicU64::new(0),
            behaviour: Mutex::new(Behaviour::Good),
            released: Mutex::default(),
            release: Condvar::new(),
        });
        let for_connections = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&for_connections);
                // An error means that Envoy has closed the connection.
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Changes what it does from the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Lets the requests go on whose header `x-hold-` has this value, now and later.
    pub fn release(&self, hold: &str) {
        self.shared.released.lock().unwrap().insert(hold.to_owned());
        self.shared.release.notify_all();
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests that it has received.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        shared.served.fetch_add(1, Ordering::SeqCst);
        if let Some(hold) = values(&head, &format!("x-hold-{}", shared.name)).next() {
            let held = shared.released.lock().unwrap();
            let is_held = |released: &mut BTreeSet<String>| !released.contains(&hold);
            drop(shared.release.wait_while(held, is_held).unwrap());
        }
        let status = values(&head, &format!("x-status-{}", shared.name)).next();
        let behaviour = match status.and_then(|status| status.parse().ok()) {
            Some(status) => Behaviour::Status(status),
            None => *shared.behaviour.lock().unwrap(),
        };
        if !misbehave(behaviour, stream.get_mut())? {
            continue;
        }
        // The filter must replace this header by its own, or leave it alone.
        let mut answer = b"HTTP/1.1 200 OK\r\nx-canary-decision: upstream\r\n".to_vec();
        for header in values(&head, "x-answer") {
            write!(answer, "{header}\r\n")?;
        }
        let name = shared.name;
        write!(
            answer,
            "content-length: {}\r\n\r\n{name}\n",
            name.len() + 1 + head.len()
        )?;
        answer.extend_from_slice(&head);
        stream.get_mut().write_all(&answer)?;
    }
}

/// The values of a header of the request.
fn values<'h>(head: &'h [u8], name: &'h str) -> impl Iterator<Item = String> + 'h {
    let lines = head.split(|byte| *byte == b'\n').filter_map(move |line| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
        Some(value.strip_suffix(b"\r").unwrap_or(value))
    });
    lines.map(|value| String::from_utf8_lossy(value).into_owned())
}

/// Answers as this behaviour demands, or does what comes before the usual answer. Returns whether that has to follow. An
/// error ends the connection.
fn misbehave(behaviour: Behaviour, stream: &mut TcpStream) -> io::Result<bool> {
    let closed = || Err(io::ErrorKind::ConnectionAborted.into());
    let grpc = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n";
    match behaviour {
        Behaviour::Good => return Ok(true),
        Behaviour::Slow(time) => {
            thread::sleep(time);
            return Ok(true);
        }
        Behaviour::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n"
            )?;
        }
        Behaviour::EarlyHints(status) => write!(
            stream,
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n"
        )?,
        Behaviour::Hang => {
            thread::sleep(Duration::from_secs(60));
            return closed();
        }
        Behaviour::Close => return closed(),
        Behaviour::Cut => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"
            )?;
            // Envoy passes the first half on before it sees the end.
            thread::sleep(Duration::from_millis(20));
            return closed();
        }
        Behaviour::Upgrade => {
            write!(
                stream,
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
            )?;
            thread::sleep(Duration::from_millis(100));
            return closed();
        }
        Behaviour::Redirect(path) => write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: http://color.test{path}\r\ncontent-length: 0\r\n\r\n"
        )?,
        Behaviour::GrpcTrailer(status) => write!(
            stream,
            "{grpc}transfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: {status}\r\n\r\n"
        )?,
        Behaviour::GrpcHeader(status) => {
            write!(
                stream,
                "{grpc}grpc-status: {status}\r\ncontent-length: 0\r\n\r\n"
            )?;
        }
        Behaviour::GrpcBody(status) => {
            let trailers = format!("grpc-status:{status}\r\n");
            let length = u8::try_from(trailers.len()).unwrap();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: {}\r\n\r\n",
                5 + trailers.len()
            )?;
            // A frame with trailers has 0x80 before its length.
            stream.write_all(&[0x80, 0, 0, 0, length])?;
            stream.write_all(trailers.as_bytes())?;
        }
    }
    Ok(false)
}

/// The real demo service.
#[derive(Debug)]
pub struct Color {
    process: Process,
    address: SocketAddr,
    _dir: Scratch,
}

impl Color {
    /// Starts it on a free port, without faults.
    pub fn start(color: &str) -> Self {
        Self::with_faults(color, false)
    }

    /// Starts it on a free port, and allows `PUT /color/faults` or not.
    pub fn with_faults(color: &str, faults: bool) -> Self {
        let binary = Binary::Color
            .find()
            .unwrap_or_else(|missing| panic!("{missing}"));
        let dir = Scratch::new();
        let process = start_color(
            &binary,
            color,
            &format!("color-{color}-0"),
            0,
            faults,
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
