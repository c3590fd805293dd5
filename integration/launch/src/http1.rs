//! HTTP/1.1 by hand, because the tests send requests that no library would send.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for an answer. Even a slow machine needs far less.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One connection, kept alive as long as both sides want it.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The address does not accept connections.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a GET, with a `host` header of its own.
    ///
    /// # Errors
    /// The connection broke before a complete answer, or the answer is malformed.
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
    /// The connection broke before a complete answer, or the answer is malformed.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Response> {
        self.begin(request)?;
        self.receive()
    }

    /// Sends these bytes and does not wait for an answer.
    ///
    /// # Errors
    /// The connection broke.
    pub fn begin(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(request)
    }

    /// Reads the next answer, which may be an interim one (1xx).
    ///
    /// # Errors
    /// The connection broke before a complete answer, or the answer is malformed.
    pub fn receive(&mut self) -> io::Result<Response> {
        Response::read(&mut self.0)
    }
}

/// One GET on a connection of its own.
///
/// # Errors
/// The connection broke before a complete answer, or the answer is malformed.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    Connection::open(address)?.get(path, &[("connection", b"close")])
}

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, values as received.
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
        // RFC 9112, 6.3: an answer with 1xx ends with its headers.
        if matches!(self.status, 100..200) {
            return Ok(body);
        }
        if self.header("transfer-encoding").is_some() {
            loop {
                let size = u64::from_str_radix(&line(from)?, 16).map_err(|_| malformed())?;
                read_bytes(from, size, &mut body)?;
                line(from)?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match self.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| malformed())?;
                read_bytes(from, length, &mut body)?;
            }
            None => {
                from.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }
}

/// Appends exactly `count` bytes. Memory grows with what arrives, not with what the header promises.
fn read_bytes(from: &mut impl BufRead, count: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let read = from.take(count).read_to_end(into)?;
    if u64::try_from(read).is_ok_and(|read| read == count) {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> io::Result<Response> {
        Response::read(&mut answer.as_bytes())
    }

    #[test]
    fn a_body_ends_by_its_length_by_its_chunks_or_with_the_connection() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblue, and the next answer",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nblu\r\n1\r\ne\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nblue",
        ] {
            let response = read(answer).unwrap();
            assert_eq!((response.status, response.body.as_str()), (200, "blue"));
        }
    }

    #[test]
    fn an_interim_answer_has_no_body() {
        let mut answers =
            &b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nblue"[..];
        for (status, body) in [(103, ""), (200, "blue")] {
            let response = Response::read(&mut answers).unwrap();
            assert_eq!((response.status, response.body.as_str()), (status, body));
        }
    }

    #[test]
    fn an_incomplete_or_malformed_answer_is_an_error() {
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nblue",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert!(read(answer).is_err(), "{answer}");
        }
    }
}
