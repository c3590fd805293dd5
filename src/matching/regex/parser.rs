//! RE2's grammar (RE2's `doc/syntax.txt` and `re2/parse.cc`), byte by byte.
//!
//! Every accepted pattern means the same as in RE2. The parser refuses everything else with a reason, so that no pattern is
//! silently reinterpreted: lookaround, backreferences, octal, `\pN` and `\x{100}` (more than one byte).

use std::collections::BTreeSet;

use super::ast::{Ast, Look};
use super::byte_set::{self, ByteSet};
use super::class::class;
use super::cursor::{Cursor, Refused};

/// RE2's own limit for `{n,m}`, which also applies to the product of nested repetitions.
const MOST_REPEATS: u32 = 1000;

/// The deepest nesting of groups. RE2 allows 1000, but the recursion over a pattern has to fit on a wasm stack.
const DEEPEST: usize = 150;

/// The longest pattern, in bytes. It bounds the syntax tree, which is built before the steps are counted.
const LONGEST: usize = 32_768;

pub(super) fn parse(pattern: &[u8]) -> Result<Ast, Refused> {
    if pattern.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser {
        cursor: Cursor::new(pattern),
        ..Parser::default()
    };
    while let Some(byte) = parser.cursor.next() {
        parser.token(byte)?;
    }
    match parser.outer.is_empty() {
        true => Ok(parser.group.close().ast),
        false => Err("a `(` is not closed".into()),
    }
}

#[derive(Default)]
struct Parser<'p> {
    cursor: Cursor<'p>,
    flags: Flags,
    group: Group,
    outer: Vec<(Group, Flags)>,
    names: BTreeSet<&'p [u8]>,
}

/// The flags that `(?i)`, `(?m)` and `(?s)` set. `(?U)` only changes which match is found, not whether there is one.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

/// An open group: the branches before the last `|`, and the pieces after it.
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
        self.branches
            .push(Piece::concat(std::mem::take(&mut self.pieces)));
        self.last = Last::Nothing;
    }

    fn close(mut self) -> Piece {
        self.branch();
        Piece::alternatives(self.branches)
    }
}

impl Piece {
    fn concat(pieces: Vec<Self>) -> Self {
        Self::join(pieces, Ast::Concat, |part| !part.is_empty())
    }

    fn alternatives(branches: Vec<Self>) -> Self {
        Self::join(branches, Ast::Alternatives, |_| true)
    }

    /// Does not wrap a single part, and leaves out empty parts where possible, so that every part has steps of its own.
    /// This matters because a repetition compiles its parts up to a thousand times, and the limit only counts steps.
    fn join(pieces: Vec<Self>, join: fn(Vec<Ast>) -> Ast, keep: fn(&Ast) -> bool) -> Self {
        let repeats = pieces.iter().map(|piece| piece.repeats).max().unwrap_or(1);
        let mut parts: Vec<_> = pieces
            .into_iter()
            .map(|piece| piece.ast)
            .filter(keep)
            .collect();
        let alone = if parts.len() == 1 { parts.pop() } else { None };
        Self {
            ast: alone.unwrap_or_else(|| join(parts)),
            repeats,
        }
    }
}

impl<'p> Parser<'p> {
    fn token(&mut self, byte: u8) -> Result<(), Refused> {
        match byte {
            b'(' => self.open()?,
            b')' => self.close()?,
            b'|' => self.group.branch(),
            b'[' => {
                let set = class(&mut self.cursor, self.flags.fold)?;
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
                self.group
                    .push(ByteSet::of(|b| dot_newline || b != b'\n').into());
            }
            byte => self.literal(byte),
        }
        Ok(())
    }

    fn literal(&mut self, byte: u8) {
        self.group.push(match self.flags.fold {
            true => ByteSet::from_bytes([byte].into_iter()).folded().into(),
            false => Ast::Byte(byte),
        });
    }

    fn open(&mut self) -> Result<(), Refused> {
        let outer_flags = self.flags;
        if self.cursor.skip(b"?P<") || self.names_group() {
            let name = self
                .cursor
                .until(b">")
                .ok_or("a group's name is not closed")?;
            let legal =
                !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            if !legal || !self.names.insert(name) {
                return Err(
                    "a group's name is used twice or is not made of letters, digits and `_`".into(),
                );
            }
        } else if self.cursor.skip(b"?") && self.set_flags()? == b')' {
            // `(?i)` applies to the rest of the enclosing group.
            self.group.last = Last::Nothing;
            return Ok(());
        }
        if self.outer.len() >= DEEPEST {
            return Err(format!("groups are nested deeper than {DEEPEST}"));
        }
        self.outer
            .push((std::mem::take(&mut self.group), outer_flags));
        Ok(())
    }

    /// Skips `?<` of `(?<name>`. `(?<=` and `(?<!` are lookbehinds, which [`set_flags`](Self::set_flags) refuses.
    fn names_group(&mut self) -> bool {
        !matches!(self.cursor.rest, [b'?', b'<', b'=' | b'!', ..]) && self.cursor.skip(b"?<")
    }

    /// Reads the flags and returns the `:` or `)` after them.
    fn set_flags(&mut self) -> Result<u8, Refused> {
        let (mut on, mut given, mut dangling) = (true, false, false);
        loop {
            let flag =
                match self.cursor.next() {
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
                        "`(?` is followed by something other than a group, a name or the flags i, m, s, U \
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

    /// Reads `{n}`, `{n,}` or `{n,m}` after the `{`. Anything else stands for itself.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.cursor.rest;
        let counts = self.read_counts();
        if counts.is_none() {
            self.cursor.rest = start;
        }
        counts
    }

    fn read_counts(&mut self) -> Option<(u32, Option<u32>)> {
        let min = number(self.cursor.digits())?;
        let max = match (self.cursor.skip(b","), self.cursor.digits()) {
            (false, _) => Some(min),
            (true, b"") => None,
            (true, max) => Some(number(max)?),
        };
        self.cursor.skip(b"}").then_some((min, max))
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
        self.cursor.skip(b"?");
        let piece = match self.group.last {
            Last::Atom => self.group.pieces.pop(),
            Last::Nothing => None,
            Last::Repeated => return Err("a repetition operator follows another one".into()),
        };
        let Piece { ast, repeats } = piece.ok_or("a repetition operator has nothing to repeat")?;
        let ast = match max {
            Some(0) => Ast::Concat(Vec::new()),
            Some(_) if ast.is_empty() => ast,
            _ => Ast::Repeat {
                min,
                max,
                of: Box::new(ast),
            },
        };
        self.group.push_piece(Piece { ast, repeats });
        self.group.last = Last::Repeated;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refused> {
        match self.cursor.next() {
            Some(b'Q') => {
                let all = self.cursor.rest;
                let text = self.cursor.until(b"\\E").unwrap_or_else(|| {
                    self.cursor.rest = &[];
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
                let byte = self.cursor.escaped_byte(escaped)?;
                self.literal(byte);
            }
        }
        Ok(())
    }
}

/// Reads a count. RE2 does not treat a number with leading zeros as a count.
fn number(digits: &[u8]) -> Option<u32> {
    let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    Some(text.parse().unwrap_or(u32::MAX))
}
