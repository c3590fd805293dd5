//! What may be asked of an answer.

/// Whether a cache may give an answer with these `Cache-Control` lines to somebody else, who would get its cookie, too
/// (RFC 9111, 5.2.2: `public`, `s-maxage`).
pub fn is_shared<'v>(mut cache_control: impl Iterator<Item = &'v [u8]>) -> bool {
    cache_control.any(|line| {
        line.split(|b| *b == b',').any(|directive| {
            let name = directive
                .split(|b| *b == b'=')
                .next()
                .unwrap_or_default()
                .trim_ascii();
            name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_a_shared_cache_may_keep_is_known() {
        for (lines, shared) in [
            (&["public"][..], true),
            (&["max-age=60, Public"], true),
            (&["no-cache", "s-maxage=1"], true),
            (&["S-MaxAge = 1"], true),
            (&["private, max-age=60"], false),
            (&["max-age=60"], false),
            (&["x=\"public-ish\""], false),
            (&[], false),
        ] {
            let lines_of = lines.iter().map(|line| line.as_bytes());
            assert_eq!(is_shared(lines_of), shared, "{lines:?}");
        }
    }
}
