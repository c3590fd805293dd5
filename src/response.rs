//! What the filter reads from a response.

use crate::request::Line;

/// What a response says about the version that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A good response.
    Ok,
    /// A 5xx status, a gRPC status that corresponds to one, or a body that the upstream cut off.
    Error,
    /// A response that would be good, but took longer than the rule allows.
    Slow,
}

impl Class {
    /// Every class, each at the place of its number.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Slow];

    /// The class of a response by its status, and by the gRPC status if the headers have one, that is, if nothing follows
    /// them.
    pub fn of_headers(status: Option<&[u8]>, grpc_status: Option<&[u8]>, slow: bool) -> Self {
        if status.is_some_and(is_server_error) || grpc_status.is_some_and(is_grpc_error) {
            Self::Error
        } else if slow {
            Self::Slow
        } else {
            Self::Ok
        }
    }

    /// Whether the response counts against the version.
    pub fn is_bad(self) -> bool {
        self != Self::Ok
    }

    /// The label `class` of the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Slow => "slow",
        }
    }
}

fn is_server_error(status: &[u8]) -> bool {
    matches!(status, [b'5', _, _])
}

/// UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS. A server that has failed sends these, and not a server
/// that was asked for something impossible (gRPC, "Status codes and their use").
pub(crate) fn is_grpc_error(status: &[u8]) -> bool {
    matches!(status, b"2" | b"4" | b"13" | b"14" | b"15")
}

/// Whether Envoy's response code details are those of a response that the upstream began but did not finish: it reset the
/// stream or closed the connection, or the route's timeout expired meanwhile.
pub(crate) fn is_cut_off(code_details: &[u8]) -> bool {
    const DETAILS: [&[u8]; 3] = [
        b"upstream_reset_after_response_started",
        b"response_timeout",
        b"upstream_per_try_timeout",
    ];
    DETAILS
        .iter()
        .any(|details| code_details.starts_with(details))
}

/// Whether a cache may send a response with these headers, and so its cookie, to other users: they have `Cache-Control`
/// with `public` or `s-maxage` (RFC 9111, 5.2.2), or a `max-age` above 0 only for content delivery networks
/// (`CDN-Cache-Control`, RFC 9213; `Surrogate-Control`, Edge Architecture Specification).
pub(crate) fn is_shared(headers: &[Line]) -> bool {
    headers.iter().any(|(name, value)| {
        let mut directives = value.split(|b| *b == b',').map(directive);
        match name.as_str() {
            "cache-control" => directives.any(|(name, _)| {
                name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
            }),
            "cdn-cache-control" | "surrogate-control" => directives
                .any(|(name, value)| name.eq_ignore_ascii_case(b"max-age") && is_above_zero(value)),
            _ => false,
        }
    })
}

/// A directive's name, and its value without quotes.
fn directive(text: &[u8]) -> (&[u8], &[u8]) {
    let equals = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    let (name, value) = text.split_at_checked(equals).unwrap_or((text, b""));
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    (
        name.trim_ascii(),
        value.strip_prefix(b"\"").unwrap_or(value),
    )
}

/// The seconds come first. `Surrogate-Control` may add a `+` and the time for which a stale response may be used.
fn is_above_zero(seconds: &[u8]) -> bool {
    let mut digits = seconds.iter().take_while(|b| b.is_ascii_digit());
    digits.any(|digit| *digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_classified_by_its_status_and_its_time() {
        for (status, grpc_status, slow, class) in [
            (Some("200"), None, false, Class::Ok),
            (Some("200"), None, true, Class::Slow),
            (Some("101"), None, false, Class::Ok),
            (Some("404"), None, false, Class::Ok),
            (Some("429"), None, false, Class::Ok),
            (Some("500"), None, false, Class::Error),
            (Some("503"), None, true, Class::Error),
            (Some("599"), None, false, Class::Error),
            (Some("50"), None, false, Class::Ok),
            (Some("5000"), None, false, Class::Ok),
            (Some("200"), Some("0"), false, Class::Ok),
            (Some("200"), Some("5"), false, Class::Ok),
            (Some("200"), Some("14"), false, Class::Error),
            (None, None, false, Class::Ok),
        ] {
            let [status, grpc_status] = [status, grpc_status].map(|text| text.map(str::as_bytes));
            let found = Class::of_headers(status, grpc_status, slow);
            assert_eq!(found, class, "{status:?} {grpc_status:?} {slow}");
        }
        let errors: Vec<_> = (0..20)
            .filter(|code| is_grpc_error(code.to_string().as_bytes()))
            .collect();
        assert_eq!(errors, [2, 4, 13, 14, 15]);
        assert!(!is_grpc_error(b"") && !is_grpc_error(b"02") && !is_grpc_error(b"\xff"));
    }

    #[test]
    fn a_body_that_the_upstream_cut_off_is_recognized_by_its_details() {
        for (details, cut) in [
            (
                "upstream_reset_after_response_started{connection_termination}",
                true,
            ),
            ("response_timeout", true),
            ("downstream_remote_disconnect", false),
            ("via_upstream", false),
            ("", false),
        ] {
            assert_eq!(is_cut_off(details.as_bytes()), cut, "{details}");
        }
    }

    #[test]
    fn a_response_that_a_shared_cache_may_store_is_recognized() {
        for (headers, shared) in [
            (&[("cache-control", "public")][..], true),
            (&[("cache-control", "max-age=60, Public")], true),
            (
                &[
                    ("cache-control", "no-cache"),
                    ("cache-control", "s-maxage=1"),
                ],
                true,
            ),
            (&[("cache-control", "S-MaxAge = 1")], true),
            (&[("cache-control", "private, max-age=60")], false),
            (&[("cache-control", "max-age=60")], false),
            (&[("cache-control", "x=\"public-ish\"")], false),
            (&[("cdn-cache-control", "max-age=60")], true),
            (
                &[("cdn-cache-control", "no-store, Max-Age = \"060\"")],
                true,
            ),
            (&[("cdn-cache-control", "max-age=0")], false),
            (&[("cdn-cache-control", "max-age")], false),
            (&[("cdn-cache-control", "public")], false),
            (
                &[("surrogate-control", "max-age=3600+600, content=\"ESI/1.0\"")],
                true,
            ),
            (&[("surrogate-control", "max-age=00+600")], false),
            (&[("surrogate-control", "no-store")], false),
            (&[("x-cache-control", "public")], false),
            (&[], false),
        ] {
            let line =
                |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
            let lines: Vec<Line> = headers.iter().map(line).collect();
            assert_eq!(is_shared(&lines), shared, "{headers:?}");
        }
    }
}
