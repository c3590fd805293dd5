//! A client that keeps its cookies, as a browser does.

use std::io;
use std::net::SocketAddr;

use crate::http1::{Connection, Response};

/// One user of one host. The jar knows names and values: every cookie goes with every request, for as long as
/// the value lives.
#[derive(Clone, Debug)]
pub struct Browser {
    address: SocketAddr,
    jar: Vec<(String, String)>,
}

impl Browser {
    /// A browser that has been nowhere yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            jar: Vec::new(),
        }
    }

    /// The same user, whose host is somewhere else now.
    pub fn moved(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// One GET on a connection of its own, so that any worker may get it.
    ///
    /// # Errors
    /// No whole answer came.
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
