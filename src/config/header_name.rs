//! Names of header fields: which ones exist, and which ones the filter may write.

use std::fmt;

use crate::config::invalid::InvalidConfig;

/// The longest name that is accepted.
const LONGEST: usize = 128;

/// Headers to which HTTP, Envoy or the mesh give a meaning. Writing one of them would break or hijack a request. A name
/// that ends in `-` stands for all names that begin with it.
pub(crate) const RESERVED: &[&str] = &[
    "accept",
    "accept-",
    "age",
    "alt-svc",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "connection",
    "content-",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "grpc-",
    "host",
    "http2-settings",
    "if-",
    "keep-alive",
    "last-modified",
    "location",
    "origin",
    "proxy-",
    "range",
    "referer",
    "sec-",
    "server",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
    "x-b3-",
    "x-envoy-",
    "x-forwarded-",
    "x-istio-",
    "x-ot-span-context",
    "x-real-ip",
    "x-request-id",
];

/// The lower-case name of a header field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeaderName(Box<str>);

impl HeaderName {
    /// A name that a rule may read. `host` becomes `:authority`, its name in HTTP/2 and Envoy.
    pub(crate) fn to_read(name: &str) -> Result<Self, InvalidConfig> {
        let token = name.strip_prefix(':').unwrap_or(name);
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "host" => Ok(Self(":authority".into())),
            _ if is_token(token) => Ok(Self(lower.into())),
            _ => Err(InvalidConfig::new("is not a valid header name")),
        }
    }

    /// A name that the filter may write.
    pub(crate) fn to_write(name: &str) -> Result<Self, InvalidConfig> {
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(':') {
            return Err(InvalidConfig::new(format!("`{name}` is a pseudo-header")));
        }
        if !is_token(&lower) || lower.len() > LONGEST {
            return Err(InvalidConfig::new(format!(
                "`{name}` is not a valid header name"
            )));
        }
        if RESERVED
            .iter()
            .any(|reserved| matches_reserved(&lower, reserved))
        {
            return Err(InvalidConfig::new(format!(
                "`{name}` is reserved: HTTP or the proxy needs it"
            )));
        }
        Ok(Self(lower.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 9110, 5.6.2: `token`.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn matches_reserved(name: &str, reserved: &str) -> bool {
    name == reserved || (reserved.ends_with('-') && name.starts_with(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_http_or_envoy_needs_are_never_written() {
        for name in [
            "host",
            "Host",
            "cookie",
            "Content-Length",
            "connection",
            "transfer-encoding",
            "authorization",
            "set-cookie",
            "x-forwarded-for",
            "X-Envoy-Retry-On",
            "te",
            "upgrade",
            "proxy-authorization",
            ":path",
            ":authority",
            "",
            "a b",
            "a:b",
            "ä",
            "a\r\nb",
            "x\0",
        ] {
            assert!(HeaderName::to_write(name).is_err(), "{name:?}");
        }
        assert!(HeaderName::to_write(&"x".repeat(LONGEST + 1)).is_err());
        for name in [
            "x-canary-cluster",
            "X-Canary-Subset",
            "canary",
            "hosts",
            "acceptable",
        ] {
            assert_eq!(
                HeaderName::to_write(name).map(|n| n.to_string()),
                Ok(name.to_lowercase())
            );
        }
    }

    #[test]
    fn rules_may_read_any_header_and_pseudo_header() {
        for (name, asked) in [
            ("X-User", "x-user"),
            (":Path", ":path"),
            ("Host", ":authority"),
            ("cookie", "cookie"),
        ] {
            assert_eq!(HeaderName::to_read(name).unwrap().as_str(), asked);
        }
        for name in ["", ":", "a b", "::path", "x\n", "é"] {
            assert!(HeaderName::to_read(name).is_err(), "{name:?}");
        }
    }
}
