//! What may be asked of an answer.

use crate::request::Line;

/// Whether a cache may give an answer with these headers to somebody else, who would get its cookie, too: `Cache-Control`
/// with `public` or `s-maxage` (RFC 9111, 5.2.2), or a `max-age` above 0 for content delivery networks alone
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

/// The seconds stand first; `Surrogate-Control` may add a `+` and how long a stale answer may be used.
fn is_above_zero(seconds: &[u8]) -> bool {
    let mut digits = seconds.iter().take_while(|b| b.is_ascii_digit());
    digits.any(|digit| *digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_a_shared_cache_may_keep_is_known() {
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
