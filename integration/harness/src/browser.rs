//! A client that keeps its cookies, as a browser does.

use std::io;
use std::net::SocketAddr;

use launch::http1::{Connection, Response};

/// One user of one host. The jar holds names and values only: it sends every cookie with every request, for as long as
/// the browser lives.
#[derive(Clone, Debug)]
pub struct Browser {
    address: SocketAddr,
    jar: Vec<(String, String)>,
}

impl Browser {
    /// A browser without cookies.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            jar: Vec::new(),
        }
    }

    /// Sends the next requests of the same user to another address.
    pub fn moved(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Sends one GET on a connection of its own, so that any worker may accept it.
    ///
    /// # Errors
    /// The connection broke before a complete answer.
    pub fn get(&mut self, path: &str) -> io::Result<Response> {
        let cookies = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let close: (&str, &[u8]) = ("connection", b"close");
        let headers = [close, ("cookie", cookies.as_bytes())];
        let headers = if cookies.is_empty() {
            &headers[..1]
        } else {
            &headers
        };
        let response = Connection::open(self.address)?.get(path, headers)?;
        for cookie in response.values("set-cookie") {
            self.keep(cookie);
        }
        Ok(response)
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar
            .iter()
            .find(|(cookie, _)| cookie == name)
            .map(|(_, value)| value.as_str())
    }

    fn keep(&mut self, set_cookie: &str) {
        let pair = set_cookie.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        self.jar.retain(|(cookie, _)| cookie != name);
        self.jar.push((name.to_owned(), value.to_owned()));
    }
}
