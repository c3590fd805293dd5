//! The request that is explained.

use std::net::{IpAddr, SocketAddr};

use canary_filter::Lines;

use crate::commands::accepted::Unusable;

/// A request as it reaches the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`.
    pub method: String,
    /// `http` or `https`, as the proxy trusts it.
    pub scheme: String,
    /// The host, with its port if the client sends one.
    pub authority: Option<String>,
    /// The path with its query, as Envoy has normalized it.
    pub path: String,
    /// Names and values in their order; cookies are the header `cookie`.
    pub headers: Vec<(String, String)>,
    /// The client's address that the proxy trusts.
    pub source_ip: Option<IpAddr>,
}

impl HttpRequest {
    /// A `GET` by http for this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: None,
            path: path.into(),
            headers: Vec::new(),
            source_ip: None,
        }
    }

    /// Adds a header. `Host` is the authority, and a name with `:` in front is refused: there is an option for each.
    ///
    /// # Errors
    /// It is not `NAME=VALUE` or `NAME: VALUE`.
    pub fn add_header(&mut self, text: &str) -> Result<(), Unusable> {
        let unusable = || Unusable::new(format!("`{text}` is not a header: write NAME=VALUE"));
        // A name has neither of the two.
        let at = text.find([':', '=']).filter(|at| *at > 0);
        let (name, value) = at
            .and_then(|at| text.split_at_checked(at))
            .ok_or_else(unusable)?;
        let value = value.get(1..).unwrap_or_default();
        if !is_name(name) || value.contains(['\r', '\n', '\0']) {
            return Err(unusable());
        }
        self.set(name, value.trim());
        Ok(())
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        if name == "host" {
            self.authority = Some(value.to_owned());
        } else {
            self.headers.push((name, value.to_owned()));
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// Adds cookies, `a=1; b=2`, to the request's one `Cookie` header.
    pub fn add_cookie(&mut self, text: &str) {
        match self.headers.iter_mut().find(|(name, _)| name == "cookie") {
            Some((_, value)) => *value = format!("{value}; {text}"),
            None => self.headers.push(("cookie".to_owned(), text.to_owned())),
        }
    }

    /// The request as the filter reads it.
    pub fn lines(&self) -> Lines {
        let mut lines = vec![
            (":method", self.method.as_str()),
            (":scheme", self.scheme.as_str()),
            (":path", self.path.as_str()),
        ];
        lines.extend(
            self.authority
                .iter()
                .map(|host| (":authority", host.as_str())),
        );
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, value)| (name.as_str(), value.as_str())));
        let lines = Lines::new(&lines);
        match self.source_ip {
            Some(ip) => lines.from_address(SocketAddr::new(ip, 0).to_string()),
            None => lines,
        }
    }

    /// `GET http://shop.example.com/color`.
    pub(super) fn summary(&self) -> String {
        let authority = self
            .authority
            .as_deref()
            .map_or_else(String::new, |host| format!("{}://{host}", self.scheme));
        format!("{} {authority}{}", self.method, self.path)
    }
}

/// RFC 9110, 5.6.2: `token`.
pub(super) fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_in_both_ways_of_writing_them() {
        let mut request = HttpRequest::get("/");
        for text in ["X-A=1", "x-b: 2", "x-c=a:b=c", "Host: shop", "x-e="] {
            request.add_header(text).unwrap();
        }
        request.add_cookie("a=1");
        request.add_cookie("b=2; c=3");
        let wanted = [
            ("x-a", "1"),
            ("x-b", "2"),
            ("x-c", "a:b=c"),
            ("x-e", ""),
            ("cookie", "a=1; b=2; c=3"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(request.headers, wanted);
        assert_eq!(request.summary(), "GET http://shop/");
        for text in ["x-a", "=1", ":path=/", "x a=1", "x-a=1\n2", ""] {
            assert!(request.add_header(text).is_err(), "{text:?}");
        }
    }
}
