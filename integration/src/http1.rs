//! HTTP/1.1 by hand: the tests send what no library would.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer of these tests takes longer, on however slow a machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One connection, kept alive as long as both sides want.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// A GET. A `host` is added.
    ///
    /// # Errors
    /// No whole answer came.
    pub fn get(
        &mut self,
        path: impl AsRef<[u8]>,
        headers: &[(&str, &[u8])],
    ) -> io::Result<Response> {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(path.as_ref());
        request.extend_from_slice(b" HTTP/1.1\r\nhost: color.test\r\n");
        for (name, value) in headers {
            request.extend_from_slice(name.as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        self.send(&request)
    }

    /// Sends these bytes and reads one answer.
    ///
    /// # Errors
    /// No whole answer came.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Response> {
        self.0.get_mut().write_all(request)?;
        Response::read(&mut self.0)
    }
}

/// One GET on a connection of its own.
///
/// # Errors
/// No whole answer came.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    Connection::open(address)?.get(path, &[("connection", b"close")])
}

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, values as they came.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a header, in order.
    pub fn values<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers
            .iter()
            .filter(move |(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let status = line(from)?;
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(malformed)?;
        let mut headers = Vec::new();
        loop {
            let line = line(from)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Self {
            status,
            headers,
            body: String::new(),
        };
        response.body = String::from_utf8_lossy(&response.read_body(from)?).into_owned();
        Ok(response)
    }

    fn read_body(&self, from: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(&line(from)?, 16).map_err(|_| malformed())?;
                let start = body.len();
                body.resize(start + size, 0);
                from.read_exact(&mut body[start..])?;
                line(from)?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match self.header("content-length") {
            Some(length) => {
                body.resize(length.parse().map_err(|_| malformed())?, 0);
                from.read_exact(&mut body)?;
            }
            None => {
                from.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line)
        .trim_end_matches('\r')
        .to_owned())
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "not an HTTP/1.1 answer")
}
