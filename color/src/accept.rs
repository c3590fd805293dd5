//! Which form of the answer a request prefers (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

/// The two forms of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Page,
    Json,
}

impl Form {
    /// JSON if the request prefers it, otherwise the page. The page is also the answer if the request has no preference
    /// (`*/*`) and if it accepts neither, because an unwanted page shows more than a 406.
    ///
    /// At equal quality, a range that names the type wins over a wildcard, so the `application/json, text/plain, */*` of
    /// common JavaScript clients means JSON.
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let ranges: Vec<Range> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(Range::parse)
            .collect();
        if preference(&ranges, "application", "json") > preference(&ranges, "text", "html") {
            Self::Json
        } else {
            Self::Page
        }
    }
}

/// One element of the list. Parameters other than the quality are ignored, because they do not apply to the two forms.
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    quality: f32,
}

impl<'a> Range<'a> {
    /// `None` if the text is not a media range; the rest of the list still counts.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let mut quality = 1.0;
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                quality = value.parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
            }
        }
        Some(Self { main, sub, quality })
    }

    /// How specific this range is for the type; `None` if it does not contain the type.
    fn specificity(&self, main: &str, sub: &str) -> Option<u8> {
        if (self.main, self.sub) == ("*", "*") {
            Some(0)
        } else if !self.main.eq_ignore_ascii_case(main) {
            None
        } else if self.sub == "*" {
            Some(1)
        } else {
            self.sub.eq_ignore_ascii_case(sub).then_some(2)
        }
    }
}

/// Quality and specificity of the most specific range that contains the type; `None` if no range does, or if that one
/// refuses the type.
fn preference(ranges: &[Range<'_>], main: &str, sub: &str) -> Option<(f32, u8)> {
    ranges
        .iter()
        .filter_map(|range| Some((range.specificity(main, sub)?, range.quality)))
        .reduce(|narrowest, other| if other > narrowest { other } else { narrowest })
        .filter(|(_, quality)| *quality > 0.0)
        .map(|(specificity, quality)| (quality, specificity))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn preferred(lines: &[&[u8]]) -> Form {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_bytes(line).unwrap());
        }
        Form::preferred(&headers)
    }

    #[test]
    fn json_is_the_answer_only_where_it_is_preferred() {
        use Form::{Json, Page};
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
            image/webp,*/*;q=0.8";
        let cases = [
            ("", Page),
            ("*/*", Page),
            (browser, Page),
            ("text/html", Page),
            ("application/json", Json),
            ("Application/JSON", Json),
            ("application/json; charset=utf-8", Json),
            ("application/json, text/plain, */*", Json),
            ("application/*", Json),
            ("application/*, */*", Json),
            ("text/*, application/json", Json),
            ("application/json, text/html", Page),
            ("application/json;q=0.9, text/html;q=0.8", Json),
            ("application/json;q=0.8, text/html;q=0.9", Page),
            ("application/json ; q=0.2 , */* ; q=0.1", Json),
            ("application/json;q=0.1, */*", Page),
            ("application/json;q=0", Page),
            ("application/json;q=0, */*", Page),
            ("application/json;Q=0, application/*", Page),
            ("text/html;q=0, */*", Json),
            ("application/json;q=2, text/html;q=0.1", Page),
            ("application/json;q=nan", Page),
            ("application/json;q=", Page),
            ("application/jsonp", Page),
            ("application/vnd.api+json", Page),
            ("json", Page),
            (",;,/,=;q=1,application/json", Json),
        ];
        for (accept, form) in cases {
            assert_eq!(preferred(&[accept.as_bytes()]), form, "{accept:?}");
        }
    }

    #[test]
    fn no_preference_means_the_page() {
        assert_eq!(preferred(&[]), Form::Page);
    }

    #[test]
    fn several_lines_are_one_list_and_a_line_that_is_not_text_is_ignored() {
        assert_eq!(
            preferred(&[b"text/html;q=0.5", b"application/json"]),
            Form::Json
        );
        assert_eq!(preferred(&[b"\xff", b"application/json"]), Form::Json);
    }

    proptest! {
        #[test]
        fn any_header_has_an_answer(line in "[a-z*/;=,. q01-]{0,60}") {
            preferred(&[line.as_bytes()]);
        }
    }
}
