//! RE2's grammar (RE2's `doc/syntax.txt` and `re2/parse.cc`), byte by byte.
//!
//! What is read here means what it means in RE2. All else is refused with a reason, so no pattern is ever silently
//! reinterpreted: lookaround, backreferences, octal, `\pN` and `\x{100}` (more than one byte).

use std::collections::BTreeSet;

use super::byte_set::{self, ByteSet};

/// A pattern as it is written.
#[derive(Debug)]
pub(super) enum Ast {
    Byte(u8),
    Set(Box<ByteSet>),
    Look(Look),
    /// All of these, one behind the other.
    Concat(Vec<Ast>),
    /// Any of these.
    Alternatives(Vec<Ast>),
    Repeat {
        min: u32,
        max: Option<u32>,
        of: Box<Ast>,
    },
}

/// A condition on a place between two bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// RE2's own limit of `{n,m}`, also for the product of nested ones.
const MOST_REPEATS: u32 = 1000;

/// Groups inside groups. RE2 allows 1000; what recurses over a pattern has to fit a wasm stack.
const DEEPEST: usize = 150;

/// The reason why a pattern is refused.
type Refused = String;

pub(super) fn parse(pattern: &[u8]) -> Result<Ast, Refused> {
    let mut parser = Parser { rest: pattern, ..Parser::default() };
    while let Some(byte) = parser.next() {
        parser.token(byte)?;
    }
    match parser.outer.is_empty() {
        true => Ok(parser.group.close().ast),
        false => Err("a `(` is not closed".into()),
    }
}

#[derive(Default)]
struct Parser<'p> {
    rest: &'p [u8],
    flags: Flags,
    group: Group,
    outer: Vec<(Group, Flags)>,
    names: BTreeSet<&'p [u8]>,
}

/// What `(?i)`, `(?m)`, `(?s)` say; `(?U)` only changes which match is found, not whether there is one.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

/// An open group: the branches before the last `|`, and the pieces behind it.
#[derive(Default)]
struct Group {
    branches: Vec<Piece>,
    pieces: Vec<Piece>,
    /// What the next repetition operator would apply to.
    last: Last,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Last {
    #[default]
    Nothing,
    Atom,
    Repeated,
}

/// A part of the pattern, with the largest product of nested repeats in it.
struct Piece {
    ast: Ast,
    repeats: u32,
}

impl Group {
    fn push(&mut self, ast: Ast) {
        self.push_piece(Piece { ast, repeats: 1 });
    }

    fn push_piece(&mut self, piece: Piece) {
        self.pieces.push(piece);
        self.last = Last::Atom;
    }

    fn branch(&mut self) {
        let branch = Piece::join(std::mem::take(&mut self.pieces), Ast::Concat);
        self.branches.push(branch);
        self.last = Last::Nothing;
    }

    fn close(mut self) -> Piece {
        self.branch();
        Piece::join(self.branches, Ast::Alternatives)
    }
}

impl Piece {
    fn join(pieces: Vec<Self>, join: impl FnOnce(Vec<Ast>) -> Ast) -> Self {
        let repeats = pieces.iter().map(|piece| piece.repeats).max().unwrap_or(1);
        Self { ast: join(pieces.into_iter().map(|piece| piece.ast).collect()), repeats }
    }
}

impl<'p> Parser<'p> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// All up to the delimiter, which is passed as well; `None` leaves everything where it is.
    fn until(&mut self, delimiter: &[u8]) -> Option<&'p [u8]> {
        let end = self.rest.windows(delimiter.len()).position(|window| window == delimiter)?;
        let text = self.rest.get(..end)?;
        self.rest = self.rest.get(end + delimiter.len()..)?;
        Some(text)
    }

    fn token(&mut self, byte: u8) -> Result<(), Refused> {
        match byte {
            b'(' => self.open()?,
            b')' => self.close()?,
            b'|' => self.group.branch(),
            b'[' => {
                let set = self.class()?;
                self.group.push(set.into());
            }
            b'\\' => self.escape()?,
            b'*' => self.repeat(0, None)?,
            b'+' => self.repeat(1, None)?,
            b'?' => self.repeat(0, Some(1))?,
            b'{' => match self.counts() {
                Some((min, max)) => self.counted_repeat(min, max)?,
                None => self.literal(b'{'),
            },
            b'^' if self.flags.multi_line => self.group.push(Ast::Look(Look::LineStart)),
            b'^' => self.group.push(Ast::Look(Look::Start)),
            b'$' if self.flags.multi_line => self.group.push(Ast::Look(Look::LineEnd)),
            b'$' => self.group.push(Ast::Look(Look::End)),
            b'.' => {
                let dot_newline = self.flags.dot_newline;
                self.group.push(ByteSet::of(|b| dot_newline || b != b'\n').into());
            }
            byte => self.literal(byte),
        }
        Ok(())
    }

    fn literal(&mut self, byte: u8) {
        self.group.push(match self.flags.fold {
            true => ByteSet::of(|b| b == byte).folded().into(),
            false => Ast::Byte(byte),
        });
    }

    fn open(&mut self) -> Result<(), Refused> {
        let outer_flags = self.flags;
        if self.skip(b"?P<") || self.names_group() {
            let name = self.until(b">").ok_or("a group's name is not closed")?;
            let legal = !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            if !legal || !self.names.insert(name) {
                return Err("a group's name is used twice or is not made of letters, digits and `_`".into());
            }
        } else if self.skip(b"?") && self.set_flags()? == b')' {
            // `(?i)` holds for the rest of the group that it stands in.
            self.group.last = Last::Nothing;
            return Ok(());
        }
        if self.outer.len() >= DEEPEST {
            return Err(format!("groups are nested deeper than {DEEPEST}"));
        }
        self.outer.push((std::mem::take(&mut self.group), outer_flags));
        Ok(())
    }

    /// Passes `?<` of `(?<name>`; `(?<=` and `(?<!` are lookbehinds, which [`set_flags`](Self::set_flags) refuses.
    fn names_group(&mut self) -> bool {
        !matches!(self.rest, [b'?', b'<', b'=' | b'!', ..]) && self.skip(b"?<")
    }

    /// Reads the flags and returns the `:` or `)` behind them.
    fn set_flags(&mut self) -> Result<u8, Refused> {
        let (mut on, mut given, mut dangling) = (true, false, false);
        loop {
            let flag =
                match self.next() {
                    Some(b'i') => Some(&mut self.flags.fold),
                    Some(b'm') => Some(&mut self.flags.multi_line),
                    Some(b's') => Some(&mut self.flags.dot_newline),
                    Some(b'U') => None,
                    Some(b'-') if on => {
                        (on, dangling) = (false, true);
                        continue;
                    }
                    Some(b':') if !dangling => return Ok(b':'),
                    Some(b')') if given && !dangling => return Ok(b')'),
                    _ => return Err(
                        "`(?` is followed by something else than a group, a name or the flags i, m, s, U \
                                 (RE2 has no lookaround)"
                            .into(),
                    ),
                };
            if let Some(flag) = flag {
                *flag = on;
            }
            (given, dangling) = (true, false);
        }
    }

    fn close(&mut self) -> Result<(), Refused> {
        let (outer, flags) = self.outer.pop().ok_or("a `)` closes nothing")?;
        self.flags = flags;
        let inner = std::mem::replace(&mut self.group, outer);
        self.group.push_piece(inner.close());
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}` behind the `{`; anything else is the text itself.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.rest;
        let counts = self.read_counts();
        if counts.is_none() {
            self.rest = start;
        }
        counts
    }

    fn read_counts(&mut self) -> Option<(u32, Option<u32>)> {
        let text = self.until(b"}")?;
        let mut parts = text.splitn(2, |b| *b == b',');
        let min = number(parts.next()?)?;
        match parts.next() {
            None => Some((min, Some(min))),
            Some(b"") => Some((min, None)),
            Some(max) => Some((min, Some(number(max)?))),
        }
    }

    fn counted_repeat(&mut self, min: u32, max: Option<u32>) -> Result<(), Refused> {
        if max.is_some_and(|max| max < min) {
            return Err("a repetition's upper bound is below its lower one".into());
        }
        let most = max.unwrap_or(min).max(1);
        let inside = self.group.pieces.last().map_or(1, |piece| piece.repeats);
        let repeats = most.saturating_mul(inside);
        if repeats > MOST_REPEATS {
            return Err(format!("repeats more than {MOST_REPEATS} times"));
        }
        self.repeat(min, max)?;
        if let Some(piece) = self.group.pieces.last_mut() {
            piece.repeats = repeats;
        }
        Ok(())
    }

    fn repeat(&mut self, min: u32, max: Option<u32>) -> Result<(), Refused> {
        self.skip(b"?");
        let piece = match self.group.last {
            Last::Atom => self.group.pieces.pop(),
            Last::Nothing => None,
            Last::Repeated => return Err("a repetition operator follows another one".into()),
        };
        let Piece { ast, repeats } = piece.ok_or("a repetition operator has nothing to repeat")?;
        let ast = Ast::Repeat { min, max, of: Box::new(ast) };
        self.group.push_piece(Piece { ast, repeats });
        self.group.last = Last::Repeated;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refused> {
        match self.next() {
            Some(b'Q') => {
                let all = self.rest;
                let text = self.until(b"\\E").unwrap_or_else(|| {
                    self.rest = &[];
                    all
                });
                text.iter().for_each(|byte| self.literal(*byte));
            }
            Some(b'A') => self.group.push(Ast::Look(Look::Start)),
            Some(b'z') => self.group.push(Ast::Look(Look::End)),
            Some(b'b') => self.group.push(Ast::Look(Look::WordBoundary)),
            Some(b'B') => self.group.push(Ast::Look(Look::NoWordBoundary)),
            Some(b'C') => self.group.push(ByteSet::EMPTY.complement().into()),
            Some(name) if byte_set::perl(name).is_some() => {
                let set = byte_set::perl(name).unwrap_or(ByteSet::EMPTY);
                self.group.push(set.into());
            }
            escaped => {
                let byte = self.escaped_byte(escaped)?;
                self.literal(byte);
            }
        }
        Ok(())
    }

    /// The escapes that stand for one byte, in a class and outside.
    fn escaped_byte(&mut self, escaped: Option<u8>) -> Result<u8, Refused> {
        Ok(match escaped {
            Some(b'a') => 0x07,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'x') => self.hex()?,
            Some(b'0'..=b'9') => return Err("backreferences and octal are not supported: write \\xNN".into()),
            Some(b'p' | b'P') => return Err("\\p is not supported: values are compared byte by byte".into()),
            Some(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => byte,
            Some(byte) if byte.is_ascii_graphic() => {
                return Err(format!("\\{} is no escape of RE2's", char::from(byte)));
            }
            Some(_) => return Err("a backslash stands before a byte that needs none".into()),
            None => return Err("ends in a backslash".into()),
        })
    }

    fn hex(&mut self) -> Result<u8, Refused> {
        let digits = if self.skip(b"{") {
            self.until(b"}").ok_or("\\x{ is not closed")?
        } else {
            let (digits, rest) = self.rest.split_at_checked(2).ok_or("\\x needs two hexadecimal digits")?;
            self.rest = rest;
            digits
        };
        let text = std::str::from_utf8(digits).unwrap_or_default();
        match u32::from_str_radix(text, 16) {
            Ok(code) if digits.iter().all(u8::is_ascii_hexdigit) => {
                u8::try_from(code).map_err(|_| "\\x{…} above ff: values are compared byte by byte".into())
            }
            _ => Err("\\x needs hexadecimal digits".into()),
        }
    }

    /// `[…]` behind its `[`. A `-` stands for itself where it makes no range, and a `[` that opens no `[:name:]` too.
    fn class(&mut self) -> Result<ByteSet, Refused> {
        let negated = self.skip(b"^");
        let mut set = ByteSet::EMPTY;
        let mut first = true;
        loop {
            match self.next().ok_or("a `[` is not closed")? {
                b']' if !first => break,
                b'[' if self.rest.starts_with(b":") => set = set.union(self.posix_or_range()?),
                b'\\' if self.rest.first().copied().and_then(byte_set::perl).is_some() => {
                    let named = self.next().and_then(byte_set::perl);
                    set = set.union(named.unwrap_or(ByteSet::EMPTY));
                }
                byte => set = set.union(self.range(byte)?),
            }
            first = false;
        }
        Ok(if negated { set.complement() } else { set })
    }

    fn posix_or_range(&mut self) -> Result<ByteSet, Refused> {
        let start = self.rest;
        self.skip(b":");
        match self.until(b":]") {
            Some(name) => {
                byte_set::posix(name, self.flags.fold).ok_or("[:…:] has no class of that name".into())
            }
            None => {
                self.rest = start;
                self.range(b'[')
            }
        }
    }

    fn range(&mut self, byte: u8) -> Result<ByteSet, Refused> {
        let low = self.class_byte(Some(byte))?;
        let mut high = low;
        if self.rest.starts_with(b"-") && !self.rest.starts_with(b"-]") && self.rest.len() > 1 {
            self.skip(b"-");
            let byte = self.next();
            high = self.class_byte(byte)?;
        }
        if high < low {
            return Err("a range in […] ends before it begins".into());
        }
        let set = ByteSet::of(|b| (low..=high).contains(&b));
        Ok(if self.flags.fold { set.folded() } else { set })
    }

    fn class_byte(&mut self, byte: Option<u8>) -> Result<u8, Refused> {
        match byte {
            Some(b'\\') => {
                let escaped = self.next();
                self.escaped_byte(escaped)
            }
            Some(byte) => Ok(byte),
            None => Err("a `[` is not closed".into()),
        }
    }
}

impl From<ByteSet> for Ast {
    fn from(set: ByteSet) -> Self {
        Self::Set(Box::new(set))
    }
}

/// A count without leading zeros, which RE2 does not take for a count.
fn number(digits: &[u8]) -> Option<u32> {
    let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    Some(text.parse().unwrap_or(u32::MAX))
}
