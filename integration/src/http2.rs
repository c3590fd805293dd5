//! HTTP/2 with prior knowledge, by hand: no library sends a path that is not text.
//!
//! One request per connection, header fields as literals without Huffman code (RFC 7541, 6.2.2), and of
//! the answer only the status and the body are read.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Largest frame that nobody has to announce (RFC 9113, 4.2).
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

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response, read to its end.
    Response {
        /// The status code.
        status: u16,
        /// The body as text.
        body: String,
    },
    /// The stream or the connection was refused, with this error code: HTTP/2's way to say 400.
    Reset(u32),
    /// The connection was closed before an answer, as Envoy does where the request is no HTTP/2 at all.
    Closed,
}

/// A GET. `:authority` and `:scheme` are added.
///
/// # Errors
/// The connection broke.
pub fn get(address: SocketAddr, path: &[u8], headers: &[(&str, &[u8])]) -> io::Result<Answer> {
    let mut block = Vec::new();
    let pseudo: [(&str, &[u8]); 4] =
        [(":method", b"GET"), (":scheme", b"http"), (":authority", b"color.test"), (":path", path)];
    for (name, value) in pseudo.iter().chain(headers) {
        block.push(0); // literal, not indexed, new name
        string(&mut block, name.as_bytes());
        string(&mut block, value);
    }

    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut request = PREFACE.to_vec();
    // No flow control: SETTINGS_INITIAL_WINDOW_SIZE for the stream, an update for the connection.
    frame(&mut request, SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
    frame(&mut request, WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]);
    let mut chunks = block.chunks(FRAME).peekable();
    let (mut kind, mut flags) = (HEADERS, END_STREAM);
    while let Some(chunk) = chunks.next() {
        flags |= if chunks.peek().is_none() { END_HEADERS } else { 0 };
        frame(&mut request, kind, flags, 1, chunk);
        (kind, flags) = (CONTINUATION, 0);
    }
    stream.write_all(&request)?;
    answer(&mut stream)
}

fn answer(stream: &mut (impl Read + Write)) -> io::Result<Answer> {
    let (mut status, mut body) = (None, Vec::new());
    loop {
        let mut head = [0; 9];
        match stream.read_exact(&mut head) {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
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
            HEADERS if status.is_none() => status = Some(status_of(&payload)?),
            DATA => body.extend_from_slice(&payload),
            _ => {}
        }
        if let (HEADERS | DATA, true, Some(status)) = (kind, flags & END_STREAM != 0, status) {
            return Ok(Answer::Response { status, body: String::from_utf8_lossy(&body).into_owned() });
        }
    }
}

fn code(payload: &[u8], at: usize) -> io::Result<u32> {
    let code = payload.get(at..at + 4).and_then(|code| code.try_into().ok()).ok_or_else(malformed)?;
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

/// `:status` is the first field of a response (RFC 9113, 8.3).
fn status_of(block: &[u8]) -> io::Result<u16> {
    // Before it there may be changes of the table's size (RFC 7541, 6.3).
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20).ok_or_else(malformed)?;
    match &block[start..] {
        // The static table's entries 8 to 14.
        [indexed @ 0x88..=0x8e, ..] => Ok([200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)]),
        // Literals with the static table's name 8.
        [0x48 | 0x08 | 0x18, length, value @ ..] => {
            let value = value.get(..usize::from(length & 0x7f)).ok_or_else(malformed)?;
            let digits = if length & 0x80 == 0 { value.to_vec() } else { huffman_digits(value) };
            String::from_utf8_lossy(&digits).parse().map_err(|_| malformed())
        }
        _ => Err(malformed()),
    }
}

/// Three digits in the code of RFC 7541, appendix B: 0, 1, 2 have 5 bits, the others 6.
fn huffman_digits(bytes: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let number = |bits: &[u8]| bits.iter().fold(0, |number, bit| number << 1 | bit);
    let (mut digits, mut at) = (Vec::new(), 0);
    while digits.len() < 3 && at + 5 <= bits.len() {
        let short = number(&bits[at..at + 5]);
        if short < 3 {
            digits.push(b'0' + short);
            at += 5;
        } else {
            let long = number(&bits[at..(at + 6).min(bits.len())]);
            digits.push(b'3'.wrapping_add(long.wrapping_sub(0b01_1001)));
            at += 6;
        }
    }
    digits
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "not an HTTP/2 answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_in_each_of_its_forms() {
        let cases: [(&[u8], u16); 5] = [
            (&[0x88, 0x61], 200),
            (&[0x20, 0x8d], 404),
            (&[0x48, 3, b'5', b'0', b'3', 0x61], 503),
            (&[0x48, 0x82, 0x64, 0x02], 302),       // RFC 7541, C.6.1
            (&[0x48, 0x83, 0x64, 0x0e, 0xff], 307), // RFC 7541, C.6.2
        ];
        for (block, status) in cases {
            assert_eq!(status_of(block).unwrap(), status, "{block:x?}");
        }
    }
}
