//! HTTP/2 with prior knowledge, by hand, because no library sends a path that is not text.
//!
//! One request per connection, header fields as literals without Huffman code (RFC 7541, 6.2.2).

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::hpack;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The largest frame that every peer accepts (RFC 9113, 4.2).
const FRAME: usize = 16_384;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response, read to its end.
    Response {
        /// The status code.
        status: u16,
        /// Names and values in order, without the status.
        headers: Vec<(String, String)>,
        /// The body as text.
        body: String,
    },
    /// The server refused the stream or the connection with this error code, where HTTP/1.1 would answer 400.
    Reset(u32),
    /// The server closed the connection before an answer, as Envoy does if the bytes are not HTTP/2.
    Closed,
}

/// Sends a GET, with `:authority` and `:scheme` of its own.
///
/// # Errors
/// The connection broke.
pub fn get(address: SocketAddr, path: &[u8], headers: &[(&str, &[u8])]) -> io::Result<Answer> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), *value))
        .collect();
    get_raw(address, path, &headers)
}

/// Sends a GET whose header names may be any bytes.
///
/// # Errors
/// The connection broke.
pub fn get_raw(address: SocketAddr, path: &[u8], headers: &[(&[u8], &[u8])]) -> io::Result<Answer> {
    let mut block = Vec::new();
    let pseudo: [(&[u8], &[u8]); 4] = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", b"color.test"),
        (b":path", path),
    ];
    for (name, value) in pseudo.iter().chain(headers) {
        block.push(0); // literal, not indexed, new name
        string(&mut block, name);
        string(&mut block, value);
    }

    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut request = PREFACE.to_vec();
    // SETTINGS_HEADER_TABLE_SIZE is 0: the dynamic table stays empty. SETTINGS_INITIAL_WINDOW_SIZE for the stream and
    // the WINDOW_UPDATE for the connection are so large that flow control never applies.
    frame(
        &mut request,
        SETTINGS,
        0,
        0,
        &[0, 1, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff],
    );
    frame(&mut request, WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]);
    let mut chunks = block.chunks(FRAME).peekable();
    let (mut kind, mut flags) = (HEADERS, END_STREAM);
    while let Some(chunk) = chunks.next() {
        flags |= if chunks.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        frame(&mut request, kind, flags, 1, chunk);
        (kind, flags) = (CONTINUATION, 0);
    }
    stream.write_all(&request)?;
    answer(&mut stream)
}

fn answer(stream: &mut (impl Read + Write)) -> io::Result<Answer> {
    let (mut response, mut body) = (None, Vec::new());
    loop {
        let mut head = [0; 9];
        match stream.read_exact(&mut head) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                return Ok(Answer::Closed);
            }
            other => other?,
        }
        let [l2, l1, l0, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, l2, l1, l0]) as usize];
        stream.read_exact(&mut payload)?;
        match kind {
            SETTINGS if flags & 1 == 0 => {
                let mut ack = Vec::new();
                frame(&mut ack, SETTINGS, 1, 0, &[]);
                stream.write_all(&ack)?;
            }
            RST_STREAM => return Ok(Answer::Reset(code(&payload, 0)?)),
            GOAWAY => return Ok(Answer::Reset(code(&payload, 4)?)),
            HEADERS if response.is_none() => response = Some(status_and_headers(&payload)?),
            DATA => body.extend_from_slice(&payload),
            _ => {}
        }
        if let (HEADERS | DATA, true) = (kind, flags & END_STREAM != 0)
            && let Some((status, headers)) = response.take()
        {
            let body = String::from_utf8_lossy(&body).into_owned();
            return Ok(Answer::Response {
                status,
                headers,
                body,
            });
        }
    }
}

/// `:status` is the first field of a response (RFC 9113, 8.3).
fn status_and_headers(block: &[u8]) -> io::Result<(u16, Vec<(String, String)>)> {
    let mut fields = hpack::fields(block)
        .filter(|fields| !fields.is_empty())
        .ok_or_else(malformed)?;
    let (_, status) = fields.remove(0);
    Ok((status.parse().map_err(|_| malformed())?, fields))
}

fn code(payload: &[u8], at: usize) -> io::Result<u32> {
    let code = payload
        .get(at..at + 4)
        .and_then(|code| code.try_into().ok())
        .ok_or_else(malformed)?;
    Ok(u32::from_be_bytes(code))
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a frame is short");
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A string literal: its length as an integer with a prefix of 7 bits, then its bytes (RFC 7541, 5.1 and 5.2).
fn string(out: &mut Vec<u8>, text: &[u8]) {
    match u8::try_from(text.len()) {
        Ok(short @ ..127) => out.push(short),
        _ => {
            out.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                out.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            out.push(rest as u8);
        }
    }
    out.extend_from_slice(text);
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "not an HTTP/2 answer")
}
