//! The colour: a text from the environment that ends up in a header, in HTML and in CSS.
//!
//! Hostile text breaks out of each of the three in a different way, so each gets a form of its own.

/// The longest text, in characters. CSS colours are shorter. Browsers drop cookies of more than 4 KiB, and proxies refuse
/// answers with large headers.
const MAX_LENGTH: usize = 128;

/// The background for a text that is not a colour.
pub(crate) const NEUTRAL: &str = "slategray";

/// A colour's text, limited in length and otherwise as given.
pub(crate) struct Color(String);

impl Color {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().take(MAX_LENGTH).collect())
    }

    /// The text as given: for JSON, and for HTML after escaping.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The text if it may stand as a CSS value in an HTML attribute, otherwise [`NEUTRAL`].
    ///
    /// The allowed characters are those of CSS colours (`#0af`, `rgb(0 0 255 / 50%)`, `hsl(120, 100%, 25%)`). None of them
    /// ends a declaration, a string or the attribute, or starts a comment. The browser decides whether it is a colour.
    pub(crate) fn css(&self) -> &str {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"#()%,. -/".contains(&byte);
        if !self.0.is_empty() && self.0.bytes().all(safe) {
            &self.0
        } else {
            NEUTRAL
        }
    }

    /// The text as a cookie's value. Characters that RFC 6265 (section 4.1.1, `cookie-octet`) does not allow are
    /// percent-encoded, and so is `%`, so that `decodeURIComponent` returns the text.
    pub(crate) fn cookie_value(&self) -> String {
        percent_encoded(&self.0, |byte| {
            byte.is_ascii_graphic() && !b"\",;\\%".contains(&byte)
        })
    }

    /// [`Self::css`] as a part of a URL.
    pub(crate) fn url_component(&self) -> String {
        percent_encoded(self.css(), |byte| byte.is_ascii_alphanumeric())
    }
}

fn percent_encoded(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if kept(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_colour_is_its_own_css_and_other_text_is_neutral() {
        let cases = [
            ("blue", "blue"),
            ("#0af", "#0af"),
            ("rgb(0 0 255 / 50%)", "rgb(0 0 255 / 50%)"),
            ("hsl(120, 100%, 25.5%)", "hsl(120, 100%, 25.5%)"),
            ("", NEUTRAL),
            ("red;color:blue", NEUTRAL),
            ("red}", NEUTRAL),
            ("red/*", NEUTRAL),
            ("\"><script>", NEUTRAL),
            ("r\\65 d", NEUTRAL),
            ("red\r\nx: y", NEUTRAL),
            ("błękit", NEUTRAL),
        ];
        for (text, css) in cases {
            assert_eq!(Color::new(text).css(), css, "{text:?}");
        }
    }

    #[test]
    fn a_cookie_value_encodes_characters_that_cookies_do_not_allow() {
        let cases = [
            ("blue", "blue"),
            ("#0af", "#0af"),
            ("rgb(1,2,3)", "rgb(1%2C2%2C3)"),
            ("50%", "50%25"),
            ("a b", "a%20b"),
            ("\"><script>", "%22><script>"),
            ("red; path=/x", "red%3B%20path=/x"),
            ("red\r\nx: y", "red%0D%0Ax:%20y"),
            ("ż", "%C5%BC"),
        ];
        for (text, value) in cases {
            assert_eq!(Color::new(text).cookie_value(), value, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Color::new(&"ż".repeat(1000)).text(), "ż".repeat(128));
    }

    fn decoded(value: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = value.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn a_cookie_value_has_only_cookie_octets_and_decodes_to_the_text(text in "(?s).{0,128}") {
            let value = Color::new(&text).cookie_value();
            for byte in value.bytes() {
                prop_assert!(
                    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e),
                    "{value:?}"
                );
            }
            prop_assert_eq!(decoded(&value), text);
        }

        #[test]
        fn css_never_leaves_its_declaration_or_attribute(
            text in "(?s).{0,128}|[a-z#(),;:{}/* \\\\'\"-]{0,20}",
        ) {
            let color = Color::new(&text);
            let leaves = ['"', '\'', '<', '>', '&', ';', ':', '{', '}', '\\', '*', '\r', '\n'];
            let left = color.css().contains(leaves);
            prop_assert!(!left, "{}", color.css());
            let component = color.url_component();
            let plain = component.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%');
            prop_assert!(plain, "{component}");
        }
    }
}
