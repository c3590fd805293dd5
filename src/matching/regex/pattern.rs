//! What a pattern comes to, for programs that advise the author of a configuration.
//!
//! The answers hold for every value that HTTP allows: none has a line end or a zero byte (RFC 9110, 5.5), and a path ends
//! before a `?` or `#` and begins with `/`, unless it is the `*` of OPTIONS (RFC 9112, 3.2).

use super::Regex;
use super::ast::Look;
use super::byte_set::{ByteSet, is_word};
use super::program::Step;
use crate::config::invalid::InvalidConfig;

/// A pattern as the filter reads it.
#[derive(Debug)]
pub struct Pattern(Regex);

/// What the pattern is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// The path of a request, without its query.
    Path,
    /// The value of a header or of a query parameter.
    Any,
}

/// The values that a pattern matches, as far as there is a simpler word for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None.
    Nothing,
    /// This one only.
    Text(Vec<u8>),
    /// Those that begin with this text, which may be empty.
    Prefix(Vec<u8>),
    /// Others.
    Other,
}

impl Pattern {
    /// Reads a pattern in RE2's syntax.
    ///
    /// # Errors
    /// Those of the same pattern in a configuration.
    pub fn new(pattern: &str) -> Result<Self, InvalidConfig> {
        Regex::new(pattern).map(Self)
    }

    /// Whether it matches the whole value.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.0.matches(value)
    }

    /// The bytes that every matching value begins with.
    pub fn prefix(&self) -> &[u8] {
        self.0.prefix()
    }

    /// The simplest word for the values that it matches.
    pub fn shape(&self, values: Values) -> Shape {
        let prefix = self.0.prefix();
        if !Search::new(self, values).finds_a_match() {
            return Shape::Nothing;
        }
        let start = self.0.0.start();
        if self.ends_at(start) {
            Shape::Text(prefix.to_owned())
        } else if self.takes_the_rest_at(start) {
            Shape::Prefix(prefix.to_owned())
        } else {
            Shape::Other
        }
    }

    fn step(&self, number: u32) -> Option<&Step> {
        self.0.0.step(number)
    }

    /// Whether nothing but the end of the value may follow.
    fn ends_at(&self, mut number: u32) -> bool {
        while let Some(Step::Look(Look::End | Look::LineEnd)) = self.step(number) {
            number += 1;
        }
        matches!(self.step(number), Some(Step::Match))
    }

    /// Whether `.*`, which takes all bytes that a value can have, and then the end follow.
    fn takes_the_rest_at(&self, number: u32) -> bool {
        let (Some(Step::Fork(end)), Some(Step::Set(set)), Some(Step::Jump(back))) = (
            self.step(number),
            self.step(number + 1),
            self.step(number + 2),
        ) else {
            return false;
        };
        *back == number
            && legal().intersection(set.complement()).is_empty()
            && *end == number + 3
            && self.ends_at(*end)
    }
}

/// The bytes that a value can have.
fn legal() -> ByteSet {
    ByteSet::of(|byte| !matches!(byte, b'\0' | b'\n' | b'\r'))
}

/// The byte before a position. Values without line ends have no others that a pattern could tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Word,
    Other,
}

/// What may come after a position: the end, a byte of a word, another byte.
const END: u32 = 1;
const WORD: u32 = 2;
const OTHER: u32 = 4;
const ANY: u32 = END | WORD | OTHER;

/// A search through all positions that a value can bring the steps to.
struct Search<'p> {
    pattern: &'p Pattern,
    /// The bytes of a word and the others, at the start of a value and after it.
    first: [ByteSet; 2],
    later: [ByteSet; 2],
    /// For each step, a bit for each state in which it has been reached.
    seen: Vec<u32>,
    pending: Vec<(u32, Before, u32)>,
}

impl<'p> Search<'p> {
    fn new(pattern: &'p Pattern, values: Values) -> Self {
        let legal = match values {
            Values::Path => legal().intersection(ByteSet::of(|byte| !b"?#".contains(&byte))),
            Values::Any => legal(),
        };
        let start = match values {
            Values::Path => ByteSet::from_bytes(b"/*".iter().copied()),
            Values::Any => legal,
        };
        let kinds = |set: ByteSet| {
            [
                set.intersection(ByteSet::of(is_word)),
                set.intersection(ByteSet::of(|byte| !is_word(byte))),
            ]
        };
        Self {
            pattern,
            first: kinds(start),
            later: kinds(legal),
            seen: vec![0; pattern.0.0.size()],
            pending: vec![(0, Before::Start, ANY)],
        }
    }

    fn finds_a_match(mut self) -> bool {
        while let Some((number, before, after)) = self.pending.pop() {
            if after == 0 || !self.is_new(number, before, after) {
                continue;
            }
            match self.pattern.step(number) {
                Some(Step::Match) if after & END != 0 => return true,
                Some(Step::Match) | None => {}
                Some(Step::Jump(to)) => self.pending.push((*to, before, after)),
                Some(Step::Fork(other)) => {
                    let both = [(number + 1, before, after), (*other, before, after)];
                    self.pending.extend(both);
                }
                Some(Step::Look(look)) => {
                    let after = after & allowed(*look, before);
                    self.pending.push((number + 1, before, after));
                }
                Some(Step::Byte(byte)) => {
                    let set = ByteSet::from_bytes([*byte].into_iter());
                    self.take(number, before, after, set);
                }
                Some(Step::Set(set)) => self.take(number, before, after, **set),
            }
        }
        false
    }

    /// Goes on after a byte of this set.
    fn take(&mut self, number: u32, before: Before, after: u32, set: ByteSet) {
        let [word, other] = match before {
            Before::Start => self.first,
            Before::Word | Before::Other => self.later,
        };
        for (kind, bytes, next) in [(WORD, word, Before::Word), (OTHER, other, Before::Other)] {
            if after & kind != 0 && !set.intersection(bytes).is_empty() {
                self.pending.push((number + 1, next, ANY));
            }
        }
    }

    fn is_new(&mut self, number: u32, before: Before, after: u32) -> bool {
        let bit = match before {
            Before::Start => after,
            Before::Word => 8 + after,
            Before::Other => 16 + after,
        };
        let Some(seen) = self.seen.get_mut(number as usize) else {
            return false;
        };
        let new = *seen >> bit & 1 == 0;
        *seen |= 1 << bit;
        new
    }
}

/// What may come after a position for the condition to hold.
fn allowed(look: Look, before: Before) -> u32 {
    let boundary = match before {
        Before::Word => END | OTHER,
        Before::Start | Before::Other => WORD,
    };
    match look {
        Look::Start | Look::LineStart if before == Before::Start => ANY,
        Look::Start | Look::LineStart => 0,
        Look::End | Look::LineEnd => END,
        Look::WordBoundary => boundary,
        Look::NoWordBoundary => ANY & !boundary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(pattern: &str, values: Values) -> Shape {
        Pattern::new(pattern).unwrap().shape(values)
    }

    #[test]
    fn a_pattern_that_is_a_text_or_a_prefix_is_recognized() {
        for (pattern, expected) in [
            ("/color", Shape::Text(b"/color".to_vec())),
            ("^/color$", Shape::Text(b"/color".to_vec())),
            (
                r"shop\.example\.com",
                Shape::Text(b"shop.example.com".to_vec()),
            ),
            ("(/co)(?:lor)", Shape::Text(b"/color".to_vec())),
            ("/color.*", Shape::Prefix(b"/color".to_vec())),
            ("^/color(.*)$", Shape::Prefix(b"/color".to_vec())),
            (r"/color[^\n]*", Shape::Prefix(b"/color".to_vec())),
            (".*", Shape::Prefix(Vec::new())),
            ("/color.+", Shape::Other),
            ("/color(/.*)?", Shape::Other),
            ("/color[^/]*(/.*)?", Shape::Other),
            ("(?i)/color", Shape::Other),
            ("/color|/colour", Shape::Other),
            (r"/color\b.*", Shape::Other),
            ("/color[a-z]*", Shape::Other),
        ] {
            assert_eq!(shape(pattern, Values::Any), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_no_value_can_match_is_recognized() {
        for (pattern, path, any) in [
            ("a^b", true, true),
            ("/a$/b", true, true),
            (r"/a\bb", true, true),
            (r"/a\B/", true, true),
            (r"[^\x00-\xff]", true, true),
            (r"/a\nb", true, true),
            (r"/color\?x=1", true, false),
            ("color", true, false),
            (r"\d+", true, false),
            ("/a|b", false, false),
            (".*color", false, false),
            (r"\*", false, false),
            (r"/a\b/b\b", false, false),
            ("(?m)/a$", false, false),
            ("(/a$|/a/b)", false, false),
        ] {
            for (values, nothing) in [(Values::Path, path), (Values::Any, any)] {
                let shape = shape(pattern, values);
                assert_eq!(shape == Shape::Nothing, nothing, "{pattern} {values:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_s_shape_agrees_with_what_it_matches(
            pattern in r"[ab/?.*+$^|()\[\]]{0,7}|(a|/|\^|\$|\\b|\\B|\.\*|b\?){1,6}",
            value in "[ab/?]{0,6}",
        ) {
            let Ok(pattern) = Pattern::new(&pattern) else { return Ok(()) };
            let bytes = value.as_bytes();
            let matches = pattern.matches(bytes);
            match pattern.shape(Values::Any) {
                Shape::Nothing => prop_assert!(!matches),
                Shape::Text(text) => prop_assert_eq!(matches, bytes == text),
                Shape::Prefix(text) => prop_assert_eq!(matches, bytes.starts_with(&text)),
                Shape::Other => {}
            }
            if bytes.starts_with(b"/") && !bytes.contains(&b'?') {
                prop_assert!(!matches || pattern.shape(Values::Path) != Shape::Nothing);
            }
        }
    }
}
