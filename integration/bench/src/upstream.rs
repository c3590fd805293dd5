//! The upstream, as cheap as possible.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A request with this header gets its answer as gRPC gives it: in chunks, with the status in the trailers.
pub(crate) const WANTS_GRPC: &str = "te: trailers\r\n";

/// Listens on a free port and answers every request with its name, for as long as this process lives.
pub(crate) fn start(name: &'static str) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error means that Envoy has closed the connection.
            thread::spawn(move || serve(name, stream));
        }
    });
    Ok(address)
}

fn serve(name: &str, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}",
        name.len()
    );
    let grpc = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{name}\r\n0\r\ngrpc-status: 0\r\n\r\n",
        name.len()
    );
    let mut buffer = [0; 16384];
    let mut filled = 0;
    loop {
        // Envoy sends one request without a body at a time and waits for the answer.
        filled += match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            read => read,
        };
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            let wanted = WANTS_GRPC.as_bytes();
            let is_grpc = buffer[..filled]
                .windows(wanted.len())
                .any(|part| part == wanted);
            let answer = if is_grpc { &grpc } else { &answer };
            stream.write_all(answer.as_bytes())?;
            filled = 0;
        }
    }
}
