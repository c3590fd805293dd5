//! `color health`: whether the service on this host answers. A container engine checks health by running a program, and
//! the image contains no other one.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Shorter than the usual 5 s of a container's health check, so that the reason is still printed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests `/healthz` on this port.
pub(crate) fn check(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut answer)?;
    if answer == *b"HTTP/1.1 200" {
        Ok(())
    } else {
        Err(io::Error::new(
            ErrorKind::InvalidData,
            "it does not answer 200",
        ))
    }
}
