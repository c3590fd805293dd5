//! Maps a position in the text of a scalar to the bytes of the file that it was read from.
//!
//! YAML changes only white space (indentation, folding, line ends) and, between quotes, escape sequences. Without white
//! space, the text and its source are therefore the same sequence of characters. Pairing them one by one maps every token
//! of a JSON text, whether the scalar is a block, quoted or folded. If the characters do not pair up, nothing is mapped.

use std::ops::Range;

use granit_parser::ScalarStyle;

/// The characters of a scalar that are not white space: the position of each in the text, and its bytes in the file.
#[derive(Clone, Debug)]
pub(crate) struct Embedded {
    places: Vec<(usize, Range<usize>)>,
    style: ScalarStyle,
}

impl Embedded {
    /// `source` is the scalar as the file has it from byte `base` on, and `text` is its value. `None` if they do not pair up.
    pub(crate) fn new(text: &str, source: &str, base: usize, style: ScalarStyle) -> Option<Self> {
        let written: Vec<(char, Range<usize>)> = match style {
            ScalarStyle::DoubleQuoted => double_quoted(source)?,
            ScalarStyle::SingleQuoted => single_quoted(source)?,
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => source
                .char_indices()
                .map(|(at, c)| (c, at..at + c.len_utf8()))
                .collect(),
        };
        let mut written = written.into_iter().filter(|(c, _)| !is_space(*c));
        let mut places = Vec::new();
        for (at, c) in text.char_indices().filter(|(_, c)| !is_space(*c)) {
            let (same, bytes) = written.next()?;
            if same != c {
                return None;
            }
            places.push((at, base + bytes.start..base + bytes.end));
        }
        written.next().is_none().then_some(Self { places, style })
    }

    /// The bytes in the file of a token of the text. The token must not contain white space.
    pub(crate) fn bytes(&self, token: &Range<usize>) -> Option<Range<usize>> {
        let first = self
            .places
            .binary_search_by_key(&token.start, |(at, _)| *at)
            .ok()?;
        let last = self
            .places
            .partition_point(|(at, _)| *at < token.end)
            .checked_sub(1)?;
        Some(self.places.get(first)?.1.start..self.places.get(last.max(first))?.1.end)
    }

    /// The byte in the file for a position in the text, or for the first character after it that is not white space.
    pub(crate) fn near(&self, at: usize) -> Option<usize> {
        let next = self.places.partition_point(|(place, _)| *place < at);
        self.places
            .get(next)
            .or(self.places.last())
            .map(|(_, bytes)| bytes.start)
    }

    /// Escapes a piece of text, without line ends, for the style of the scalar.
    pub(crate) fn written(&self, piece: &str) -> String {
        match self.style {
            ScalarStyle::DoubleQuoted => piece.replace('\\', "\\\\").replace('"', "\\\""),
            ScalarStyle::SingleQuoted => piece.replace('\'', "''"),
            _ => piece.to_owned(),
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The characters between the quotes of `source`, with their positions in it.
fn between(source: &str, quote: char) -> Option<impl Iterator<Item = (usize, char)>> {
    let inside = source.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inside.char_indices().map(|(at, c)| (at + 1, c)))
}

fn single_quoted(source: &str) -> Option<Vec<(char, Range<usize>)>> {
    let mut chars = between(source, '\'')?;
    let mut written = Vec::new();
    while let Some((at, c)) = chars.next() {
        let end = if c == '\'' {
            chars.next()?.0 + 1
        } else {
            at + c.len_utf8()
        };
        written.push((c, at..end));
    }
    Some(written)
}

/// YAML 1.2.2, 5.7: the escape sequences.
fn double_quoted(source: &str) -> Option<Vec<(char, Range<usize>)>> {
    let mut chars = between(source, '"')?;
    let mut written = Vec::new();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            written.push((c, at..at + c.len_utf8()));
            continue;
        }
        let (escape_at, escape) = chars.next()?;
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                written.push((escaped(escape)?, at..escape_at + escape.len_utf8()));
                continue;
            }
        };
        let mut code = hexadecimal(&mut chars, digits)?;
        let mut end = escape_at + 1 + digits;
        if (0xd800..0xdc00).contains(&code) {
            // JSON writes a character beyond U+FFFF as a surrogate pair.
            let second = (chars.next()?.1, chars.next()?.1) == ('\\', 'u');
            let low = hexadecimal(&mut chars, 4)
                .filter(|low| second && (0xdc00..0xe000).contains(low))?;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            end += 6;
        }
        written.push((char::from_u32(code)?, at..end));
    }
    Some(written)
}

fn hexadecimal(chars: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0, |code: u32, _| {
        Some(code.checked_mul(16)? + chars.next()?.1.to_digit(16)?)
    })
}

fn escaped(escape: char) -> Option<char> {
    Some(match escape {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' | '\n' | '\r' => escape,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tree;

    /// The bytes of the file for the token `75` of a scalar.
    fn located(file: &str) -> Option<String> {
        let documents = tree::parse(file).unwrap();
        let value = documents[0].get("v").unwrap();
        let tree::Kind::Scalar { text, style } = &value.kind else {
            panic!("not a scalar")
        };
        let embedded = Embedded::new(text, &file[value.span.clone()], value.span.start, *style)?;
        let at = text.find("75").unwrap();
        Some(file[embedded.bytes(&(at..at + 2))?].to_owned())
    }

    #[test]
    fn a_token_is_found_in_every_style_of_scalar() {
        for (file, written) in [
            ("ä: ü\nv: |\n  {\n    \"ä\": 75}\n", "75"),
            ("v: |2- # {\r\n    {\r\n   \"ä\": 75}\r\n", "75"),
            ("v: |+\n\n\n  {\n\n   75\n\n\nw: 1\n", "75"),
            ("v: >\n  {\n  \"a\":\n     75,\n  \"b\": 1}\n", "75"),
            ("v: &a !!str '{\"it''s\": 75}'\n", "75"),
            ("v: '{\n\n  75}'\n", "75"),
            (r#"v: "{\n \"\u00e4\\\ud83d\ude00\/\": 75}""#, "75"),
            (r#"{"v": "{\"a\":\t75}"}"#, "75"),
            (r#"v: "\x37\u0035""#, r"\x37\u0035"),
            ("v: \"{7\\\n  5\"", "7\\\n  5"),
        ] {
            assert_eq!(located(file).as_deref(), Some(written), "{file}");
        }
    }

    #[test]
    fn a_text_that_does_not_pair_up_with_its_source_is_not_mapped() {
        for (text, source, style) in [
            ("ab", "ac", ScalarStyle::Literal),
            ("ab", "a", ScalarStyle::Literal),
            ("a", "ab", ScalarStyle::Literal),
            ("a", "a", ScalarStyle::DoubleQuoted),
            ("a", "\"\\q\"", ScalarStyle::DoubleQuoted),
            ("a", "\"\\ud83d\"", ScalarStyle::DoubleQuoted),
            ("a", "\"", ScalarStyle::DoubleQuoted),
            ("'", "'''", ScalarStyle::SingleQuoted),
        ] {
            assert!(Embedded::new(text, source, 0, style).is_none(), "{source}");
        }
    }
}
